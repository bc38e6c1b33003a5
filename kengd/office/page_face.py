"""What the post's page shows beside its status: blows as the relay makes them, lamps, and what the timetable will ring next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kengd import clock
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind
from kengd.duty import lamps
from kengd.duty.arbiter import ALARM_REPEAT_REST_MS, PREFIX_GAP_MS
from kengd.duty.health import Condition, lamp_fault
from kengd.duty.outlook import Hindrances, coming
from kengd.duty.performance import after, endless
from kengd.duty.standing import Sounding
from kengd.intercom import BelfryState
from kengd.office.lines import read_lines
from kengd.ports import Face, SignalFace, SoundingFace
from kengd.settings.plan import BelfryPlan

if TYPE_CHECKING:
    from kengd.office.office import Office

LOUD = (Kind.ALARM, Kind.SUPPORT)
CANNOT = frozenset({"relay_failed", "isolator_open", "pins_dead"})
"""Conditions under which no ring sounds."""


def codebook_of(plan: BelfryPlan) -> list[SignalFace]:
    """Every signal as this bell plays it."""
    return [
        SignalFace(item.id, item.kind.value, item.name_vi, item.name_en, item.meaning_vi, item.notation, item.score)
        for item in plan.signals
    ]


def face_of(office: Office) -> Face:
    """Now. Reads the book (when the last alarm ended)."""
    now = clock.now()
    bulletin, state, plan = office.bulletin, office.belfry_state, office.plan
    line_up = office.line is not None and office.line.up
    bell, police = lamps_of(state, bulletin.conditions, line_up, now.mono_ms)
    silenced_ms = bulletin.silenced_until_s * 1000
    known = Hindrances(
        trust=office.clock,
        silenced_until=clock.local(silenced_ms) if silenced_ms > now.wall_ms else None,
        calm_again=_calm_again(office),
        cannot=any(item.code in CANNOT for item in bulletin.conditions),
    )
    return Face(
        now_ms=now.wall_ms,
        clock=office.clock,
        sounding=sounding_of(bulletin.sounding, bulletin.conditions, plan),
        bell_lamp=bell,
        police_lamp=police,
        coming=tuple(coming(read_lines(office.office_plan), clock.local(now.wall_ms), known)),
        silenced_until_ms=silenced_ms if silenced_ms > now.wall_ms else None,
        in_line=office.line is not None,
        line_up=line_up,
    )


def lamps_of(state: BelfryState, conditions: tuple[Condition, ...], line_up: bool, now_ms: int) -> tuple[str, str]:
    """Codes of what the two lamps say, as the belfry decides it (but for a finger that is on the button just now)."""
    about = None if state.sounding is None else state.sounding.activation
    bell = lamps.bell_lamp(
        testing=False,
        pressing=False,
        ringing=about is not None,
        press_again=now_ms < state.press_again_until_ms,
        fault=lamp_fault(conditions),
    )
    police = lamps.police_lamp(
        testing=False,
        taken=state.taken is not None and about in (None, state.taken),
        reached=about is not None and state.delivered == about,
        line_up=line_up,
    )
    return bell.code, police.code


def sounding_of(sounding: Sounding | None, conditions: tuple[Condition, ...], plan: BelfryPlan) -> SoundingFace | None:
    """What sounds, with the blows that the relay makes."""
    if sounding is None:
        return None
    spent = any(item.code == "duty_exhausted" for item in conditions)
    return SoundingFace(
        sounding.activation, sounding.signal, sounding.purpose.value, sounding.source.value, sounding.since_wall_ms,
        sounding.proved, plan.slow_roll if spent else _score(sounding, plan),
    )  # fmt: skip


def _score(sounding: Sounding, plan: BelfryPlan) -> Score | None:
    signal = plan.signal(sounding.signal)
    if signal is None:
        return None
    if sounding.purpose == "drill":
        return after(plan.drill_prefix, PREFIX_GAP_MS, signal.score)
    return endless(signal.score, ALARM_REPEAT_REST_MS) if signal.kind in LOUD else signal.score


def _calm_again(office: Office) -> datetime | None:
    alarms = [signal.id for signal in office.plan.signals if signal.kind in LOUD]
    end = office.shelf.last_alarm_end(alarms)
    if end is None:
        return None
    ended = datetime.fromtimestamp(end[0] / 1000, UTC)
    again = ended + timedelta(milliseconds=office.plan.limits.after_alarm_ms)
    return again.astimezone(clock.zone())
