"""Incidents as a terminal shows them: one line each, or all that is known of one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kengd import clock
from kengd.hub.incidents import KINDS, Incident, Outcome, villages_of
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.roster import Roster
from kengd.wire.said import PURPOSES, REASONS, SIGNALS, SOURCES, harmless

ORIGINS: Final = {"alarm": "báo động", "order": "lệnh báo động", "call": "tin báo"}
ENDS: Final = {"finished": "đánh xong", "failed": "hỏng, không đánh được", "at_post": "bị dừng tại chỗ"}


@dataclass(frozen=True, slots=True)
class Told:
    """One incident with what sounded for it and its outcomes, the newest last."""

    incident: Incident
    sounded: tuple[Sounded, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def sounding(self) -> tuple[str, ...]:
        """Posts where it sounds, as far as the hub has heard."""
        return tuple(item.post for item in self.sounded if item.ended_ms is None)


def urgency(told: Told) -> tuple[bool, bool, bool, int]:
    """As on the desk: open before closed, alarms that nobody has taken first, then what sounds; the newest of each first."""
    incident = told.incident
    waits = incident.origin == "alarm" and incident.acknowledged_ms is None
    return incident.closed_ms is not None, not waits, not told.sounding, -incident.began_ms


def line(told: Told, roster: Roster) -> str:
    """ "! an-lao-an-0001 02:11 05/11/2026 báo động, Điểm An Lão: CHƯA AI NHẬN; đang kêu"."""
    incident = told.incident
    waits = incident.acknowledged_ms is None and incident.closed_ms is None
    head = f"{'!' if waits else ' '} {incident.id:<24} {_when(incident.began_ms)}  {_what(incident)}, {_where(incident, roster)}"
    return harmless_line(f"{head}: {'; '.join(_state(told))}")


def facts(told: Told) -> dict[str, Any]:
    """For --json."""
    incident, last = told.incident, told.outcomes[-1] if told.outcomes else None
    return {
        "incident": incident.id, "origin": incident.origin, "purpose": incident.purpose, "post": incident.post,
        "village": incident.village, "villages": list(incident.villages), "text": incident.text, "began_ms": incident.began_ms,
        "acknowledged_ms": incident.acknowledged_ms, "acknowledged_by": incident.acknowledged_by,
        "closed_ms": incident.closed_ms, "closed_by": incident.closed_by, "sounding": list(told.sounding),
        "outcome": None if last is None else {
            "at_ms": last.at_ms, "by": last.by, "kind": last.kind, "done": last.done, "done_by": last.done_by, "text": last.text,
        },
    }  # fmt: skip


def whole(told: Told, roster: Roster) -> list[str]:
    """Everything that is known of it, a line each."""
    incident = told.incident
    lines = [line(told, roster)]
    if incident.text:
        lines.append(f"    nội dung: {incident.text}")
    for item in told.sounded:
        what = ", ".join(
            part
            for part in (
                SIGNALS.get(item.signal or "", item.signal),
                SOURCES.get(item.source or "", item.source),
                item.place,
            )
            if part
        )
        ended = ENDS.get(item.ended or "") or REASONS.get(item.ended or "") or item.ended
        end = "đang kêu" if item.ended_ms is None else f"hết lúc {_when(item.ended_ms)} ({ended})"
        lines.append(f"    kẻng {item.post} lúc {_when(item.began_ms)}: {what}; {end}")
    for number, outcome in enumerate(told.outcomes):
        label = "kết quả" if number == 0 else "sửa lại"
        lines.append(f"    {label} ({_when(outcome.at_ms)}, {outcome.by}): {_outcome(outcome)}")
    return [harmless_line(text) for text in lines]


def harmless_line(text: str) -> str:
    """Without anything a terminal obeys; the spaces at its beginning stay."""
    bare = text.lstrip(" ")
    return " " * (len(text) - len(bare)) + harmless(bare)


def _what(incident: Incident) -> str:
    said = ORIGINS.get(incident.origin, incident.origin)
    return said if incident.purpose == "actual" else f"{said} ({PURPOSES.get(incident.purpose, incident.purpose)})"


def _where(incident: Incident, roster: Roster) -> str:
    """The post by its name, the villages where there is no post; a text of a call says the rest."""
    post = roster.post(incident.post or "")
    if post is not None or incident.post is not None:
        return post.name if post is not None else str(incident.post)
    villages = [roster.village(one) for one in villages_of(roster, incident)]
    names = [village.name for village in villages if village is not None]
    return ", ".join(names) or incident.text or "cả xã"


def _state(told: Told) -> list[str]:
    incident, found = told.incident, []
    if incident.acknowledged_ms is None:
        found.append("CHƯA AI NHẬN")
    else:
        found.append(f"{incident.acknowledged_by} nhận lúc {_when(incident.acknowledged_ms)}")
    if told.sounding:
        found.append(f"đang kêu ở {', '.join(told.sounding)}")
    if incident.closed_ms is not None:
        found.append(f"hết báo động lúc {_when(incident.closed_ms)}")
    if told.outcomes:
        found.append(_outcome(told.outcomes[-1]))
    return found


def _outcome(outcome: Outcome) -> str:
    done = (
        f"{outcome.done} ({outcome.done_by})" if outcome.done and outcome.done_by else outcome.done or outcome.done_by
    )
    return ", ".join(part for part in (KINDS.get(outcome.kind, outcome.kind), done, outcome.text) if part)


def _when(at_ms: int) -> str:
    return f"{clock.local(at_ms):%H:%M %d/%m/%Y}"


def listed(found: Sequence[Told]) -> list[Told]:
    """In the order of the desk."""
    return sorted(found, key=urgency)
