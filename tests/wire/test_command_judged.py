"""How the post judges a command (DESIGN section 7; P5, P12, P13)."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kengd.duty.words import Purpose
from kengd.wire.command import Accepted, Refused, judge
from kengd.wire.freshness import Nonces
from kengd.wire.orders import (
    Hush,
    LockInput,
    NewCodebook,
    NewTimetable,
    Replay,
    Ring,
    Silence,
    Taken,
    do_of,
)
from kengd.wire.reasons import REASONS, SENTENCES, sentence, sentence_en
from kengd.wire.signing import KeyRing
from tests.wire.seal import KEY, KID, MONO, NONCE, NOW, STRANGER, b64, circumstances, claims, command, jws, public

HEADER = json.dumps({"alg": "EdDSA", "kid": KID}).encode()
RING = {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "Đ/c Hùng"}
DAY = 86_400


def judged(raw: bytes, retained: bool = False, **around: Any) -> Accepted | Refused:
    return judge(raw, retained=retained, circumstances=circumstances(**around))


def reason(raw: bytes, retained: bool = False, **around: Any) -> str | None:
    verdict = judged(raw, retained, **around)
    return verdict.reason if isinstance(verdict, Refused) else None


def cmd(**fields: Any) -> bytes:
    return command(cmd=fields, exp=NOW + 60)


def ring(**changes: Any) -> bytes:
    return command(cmd={name: value for name, value in (RING | changes).items() if value is not ...})


def payload(text: str | bytes) -> bytes:
    return jws(HEADER, text.encode() if isinstance(text, str) else text)


def with_text(old: str, new: str) -> bytes:
    """A well-signed command whose JSON text was changed before signing."""
    text = json.dumps(claims())
    assert old in text
    return payload(text.replace(old, new))


GOOD = command()
HEAD, BODY, SIGNATURE = GOOD.split(b".")

REFUSED: list[tuple[str, str, bytes]] = [
    # what is wrong, reason, message
    ("one byte over 48 KiB", "too_large", b"a" * (48 * 1024 + 1)),
    (
        "payload over 32 KiB",
        "too_large",
        command(cmd={"do": "codebook", "version": 1, "codebook": {"x": "y" * 33_000}}),
    ),
    ("a ring over 4 KiB", "too_large", command(aud=["conglac/thon-1"] + [f"conglac/thon-{n}" for n in range(400)])),
    ("nothing", "malformed", b""),
    ("two parts", "malformed", HEAD + b"." + BODY),
    ("four parts", "malformed", GOOD + b".x"),
    ("JSON instead of a JWS", "malformed", json.dumps(claims()).encode()),
    ("padding", "malformed", GOOD + b"=="),
    ("standard base64", "malformed", jws(HEADER, b"{}").replace(b"e30", b"e3+")),
    ("line end behind it", "malformed", GOOD + b"\n"),
    ("spare bits in the last character", "malformed", HEAD + b"." + BODY + b"." + SIGNATURE[:-1] + b"x"),
    ("header not JSON", "malformed", jws(b"{", b"{}")),
    ("header a list", "malformed", jws(b"[]", b"{}")),
    ("alg none", "malformed", command({"alg": "none", "kid": KID})),
    ("alg HS256", "malformed", command({"alg": "HS256", "kid": KID})),
    ("no alg", "malformed", command({"kid": KID})),
    ("no kid", "malformed", command({"alg": "EdDSA"})),
    ("kid a number", "malformed", command({"alg": "EdDSA", "kid": 1})),
    ("kid too long", "malformed", command({"alg": "EdDSA", "kid": "k" * 65})),
    ("typ a number", "malformed", command({"alg": "EdDSA", "kid": KID, "typ": 1})),
    ("crit", "malformed", command({"alg": "EdDSA", "kid": KID, "crit": ["exp"]})),
    ("b64", "malformed", command({"alg": "EdDSA", "kid": KID, "b64": False})),
    ("its own key in the header", "malformed", command({"alg": "EdDSA", "kid": KID, "jwk": {}}, STRANGER)),
    ("header with a key twice", "malformed", jws(b'{"alg":"EdDSA","kid":"x","kid":"hub-2026"}', b"{}")),
    ("unknown key", "unknown_key", command({"alg": "EdDSA", "kid": "old"})),
    ("another's signature", "bad_signature", command(key=STRANGER)),
    ("no signature", "bad_signature", HEAD + b"." + BODY + b"."),
    ("half a signature", "bad_signature", HEAD + b"." + BODY + b"." + b64(bytes(32))),
    (
        "body of another command",
        "bad_signature",
        HEAD + b"." + b64(json.dumps(claims(jti="x" * 9)).encode()) + b"." + SIGNATURE,
    ),
    ("payload not JSON", "malformed", payload("not json")),
    ("payload a list", "malformed", payload("[]")),
    ("payload in UTF-16", "malformed", payload(json.dumps(claims()).encode("utf-16"))),
    ("payload not UTF-8", "malformed", payload(b'{"iss":"\xff"}')),
    ("a claim twice", "malformed", with_text('"iss": "hub:conglac"', '"iss": "hub:conglac", "iss": "hub:conglac"')),
    ("an order's field twice", "malformed", with_text('"do": "ring"', '"do": "hush", "do": "ring"')),
    ("NaN", "malformed", with_text(f'"exp": {NOW + 60}', '"exp": NaN')),
    ("Infinity", "malformed", with_text(f'"exp": {NOW + 60}', '"exp": Infinity')),
    ("infinity by exponent", "malformed", with_text(f'"exp": {NOW + 60}', '"exp": 1e999')),
    ("nested deeper than Python bears", "malformed", payload("[" * 20_000)),
    ("a number of 5000 digits", "malformed", with_text(f'"exp": {NOW + 60}', '"exp": 1' + "0" * 3900 + "0" * 1100)),
    ("half a surrogate pair", "malformed", with_text('"do": "ring"', '"do": "ring", "why": "\\ud800"')),
    ("no issuer", "malformed", command(iss=...)),
    ("another hub", "wrong_issuer", command(iss="hub:tanlap")),
    ("a post as issuer", "wrong_issuer", command(iss="conglac/thon-2")),
    ("another post", "wrong_audience", command(aud="conglac/thon-2")),
    ("another commune", "wrong_audience", command(aud="tanlap/*")),
    ("other posts", "wrong_audience", command(aud=["conglac/thon-2", "conglac/thon-3"])),
    ("a star alone", "wrong_audience", command(aud="*")),
    ("no audience", "malformed", command(aud=...)),
    ("empty audience", "malformed", command(aud=[])),
    ("audience of numbers", "malformed", command(aud=[1])),
    ("audience a table", "malformed", command(aud={"conglac/thon-1": 1})),
    ("unknown claim", "unknown_field", command(nbf=NOW)),
    ("unknown field of a ring", "unknown_field", ring(duration=10)),
    ("why where none is", "unknown_field", cmd(do="taken", activation="a" * 16, by="x", why="y")),
    ("unknown do", "unknown_do", cmd(do="toggle", by="x")),
    ("play", "unknown_do", cmd(do="RING", signal="alarm", purpose="actual", by="x")),
    ("no do", "malformed", cmd(signal="alarm", purpose="actual", by="x")),
    ("do a number", "malformed", cmd(do=1)),
    ("cmd a string", "malformed", command(cmd="ring")),
    ("no cmd", "malformed", command(cmd=...)),
    ("a signal no codebook can have", "unknown_signal", ring(signal="Báo động!")),
    ("signal a number", "malformed", ring(signal=1)),
    ("no purpose", "malformed", ring(purpose=...)),
    ("purpose unknown", "malformed", ring(purpose="real")),
    ("no by", "malformed", ring(by=...)),
    ("by empty", "malformed", ring(by="")),
    ("by only spaces", "malformed", ring(by="   ")),
    ("by of 201 characters", "malformed", ring(by="x" * 201)),
    ("why of 201 characters", "malformed", ring(why="x" * 201)),
    ("a line break in why", "malformed", ring(why="a\nb")),
    ("an escape in by", "malformed", ring(by="\x1b[2J")),
    ("a right-to-left override in by", "malformed", ring(by="a\u202eb")),
    ("jti too short", "malformed", command(jti="x" * 7)),
    ("jti too long", "malformed", command(jti="x" * 65)),
    ("jti not URL-safe", "malformed", command(jti="timetable:1:2026")),
    ("jti a number", "malformed", command(jti=123456789)),
    ("no jti", "malformed", command(jti=...)),
    ("iat a boolean", "malformed", command(iat=True, exp=2)),
    ("exp a fraction", "malformed", command(exp=NOW + 0.5)),
    ("exp a string", "malformed", command(exp=str(NOW))),
    ("iat negative", "malformed", command(iat=-1)),
    ("exp 999999999999", "malformed", command(exp=999_999_999_999)),
    ("until a boolean", "malformed", cmd(do="silence", until=True, by="x")),
    ("silence over 31 days", "malformed", cmd(do="silence", until=NOW + 31 * DAY + 1, by="x")),
    ("locked a number", "malformed", cmd(do="lock_input", button="b", locked=1, by="x")),
    ("version a boolean", "malformed", cmd(do="codebook", version=True, codebook={})),
    ("version negative", "malformed", cmd(do="timetable", version=-1, timetable=[])),
    ("codebook a list", "malformed", cmd(do="codebook", version=1, codebook=[])),
    ("timetable a table", "malformed", cmd(do="timetable", version=1, timetable={})),
    ("hush of a number", "malformed", cmd(do="hush", activation=1, by="x")),
    ("hush without by", "malformed", cmd(do="hush")),
    ("taken of nothing", "malformed", cmd(do="taken", by="x")),
    ("replay before the first", "malformed", cmd(do="replay", book="b", after_seq=-1)),
    ("a ring for 601 s", "lifetime", command(exp=NOW + 601)),
    ("a hush for 601 s", "lifetime", command(exp=NOW + 601, cmd={"do": "hush", "by": "x"})),
    (
        "a silence for over 7 days",
        "lifetime",
        command(exp=NOW + 7 * DAY + 1, cmd={"do": "silence", "until": 0, "by": "x"}),
    ),
    ("exp before iat", "lifetime", command(exp=NOW - 1)),
    ("exp at iat", "lifetime", command(exp=NOW)),
    ("a ring of 999999999 s", "lifetime", command(exp=NOW + 999_999_999)),
    ("another's nonce", "bad_nonce", command(nonce="ff" * 16)),
    ("an empty nonce", "bad_nonce", command(nonce="")),
    ("nonce a number", "malformed", command(nonce=1)),
    ("a minute late", "expired", command(iat=NOW - 120, exp=NOW - 60)),
    ("just late", "expired", command(iat=NOW - 60, exp=NOW)),
    ("from 11 s ahead", "not_yet_valid", command(iat=NOW + 11, exp=NOW + 60)),
    ("at 6 s ago", "bad_at", ring(at=NOW - 6)),
    ("at behind exp", "bad_at", ring(at=NOW + 61)),
    ("at in 11 minutes", "bad_at", command(iat=NOW + 9, exp=NOW + 609, cmd=RING | {"at": NOW + 605})),
    ("at a boolean", "malformed", ring(at=True)),
    ("at a fraction", "malformed", ring(at=NOW + 1.5)),
]


@pytest.mark.parametrize(("what", "expected", "raw"), REFUSED, ids=[row[0] for row in REFUSED])
def test_each_mistake_has_its_own_reason(what: str, expected: str, raw: bytes) -> None:
    """P5, R27, R59: nothing is guessed, nothing is put right; what is not exactly allowed is refused with its reason."""
    assert reason(raw) == expected


def test_every_reason_code_that_the_wire_gives_is_in_the_table() -> None:
    """The rest is given by the office (seen ids) and the belfry (what sounds, what the bell can do)."""
    elsewhere = {"retained", "clock_untrusted", "duplicate", "jti_reused"}
    belfry = {"alarm_sounding", "silenced", "duty", "cannot_play", "stale_version"}
    assert {row[1] for row in REFUSED} == set(REASONS) - elsewhere - belfry


def test_a_signature_made_by_foreign_code_is_accepted() -> None:
    """RFC 7515, RFC 8037: any JWT library can make a command; this one is made of `cryptography` and base64 alone."""
    assert judged(command(aud=["conglac/thon-9", "conglac/thon-1"])) == Accepted(
        jti="order-0001",
        kid=KID,
        iat=NOW,
        exp=NOW + 60,
        digest=judged(command(aud=["conglac/thon-9", "conglac/thon-1"])).digest or b"",
        order=Ring("alarm", Purpose.ACTUAL, "Đ/c Hùng"),
        deadline_ms=MONO + 59_749,
        as_of_ms=MONO,
        start_ms=None,
    )


def test_the_example_of_rfc_8037_is_verified() -> None:
    """RFC 8037 appendix A.4: a foreign Ed25519 JWS; without `kid` it is malformed for us, its signature holds."""
    key = KeyRing({"rfc": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}).key("rfc")
    assert key is not None
    text = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    key.verify(base64.urlsafe_b64decode(signature + "=="), text)
    assert reason(text + b"." + signature.encode()) == "malformed"


ORDERS: list[tuple[dict[str, Any], object]] = [
    (RING | {"why": "cháy", "purpose": "drill"}, Ring("alarm", Purpose.DRILL, "Đ/c Hùng", "cháy")),
    (RING | {"why": None, "at": None}, Ring("alarm", Purpose.ACTUAL, "Đ/c Hùng")),
    ({"do": "hush", "by": "x"}, Hush("x")),
    ({"do": "hush", "by": "x", "activation": "a" * 16, "why": "nhầm"}, Hush("x", "a" * 16, "nhầm")),
    ({"do": "taken", "by": "x", "activation": "a" * 16}, Taken("a" * 16, "x")),
    ({"do": "silence", "by": "x", "until": NOW + 31 * DAY, "why": "tang lễ"}, Silence(NOW + 31 * DAY, "x", "tang lễ")),
    ({"do": "silence", "by": "x", "until": 0}, Silence(0, "x")),
    ({"do": "lock_input", "by": "x", "button": "nhà văn hóa", "locked": True}, LockInput("nhà văn hóa", True, "x")),
    ({"do": "codebook", "version": 3, "codebook": {"a": [1.5]}}, NewCodebook(3, {"a": [1.5]})),
    ({"do": "timetable", "version": 3, "timetable": [{}]}, NewTimetable(3, [{}])),
    ({"do": "replay", "book": "b1", "after_seq": 0}, Replay("b1", 0)),
]


@pytest.mark.parametrize(("fields", "expected"), ORDERS)
def test_each_order_of_the_contract_is_read(fields: dict[str, Any], expected: Any) -> None:
    """DESIGN section 7: every `do`; `by` and `why` of up to 200 characters; optional fields may be null."""
    verdict = judged(command(cmd=fields))
    assert isinstance(verdict, Accepted)
    assert (verdict.order, do_of(verdict.order)) == (expected, fields["do"])


def test_a_long_order_has_seven_days_and_a_codebook_32_kib() -> None:
    """DESIGN section 7: `exp − iat` ≤ 7 days but for ring and hush; payload 32 KiB for codebook and timetable."""
    book = {"do": "codebook", "version": 1, "codebook": {"x": "y" * 32_000}}
    assert isinstance(judged(command(exp=NOW + 7 * DAY, cmd=book)), Accepted)
    assert isinstance(judged(command(exp=NOW + 600)), Accepted)
    assert reason(command(cmd={"do": "replay", "book": "b", "after_seq": 1}, aud=["conglac/*"] * 400)) == "too_large"


def test_a_retained_command_is_refused_however_good_it_is() -> None:
    """P5, R1: never if retained; id and name are told only when the signature holds."""
    good = judged(command(), retained=True)
    assert isinstance(good, Refused)
    assert (good.reason, good.authenticated, good.jti, good.by) == ("retained", True, "order-0001", "Đ/c Hùng")
    bad = judged(command(key=STRANGER), retained=True)
    assert isinstance(bad, Refused)
    assert (bad.reason, bad.authenticated, bad.jti, bad.by) == ("retained", False, None, None)
    assert reason(b"", retained=True) == "retained"


def test_nothing_is_believed_of_a_message_whose_signature_is_wrong() -> None:
    """P12: jti and by of an unsigned message are never repeated into the book."""
    for raw in (command(key=STRANGER), command({"alg": "EdDSA", "kid": "old"}), command({"alg": "none", "kid": KID})):
        verdict = judged(raw)
        assert isinstance(verdict, Refused)
        assert (verdict.authenticated, verdict.jti, verdict.by, verdict.exp, verdict.digest) == (
            False, None, None, None, None,
        )  # fmt: skip


def test_a_signed_refusal_says_whose_command_it_was() -> None:
    """P5: the hub can match the refusal with its command, even when only a field is unknown."""
    verdict = judged(ring(loudness=11))
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.authenticated, verdict.jti, verdict.by) == (
        "unknown_field", True, "order-0001", "Đ/c Hùng",
    )  # fmt: skip
    bad_name = judged(ring(by="x" * 201))
    assert isinstance(bad_name, Refused)
    assert (bad_name.reason, bad_name.jti, bad_name.by) == ("malformed", "order-0001", None)


def test_a_key_taken_out_of_the_settings_is_unknown_at_once() -> None:
    """Rotation and revocation without a restart: the key ring is a circumstance, not a state."""
    both = KeyRing({KID: public(KEY), "new": public(STRANGER)})
    new = command({"alg": "EdDSA", "kid": "new"}, STRANGER)
    assert (reason(command(), keys=both), reason(new, keys=both)) == (None, None)
    assert reason(command(), keys=KeyRing({"new": public(STRANGER)})) == "unknown_key"
    assert reason(command({"alg": "EdDSA", "kid": "new"}, KEY), keys=both) == "bad_signature"


def test_an_untrusted_clock_needs_a_nonce() -> None:
    """P5, R36: without a trusted clock only the nonce proves freshness; iat and exp then only give the lifetime."""
    assert reason(command(), clock="untrusted") == "clock_untrusted"
    assert reason(command(nonce="ff" * 16), clock="untrusted") == "bad_nonce"
    verdict = judged(command(nonce=NONCE), clock="untrusted", wall_s=12.0)
    assert isinstance(verdict, Accepted)
    assert verdict.deadline_ms == MONO + 59_999


def test_a_nonce_stands_for_the_clock_under_any_clock() -> None:
    """H22: a trusted clock that is wrong must not refuse an alarm when the hub shows the nonce."""
    for wall_s in (NOW - 1e6, NOW + 1e6):
        assert reason(command(), wall_s=wall_s) in ("not_yet_valid", "expired")
        assert reason(command(nonce=NONCE), wall_s=wall_s) is None
    assert reason(command(nonce=NONCE, exp=NOW + 601)) == "lifetime"


def test_the_clocks_may_differ_by_ten_seconds() -> None:
    """DESIGN section 7: beyond 10 s the hub uses the nonce, so up to there the post takes the command."""
    assert reason(command(iat=NOW + 10, exp=NOW + 70)) is None
    assert reason(command(iat=NOW - 59, exp=NOW + 1)) is None


def test_a_command_ends_a_moment_before_its_exp_on_the_monotonic_clock() -> None:
    """P5, R7: never after its expiry: the deadline is counted from the receipt and never rounded up."""
    for wall_s in (NOW + 0.0, NOW + 0.0004, NOW + 0.9996, NOW + 59.999):
        verdict = judged(command(), wall_s=wall_s)
        assert isinstance(verdict, Accepted)
        assert MONO + (NOW + 60 - wall_s) * 1000 - 2.001 <= verdict.deadline_ms < MONO + (NOW + 60 - wall_s) * 1000


def test_a_ring_waits_for_its_at() -> None:
    """DESIGN section 7: now−5 s ≤ at ≤ min(exp, now+600 s); a past one rings at once; an untrusted clock ignores it."""
    starts = {}
    for at in (NOW - 4, NOW, NOW + 1, NOW + 60):
        verdict = judged(ring(at=at))
        assert isinstance(verdict, Accepted)
        starts[at - NOW] = verdict.start_ms
    assert starts == {-4: None, 0: None, 1: MONO + 750, 60: MONO + 59_750}
    verdict = judged(command(nonce=NONCE, cmd=RING | {"at": 5}), clock="untrusted")
    assert isinstance(verdict, Accepted)
    assert verdict.start_ms is None


def test_an_unnamed_hush_ends_what_began_up_to_the_end_of_its_second() -> None:
    """P13: unnamed, what began at or before its `iat`, which is whole seconds; never what begins after the receipt."""
    hush = {"do": "hush", "by": "x"}
    as_of = {}
    for wall in (NOW + 0.25, NOW + 1.0, NOW + 8.5):
        verdict = judged(command(cmd=hush), wall_s=wall)
        assert isinstance(verdict, Accepted)
        as_of[wall - NOW] = verdict.as_of_ms - MONO
    assert as_of == {0.25: 0, 1.0: -1, 8.5: -7501}


def test_an_unnamed_hush_with_a_nonce_reaches_back_to_the_nonce() -> None:
    """P13: untrusted clock: what was sounding when the nonce was issued; H22: a fast clock must not make a hush void."""
    hush = command(nonce=NONCE, cmd={"do": "hush", "by": "x"})
    untrusted, fast, slow = (
        judged(hush, clock="untrusted"),
        judged(hush, wall_s=NOW + 9e6),
        judged(hush, wall_s=NOW - 9e6),
    )
    assert isinstance(untrusted, Accepted) and isinstance(fast, Accepted) and isinstance(slow, Accepted)
    assert (untrusted.as_of_ms, fast.as_of_ms, slow.as_of_ms) == (MONO - 30_000, MONO - 30_000, MONO)


def test_only_other_posts_of_the_commune_make_a_command_one_for_others() -> None:
    """A publish to all posts names whom it means; another commune's command is nobody's here."""
    found = {}
    for aud in ("conglac/thon-2", "tanlap/thon-1", "conglacx/a"):
        verdict = judged(command(aud=aud))
        assert isinstance(verdict, Refused)
        found[aud] = verdict.for_others
    assert found == {"conglac/thon-2": True, "tanlap/thon-1": False, "conglacx/a": False}


def test_a_nonce_lives_ten_minutes_and_its_forerunner_one() -> None:
    """DESIGN section 7: new at each start and every 10 minutes; the one before 60 s; none outlives a stopped office."""
    first = Nonces.start(bytes(16), 1_000)
    second = first.renew(b"\x01" * 16, 601_000)
    assert (first.due(600_999), first.due(601_000)) == (False, True)
    assert [second.issued_mono_ms(first.current, at) for at in (601_000, 660_999, 661_000)] == [1_000, 1_000, None]
    assert [second.valid("01" * 16, at) for at in (601_000, 1_260_999, 1_261_000)] == [True, True, False]
    late = first.renew(b"\x02" * 16, 9_000_000)
    assert late.valid(first.current, 9_000_000) is False
    assert Nonces.start(b"\x03" * 16, 601_000).valid(first.current, 601_000) is False
    with pytest.raises(ValueError, match="16 bytes"):
        Nonces.start(b"", 0)


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=60), st.integers(0, 59_999))
def test_however_often_nonces_are_renewed_each_is_good_for_a_minute_after(steps_ms: list[int], later_ms: int) -> None:
    """A hush that was on its way must not be refused because something happened meanwhile; and none is good for longer."""
    nonces, at_ms, said = Nonces.start(bytes(16), 0), 0, [(bytes(16).hex(), 0)]
    for n, step_ms in enumerate(steps_ms, 1):
        at_ms += step_ms
        nonces = nonces.renew(n.to_bytes(16), at_ms)
        said.append((n.to_bytes(16).hex(), at_ms))
    for n, (nonce, issued_ms) in enumerate(said):
        until_ms = (said[n + 1][1] if n + 1 < len(said) else issued_ms + 600_000) + 60_000
        now_ms = at_ms + later_ms
        assert nonces.issued_mono_ms(nonce, now_ms) == (issued_ms if now_ms < until_ms else None)


def test_each_reason_has_a_vietnamese_and_an_english_sentence() -> None:
    """People read sentences: every code of the contract has one."""
    assert set(REASONS) <= set(SENTENCES)
    assert all(vi and en and vi != en for vi, en in SENTENCES.values())
    assert (sentence("expired"), sentence("new_one")) == ("lệnh đã quá hạn", "lý do “new_one”")
    assert sentence_en("expired") == "the command has expired"


PIECES = [HEAD, BODY, SIGNATURE, b64(HEADER), b64(b"{}"), b"", b"e30", b64(b'{"alg":"none"}')]


def changed(dice: random.Random) -> bytes:
    """Noise, parts put together wrongly, or the good command with bytes changed, cut off, added or doubled."""
    at, noise = dice.randrange(len(GOOD)), dice.randbytes(dice.randint(1, 9))
    ways = [
        lambda: dice.randbytes(dice.randrange(200)),
        lambda: b".".join(dice.choice(PIECES) for _ in range(dice.randint(1, 4))),
        lambda: GOOD[:at] + bytes([GOOD[at] ^ dice.randint(1, 255)]) + GOOD[at + 1 :],
        lambda: GOOD[:at],
        lambda: GOOD[:at] + noise + GOOD[at:],
        lambda: GOOD[:at] + b64(noise) + GOOD[at + len(b64(noise)) :],
        lambda: HEAD + b"." + b64(dice.randbytes(at)) + b"." + SIGNATURE,
        lambda: GOOD * 2,
    ]
    raw = dice.choice(ways)()
    return raw if raw != GOOD else b""


AROUND = circumstances()


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 2**32), retained=st.booleans())
def test_ten_thousand_changed_messages_are_refused_and_none_raises(seed: int, retained: bool) -> None:
    """P5, R61: whatever bytes come, an unsigned or changed message is never accepted and nothing breaks (250 times 40)."""
    dice = random.Random(seed)
    for _ in range(40):
        raw = changed(dice)
        verdict = judge(raw, retained=retained, circumstances=AROUND)
        assert isinstance(verdict, Refused), raw
        assert (verdict.authenticated, verdict.jti) == (False, None), raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.dictionaries(st.sampled_from(["iss", "aud", "jti", "iat", "exp", "nonce", "cmd", "x"]), JSON, max_size=3), JSON
)
def test_well_signed_nonsense_is_refused_and_none_raises(changes: dict[str, Any], fields: Any) -> None:
    """P12: a signature is no licence: each field is bounded and typed even when the hub itself went mad."""
    nonsense = claims(**changes)
    nonsense.setdefault("cmd", fields)
    if isinstance(nonsense["cmd"], dict) and isinstance(fields, dict):
        nonsense["cmd"] = nonsense["cmd"] | fields
    verdict = judged(payload(json.dumps(nonsense)))
    if isinstance(verdict, Accepted):
        assert nonsense["cmd"]["do"] == "ring"
        assert set(nonsense) - {"nonce"} == set(claims())
    else:
        assert verdict.authenticated


def test_a_command_is_judged_within_its_time() -> None:
    """The way from command to relay: the whole check stays near the cost of the signature itself."""
    around, raw = circumstances(), command(aud=["conglac/thon-1", "conglac/thon-2"])
    best = best_signature = float("inf")
    signing_input, _, _ = raw.rpartition(b".")
    signature, public_key = KEY.sign(signing_input), KEY.public_key()
    for _ in range(300):
        start = time.perf_counter()
        public_key.verify(signature, signing_input)
        middle = time.perf_counter()
        judge(raw, retained=False, circumstances=around)
        best_signature = min(best_signature, middle - start)
        best = min(best, time.perf_counter() - middle)
    assert best < 2.5 * best_signature + 50e-6, (
        f"{best * 1e6:.0f} µs, of which the signature {best_signature * 1e6:.0f} µs"
    )
