"""The belfry's desk: what the office and the local control socket ask, and the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kengd import clock, intercom
from kengd.belfry.inbox import new_id
from kengd.duty.health import condition
from kengd.duty.lamps import Blink
from kengd.duty.words import HushOrder, Purpose, Source, Trigger
from kengd.plain import to_plain

if TYPE_CHECKING:
    from kengd.belfry.belfry import Belfry

LONGEST_SILENCE_S = 31 * 86_400
MOST_EDGES = 4_000


class Desk:
    """Answers for one belfry, in its deciding thread."""

    def __init__(self, belfry: Belfry) -> None:
        self._belfry = belfry

    # ---- the office

    def hear(self, message: Any) -> None:
        """One message of the office."""
        belfry, tower = self._belfry, self._belfry.tower
        match message:
            case intercom.AskRing(trigger):
                decision = tower.ring(trigger)
                verdict = "" if decision.verdict is None else decision.verdict.value
                belfry.say(intercom.Decided(trigger.id, verdict, decision.reason, decision.activation))
            case intercom.AskHush(ask_id, order):
                decision = tower.hush(order)
                verdict = "" if decision.verdict is None else decision.verdict.value
                belfry.say(intercom.Decided(ask_id, verdict, decision.reason, decision.activation))
            case intercom.Written(upto):
                belfry.written(upto)
            case intercom.OfficeState(trust, conditions, line_up):
                tower.clock, tower.office_conditions, tower.line_up = trust, conditions, line_up
            case intercom.SetSilence(until_s):
                tower.silence(until_s, None, None)
            case intercom.SetLock(button, until_s):
                tower.lock(button, until_s)
            case intercom.Delivered(activation):
                tower.news = replace(tower.news, delivered=activation)
                tower.tell(clock.now())
            case intercom.Taken(activation, _):
                tower.news = replace(tower.news, taken=activation)
                tower.tell(clock.now())
            case intercom.LastAlarm(ended_wall_ms, power_lost):
                self._last_alarm(ended_wall_ms, power_lost)
            case intercom.ReloadPlan():
                belfry.recompile()
            case intercom.AskEdges(ask_id, after):
                edges = tuple(belfry.relay.edges(after))[:MOST_EDGES]
                belfry.say(intercom.Edges(ask_id, edges))
            case intercom.AskPress(ask_id, button, hold_ms):
                plan = belfry.sentry.plan(button)
                found = plan is not None and belfry.press(plan, hold_ms)
                belfry.say(intercom.Pressed(ask_id, found))

    def _last_alarm(self, ended_wall_ms: int, power_lost: bool) -> None:
        """What the book says after a reboot: P4's half hour goes on, and a cut alarm asks for a new press (H10)."""
        tower = self._belfry.tower
        now = clock.now()
        ago_ms = now.wall_ms - ended_wall_ms
        if tower.standing.alarm_ended_ms is None and 0 <= ago_ms < self._belfry.plan.limits.after_alarm_ms:
            tower.standing = replace(tower.standing, alarm_ended_ms=now.mono_ms - ago_ms)
        if power_lost and tower.standing.sounding is None:
            tower.press_again(now)
            tower.conditions.begin(condition("power_lost_ring"))

    # ---- the shell

    def answer(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        """One request of the control socket; `by` comes from the peer's uid."""
        match request.get("do"):
            case "status":
                return {"ok": True, **self.status()}
            case "ring":
                return self._ring(request, by)
            case "hush":
                return self._hush(request, by)
            case "silence":
                return self._silence(request, by)
        return {"ok": False, "reason": "unknown_do"}

    def status(self) -> dict[str, Any]:
        """All that `kengd status --json` prints."""
        belfry, tower = self._belfry, self._belfry.tower
        now = clock.now()
        sounding = tower.sounding
        standing = tower.standing
        return {
            "post": belfry.plan.post_id,
            "name": belfry.plan.name,
            "pins": belfry.plan.pins,
            "clock": tower.clock,
            "at": clock.iso_utc(now.wall_ms),
            "sounding": None if sounding is None else {**to_plain(sounding), "name": self._name(sounding.signal)},
            "waiting": [item.trigger.id for item in standing.waiting],
            "silenced_until": standing.silenced_until_s if standing.silenced(now.wall_ms) else None,
            "locks": [lock.button for lock in standing.locks if standing.locked(lock.button, now.wall_ms)],
            "line_up": tower.line_up,
            "conditions": [to_plain(item) for item in tower.shown],
            "buttons": [to_plain(button) for button in belfry.plan.buttons],
            "lamps": {"bell": _said(belfry.lamps.bell), "police": _said(belfry.lamps.police)},
            "warnings": list(belfry.plan.warnings),
        }

    def _name(self, signal_id: str) -> str:
        signal = self._belfry.plan.signal(signal_id)
        return signal_id if signal is None else signal.name_vi

    def _ring(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        now = clock.now()
        trigger = Trigger(
            new_id(),
            str(request.get("signal")),
            Purpose(request.get("purpose", "actual")),
            Source.SHELL,
            now.mono_ms,
            by=by,
            why=_short(request.get("why")),
        )
        decision = self._belfry.tower.ring(trigger, now)
        verdict = "" if decision.verdict is None else decision.verdict.value
        return {
            "ok": verdict != "refuse",
            "verdict": verdict,
            "reason": decision.reason,
            "activation": decision.activation,
        }

    def _hush(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        activation = request.get("activation")
        order = HushOrder(
            Source.SHELL,
            clock.now().mono_ms,
            activation=None if activation is None else str(activation),
            by=by,
            why=_short(request.get("why")),
        )
        decision = self._belfry.tower.hush(order)
        return {"ok": True, "activation": decision.activation, "reason": decision.reason}

    def _silence(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        until_s = request.get("until")
        if isinstance(until_s, bool) or not isinstance(until_s, int):
            return {"ok": False, "reason": "malformed"}
        now_s = clock.now().wall_ms // 1000
        if until_s != 0 and not now_s < until_s <= now_s + LONGEST_SILENCE_S:
            return {"ok": False, "reason": "lifetime"}
        self._belfry.tower.silence(until_s, by, Source.SHELL)
        return {"ok": True, "silenced_until": until_s or None}


def _said(blink: Blink) -> dict[str, str]:
    return {"code": blink.code, "vi": blink.vi}


def _short(text: Any) -> str | None:
    return None if text is None else str(text)[:200]
