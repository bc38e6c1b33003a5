"""A command as it comes off the wire, judged: who signed it, for whom, is it fresh, what does it ask (P5). Pure.

The checks, in this order: retained, too_large, malformed, unknown_key, bad_signature, too_large (payload), malformed,
wrong_issuer, wrong_audience, then claims and order (unknown_field, unknown_do, unknown_signal, malformed), lifetime,
bad_nonce | clock_untrusted | not_yet_valid | expired, bad_at. Seen ids are the office's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kengd.duty.words import ClockTrust
from kengd.wire.freshness import Nonces
from kengd.wire.orders import (
    LATEST_S,
    SETTLED,
    Hush,
    Order,
    Replay,
    Ring,
    Silence,
    Unfit,
    is_command_id,
    is_text,
    is_whole,
    read_order,
)
from kengd.wire.reasons import Reason
from kengd.wire.signing import KeyRing, Unsound, check
from kengd.wire.strict import read_json

SMALL_PAYLOAD = 4 * 1024
LARGE_PAYLOAD = 32 * 1024
URGENT_LIFETIME_S = 600
LIFETIME_S = 7 * 86_400
LONGEST_SILENCE_S = 31 * 86_400
SKEW_S = 10
"""The hub uses a nonce when the clocks differ by more than this, so the post bears this much."""
AT_LATE_S = 5
AT_AHEAD_S = 600

_CLAIMS = frozenset({"iss", "aud", "jti", "iat", "exp", "nonce", "cmd"})
_REQUIRED = _CLAIMS - {"nonce"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that judging depends on beside the message. `wall_s` (unix s), `mono_ms` (CLOCK_MONOTONIC): one moment."""

    commune: str
    post: str
    keys: KeyRing
    wall_s: float
    mono_ms: int
    clock: ClockTrust
    nonces: Nonces


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command to be carried out, unless its id was seen before.

    `digest`: SHA-256 of the compact JWS. `deadline_ms`: CLOCK_MONOTONIC, last moment to act. `as_of_ms`: when it had been made, by
    the same clock: an unnamed hush ends what began, or had been ordered, before (P13). `start_ms`: for a ring with `at` in the future.
    """

    jti: str
    kid: str
    iat: int
    exp: int
    digest: bytes
    order: Order
    deadline_ms: int
    as_of_ms: int
    start_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A command not to be carried out. `jti`, `by`, `exp` only where the signature is right (`authenticated`).

    `kid` is what the message claims. `for_others`: well signed, and addressed to other posts of this commune only.
    """

    reason: Reason
    authenticated: bool = False
    digest: bytes | None = None
    jti: str | None = None
    by: str | None = None
    exp: int | None = None
    kid: str | None = None
    for_others: bool = False


def judge(raw: bytes, *, retained: bool, circumstances: Circumstances) -> Accepted | Refused:
    """What this message is worth. Raises nothing, whatever the bytes."""
    try:
        signed = check(raw, circumstances.keys)
    except Unsound as unsound:
        return Refused("retained" if retained else unsound.reason, kid=unsound.kid)
    digest = sha256(raw).digest()
    try:
        claims = _read_payload(signed.payload)
    except Unfit as unfit:
        return Refused("retained" if retained else unfit.reason, True, digest, kid=signed.kid)
    try:
        if retained:
            raise Unfit("retained")
        return _judge_claims(claims, signed.payload, signed.kid, digest, circumstances)
    except Unfit as unfit:
        jti, exp, cmd = claims.get("jti"), claims.get("exp"), claims.get("cmd")
        by = cmd.get("by") if isinstance(cmd, dict) else None
        return Refused(
            unfit.reason,
            True,
            digest,
            jti=jti if is_command_id(jti) else None,
            by=by if is_text(by) else None,
            exp=exp if is_whole(exp, 0, LATEST_S) else None,
            kid=signed.kid,
            for_others=unfit.reason == "wrong_audience" and _for_this_commune(claims.get("aud"), circumstances.commune),
        )


