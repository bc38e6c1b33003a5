"""A dispatch as officers read it: per post what it said and nothing more (P9), and whom to phone where it said nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kengd.hub.desk.board import age_s, proof_vi, signal_vi
from kengd.hub.dispatching import State, Target, tally
from kengd.hub.incidents import keepers_at_home
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ring_acts import did_not_ring
from kengd.hub.roster import Keeper, Roster, Seen, moment_vi, why_silent
from kengd.wire.reasons import sentence
from kengd.wire.said import REASONS

STATES_VI: Final[Mapping[State, str]] = {
    State.WAITING: "chưa gửi được, đang chờ đường truyền",
    State.SENT: "đã gửi, điểm kẻng chưa trả lời",
    State.NO_ANSWER: "không trả lời",
    State.RECEIVED: "máy đã nhận lệnh",
    State.RINGING: "đang đánh",
    State.FINISHED: "đánh xong",
    State.CUT: "bị ngắt",
    State.FAILED: "hỏng",
    State.TESTED: "đã kiểm tra, không kêu",
    State.DONE: "đã làm xong",
    State.REFUSED: "từ chối",
    State.EXPIRED: "đến khi lệnh đã quá hạn",
    State.CANCELLED: "đã thôi gửi vì có lệnh dừng",
}
_SOUNDED: Final = (State.RINGING, State.FINISHED, State.CUT)
SILENT: Final = (State.WAITING, State.SENT, State.NO_ANSWER)
"""Nothing has come of it yet, as far as anybody knows: somebody may be phoned."""


def head_view(dispatch: Dispatch, counts: Mapping[str, int], now_ms: int) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": dispatch.id,
        "do": dispatch.do,
        "signal": dispatch.signal,
        "signal_vi": signal_vi(dispatch.signal),
        "purpose": dispatch.purpose,
        "by": dispatch.by,
        "why": dispatch.why,
        "at": dispatch.at_s,
        "gap_s": dispatch.gap_s,
        "made_ms": dispatch.made_ms,
        "age_s": age_s(dispatch.made_ms, now_ms),
        "second": dispatch.second,
        "incident": dispatch.incident,
        "repeats": dispatch.repeats,
        "tally": dict(counts),
    }


def whole_view(
    dispatch: Dispatch,
    targets: Iterable[Target],
    roster: Roster,
    seen: Mapping[str, Seen],
    now_ms: int,
    *,
    line_up: bool,
    phones: bool,
) -> dict[str, Any]:
    """The dispatch with each of its posts. `phones`: show whom to call."""
    found = list(targets)
    names = {post.id: post.name for post in roster.posts}
    views = []
    for target in found:
        known = seen.get(target.post, Seen())
        keepers = keepers_at_home(roster.keepers, target.post, now_ms) if phones and _call_somebody(target) else ()
        views.append(_target(target, names.get(target.post, target.post), known, keepers, now_ms, line_up))
    return head_view(dispatch, tally(found), now_ms) | {
        "targets": views,
        "again": sorted(target.post for target in found if did_not_ring(target)) if dispatch.do == "ring" else [],
    }


def _call_somebody(target: Target) -> bool:
    return target.state in SILENT or (target.do == "ring" and did_not_ring(target))


def _target(
    target: Target, name: str, seen: Seen, keepers: Iterable[Keeper], now_ms: int, line_up: bool
) -> dict[str, Any]:
    sounded = target.do == "ring" and target.state in _SOUNDED
    return {
        "post": target.post,
        "name": name,
        "state": target.state.value,
        "state_vi": STATES_VI[target.state],
        "reason": target.reason,
        "sentence": sentence_of(target, seen, now_ms, line_up),
        "activation": target.activation,
        "proved": target.proved,
        "proved_vi": proof_vi(target.proved) if sounded else None,
        "awaited": list(target.awaited),
        "sent_ms": target.sent_ms,
        "received_ms": target.received_ms,
        "ringing_ms": target.ringing_ms,
        "ended_ms": target.ended_ms,
        "age_s": age_s(target.ended_ms or target.ringing_ms or target.received_ms or target.sent_ms, now_ms),
        "keepers": [{"name": item.name, "phone": item.phone} for item in keepers],
    }


def _still_sounds(seen: Seen, now_ms: int) -> bool:
    return seen.live and seen.is_present(now_ms) and seen.status is not None and seen.status.sounding is not None


def sentence_of(target: Target, seen: Seen, now_ms: int, line_up: bool) -> str:
    """In one line how it stands at this post and, where it does not ring, why (P9)."""
    said = STATES_VI[target.state]
    if target.state in (State.REFUSED, State.EXPIRED) and target.reason is not None:
        return f"từ chối: {sentence(target.reason)}"
    if target.state in (State.CUT, State.FAILED) and target.reason is not None:
        said = f"{said}: {REASONS.get(target.reason, target.reason)}"
    if target.state in SILENT:
        why = why_silent(seen, now_ms, line_up=line_up)
        return f"{said}: {why}" if why is not None else said
    if target.do == "ring" and target.state in _SOUNDED:
        return f"{said} ({proof_vi(target.proved)})"
    if target.do == "hush" and target.state is State.DONE and _still_sounds(seen, now_ms):
        return f"{said}, nhưng điểm kẻng vẫn đang kêu: có người báo lại, hoặc còn lệnh khác; cần thì dừng lần nữa"
    if target.state is State.RECEIVED and target.received_ms is not None:
        return f"{said} lúc {moment_vi(target.received_ms, now_ms)}"
    return said
