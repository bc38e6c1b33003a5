"""Incidents: taken charge of, helped, ended, and what they turned out to be (H6, H13, H16, H20)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from kengd.errors import KengdError, UsageError
from kengd.hub.act_ground import ActGround, Actor, Also, bad_text, check_text, nothing
from kengd.hub.dispatching import Order, Target, is_open
from kengd.hub.incidents import KINDS, Incident, Outcome, helpers_of
from kengd.hub.ledger import dispatches, incidents, outbox, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.wire.orders import LONGEST_TEXT, is_text

SUPPORT: Final = "support"


class IncidentActs(ActGround):
    """From the first call to the outcome. `also`: what is written with the act, see `act_ground.Also`."""

    def call_in(self, actor: Actor, incident_id: str, text: str, village: str | None, also: Also = nothing) -> Incident:
        """Tin báo: somebody has called the officer on duty. Raises KengdError `bad_text`, `unknown_village`."""
        check_text(text, "nội dung tin báo")
        if village is not None and self._roster().village(village) is None:
            raise KengdError("unknown_village", f"không có thôn nào mã “{village[:40]}”", en="no such village")
        now_ms = self._wall_ms()
        incident = Incident(
            incident_id, "call", now_ms, village=village, text=text, acknowledged_ms=now_ms, acknowledged_by=actor.name
        )
        with self._ledger.write() as connection:
            if incidents.add(connection, incident):
                also(connection)
            return incidents.find(connection, incident_id) or incident

    def acknowledge(self, actor: Actor, incident_id: str, also: Also = nothing) -> Incident:
        """Take charge of it by name; the keepers' lamps are told (H20). A second one hears who was first.

        Raises KengdError `unknown_incident`, `already_taken`.
        """
        with self._ledger.write() as connection:
            first = incidents.acknowledge(connection, incident_id, actor.name, self._wall_ms())
            incident = incidents.find(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
            if first:
                also(connection)
        if incident is None:
            raise _unknown_incident()
        if not first and incident.acknowledged_by != actor.name:
            raise KengdError(
                "already_taken",
                f"đồng chí {incident.acknowledged_by} đã nhận xử lý",
                en="somebody else has taken charge",
            )
        taken = {item.post: item.activation for item in sounded}
        if taken:
            order = Order(f"taken-{incident_id}"[:64], "taken", tuple(taken), actor.name, activations=taken)
            self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)
        return incident

    def support(
        self, actor: Actor, incident_id: str, act_id: str, *, by_itself: bool = False, also: Also = nothing
    ) -> Dispatch | None:
        """Ask the neighbours of the incident's village for help (H13); None: there are none."""
        with self._ledger.read() as connection:
            incident = incidents.find(connection, incident_id)
        if incident is None:
            raise _unknown_incident()
        roster = self._roster()
        posts = helpers_of(roster, incident.village, by_itself=by_itself)
        if not posts:
            return None
        village = roster.village(incident.village or "")
        why = f"chi viện {village.name}" if village is not None else "chi viện"
        order = Order(act_id, "ring", posts, actor.name, why[:LONGEST_TEXT], SUPPORT, "actual")
        return self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id, also=also)

    def all_clear(self, actor: Actor, incident_id: str, act_id: str, also: Also = nothing) -> Incident:
        """Hết báo động: hush, the all-clear at each post that sounded (its neighbours who were called to help too), the incident
        closed, as one act (H16).

        The all-clear of a post goes out when the post has said that its alarm has ended (`clearing`), since it refuses one
        while the alarm sounds (P4). Raises KengdError `unknown_incident`.
        """
        with self._ledger.read() as connection:
            incident = incidents.find(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
            helping = dispatches.support_of(connection, incident_id)
        if incident is None:
            raise _unknown_incident()
        still = {item.post: item.activation for item in sounded if item.ended_ms is None}
        rung = {target.post for target in helping if target.activation is not None}
        posts = sorted({item.post for item in sounded} | rung)
        helping = [target for target in helping if is_open(target) and target.post not in still]
        facts = {"id": act_id, "by": actor.name, "officer": actor.id, "posts": posts, "at_ms": self._wall_ms()}
        with self._ledger.write() as connection:
            closed = incidents.close(connection, incident_id, actor.name, self._wall_ms())
            if closed and posts:
                values.put_value(connection, f"clear:{incident_id}", json.dumps(facts, ensure_ascii=False))
            incident = incidents.find(connection, incident_id) or incident
            if closed:
                called = [target.post for target in helping]
                outbox.cancel(connection, {target.dispatch for target in helping}, self._wall_ms(), called)
                also(connection)
        still |= self._still_helping(helping)
        if still:
            order = Order(f"{act_id}-h"[:64], "hush", tuple(still), actor.name, "hết báo động", activations=still)
            self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)
        return incident

    def _still_helping(self, helping: list[Target]) -> dict[str, str]:
        """What sounds for this incident at neighbours; never an alarm of their own, which only its own act ends (H13)."""
        seen = self._seen()
        found = {target.post: target.activation for target in helping if target.activation is not None}
        for target in helping:
            status = seen[target.post].status if target.post in seen else None
            sounding = None if status is None else status.sounding
            if target.post not in found and sounding is not None and sounding.signal == SUPPORT:
                found[target.post] = sounding.activation
        return found

    def outcome(self, actor: Actor, outcome: Outcome, also: Also = nothing) -> None:
        """What it turned out to be; a correction is a further one. Raises KengdError `unknown_incident`, UsageError `unknown_kind`."""
        if outcome.kind not in KINDS:
            raise UsageError(
                "unknown_kind",
                "không có loại vụ việc này",
                cure="chọn một trong: " + ", ".join(KINDS.values()),
                en="bad kind",
            )
        for text in (outcome.done, outcome.done_by, outcome.text):
            if text and not is_text(text[:LONGEST_TEXT]):
                raise bad_text("kết quả")
        with self._ledger.write() as connection:
            if incidents.find(connection, outcome.incident) is None:
                raise _unknown_incident()
            incidents.add_outcome(connection, replace(outcome, by=actor.name, at_ms=self._wall_ms()))
            also(connection)


def _unknown_incident() -> KengdError:
    return KengdError("unknown_incident", "không có vụ việc này", cure="tải lại trang", en="no such incident")