def _read_payload(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGE_PAYLOAD:
        raise Unfit("too_large")
    try:
        claims = read_json(payload)
    except ValueError:
        raise Unfit("malformed") from None
    if not isinstance(claims, dict):
        raise Unfit("malformed")
    return claims


def _judge_claims(
    claims: dict[str, Any], payload: bytes, kid: str, digest: bytes, circumstances: Circumstances
) -> Accepted:
    if claims.get("iss") != f"hub:{circumstances.commune}":
        raise Unfit("wrong_issuer" if isinstance(claims.get("iss"), str) else "malformed")
    if not _is_for(claims.get("aud"), circumstances.commune, circumstances.post):
        raise Unfit("wrong_audience")
    if not claims.keys() <= _CLAIMS:
        raise Unfit("unknown_field")
    if not claims.keys() >= _REQUIRED or not is_command_id(claims["jti"]):
        raise Unfit("malformed")
    iat, exp, nonce = claims["iat"], claims["exp"], claims.get("nonce")
    if not is_whole(iat, 0, LATEST_S) or not is_whole(exp, 0, LATEST_S) or not isinstance(nonce, str | None):
        raise Unfit("malformed")
    order = read_order(claims["cmd"])
    if len(payload) > SMALL_PAYLOAD and not isinstance(order, SETTLED):
        raise Unfit("too_large")
    if not 0 < exp - iat <= (URGENT_LIFETIME_S if isinstance(order, Ring | Hush) else LIFETIME_S):
        raise Unfit("lifetime")
    _check_fresh(iat, exp, nonce, circumstances)
    if isinstance(order, Silence):
        _check_silence(order, iat, circumstances)
    left_ms = (exp - iat if nonce is not None else exp - circumstances.wall_s) * 1000
    return Accepted(
        jti=claims["jti"],
        kid=kid,
        iat=iat,
        exp=exp,
        digest=digest,
        order=order,
        # One ms early: clocks are cut to whole ms, and a ring after `exp` must not happen by rounding.
        deadline_ms=circumstances.mono_ms + math.floor(left_ms) - 1,
        as_of_ms=_as_of(iat, nonce, circumstances),
        start_ms=_start(order.at, exp, circumstances) if isinstance(order, Ring) else None,
    )


def _is_for(aud: Any, commune: str, post: str) -> bool:
    """True when `aud` (a string or a list of strings) names this post or the whole commune. Raises Unfit."""
    named = [aud] if isinstance(aud, str) else aud
    if not isinstance(named, list) or not named or not all(isinstance(item, str) for item in named):
        raise Unfit("malformed")
    return f"{commune}/{post}" in named or f"{commune}/*" in named


def _for_this_commune(aud: Any, commune: str) -> bool:
    named = [aud] if isinstance(aud, str) else aud
    return all(item.startswith(f"{commune}/") for item in named)


def _check_fresh(iat: int, exp: int, nonce: str | None, circumstances: Circumstances) -> None:
    """A current nonce stands for the clock; without one the clock must be trusted and between iat and exp."""
    if nonce is not None:
        if not circumstances.nonces.valid(nonce, circumstances.mono_ms):
            raise Unfit("bad_nonce")
    elif circumstances.clock == "untrusted":
        raise Unfit("clock_untrusted")
    elif iat > circumstances.wall_s + SKEW_S:
        raise Unfit("not_yet_valid")
    elif circumstances.wall_s >= exp:
        raise Unfit("expired")


def _check_silence(order: Silence, iat: int, circumstances: Circumstances) -> None:
    """At most 31 days from when the command was made, and from now where now is known."""
    too_long = order.until > iat + LONGEST_SILENCE_S
    if circumstances.clock != "untrusted":
        too_long = too_long or order.until > circumstances.wall_s + LONGEST_SILENCE_S + SKEW_S
    if too_long:
        raise Unfit("malformed")


def _start(at: int | None, exp: int, circumstances: Circumstances) -> int | None:
    """When a ring with `at` begins (CLOCK_MONOTONIC ms); None = at once."""
    wall_s = circumstances.wall_s
    if at is None or circumstances.clock == "untrusted":
        return None
    if not wall_s - AT_LATE_S <= at <= min(exp, wall_s + AT_AHEAD_S):
        raise Unfit("bad_at")
    return circumstances.mono_ms + round((at - wall_s) * 1000) if at > wall_s else None


def _as_of(iat: int, nonce: str | None, circumstances: Circumstances) -> int:
    """What an unnamed hush may end: what began at or before this moment (P13).

    `iat` is whole seconds, so its whole second counts. With a nonce the clocks may differ: whatever began before the
    nonce was issued certainly began before the command was made.
    """
    now_ms = circumstances.mono_ms
    by_clock = now_ms + math.floor((iat + 1 - circumstances.wall_s) * 1000) - 1
    if nonce is None:
        return min(by_clock, now_ms)
    issued_ms = circumstances.nonces.issued_mono_ms(nonce, now_ms)
    assert issued_ms is not None  # checked as fresh a moment ago
    if circumstances.clock == "untrusted":
        return issued_ms
    return min(max(by_clock, issued_ms), now_ms)


def waits_for_reply(order: Order) -> bool:
    """False for `replay`, which is answered by the entries it asks for alone."""
    return not isinstance(order, Replay)
