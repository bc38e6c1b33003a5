"""Incidents: taken charge of, helped, ended, and what they turned out to be (H6, H13, H16, H20)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kengd.errors import KengdError, UsageError
from kengd.hub.act_ground import ActGround, Actor, Also, bad_text, check_text, nothing
from kengd.hub.dispatching import Order, State, Target
from kengd.hub.incidents import KINDS, Incident, Outcome, helpers_of, villages_of
from kengd.hub.ledger import dispatches, incidents, outbox, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import Connection, Transaction
from kengd.wire.orders import LONGEST_TEXT, is_id, is_text

SUPPORT: Final = "support"
CLEARED: Final = "all-clear:"
"""Before the ids of such acts, among the ledger's values; forgotten after a while."""
CLEARED_FOR_MS: Final = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Clearing:
    """`posts`: those that rang for it, where the all-clear is rung. `purpose`: drill after what was only a drill."""

    posts: tuple[str, ...]
    purpose: str


class IncidentActs(ActGround):
    """From the first call to the outcome. `also`: what is written with the act, see `act_ground.Also`."""

    def call_in(self, actor: Actor, incident_id: str, text: str, village: str | None, also: Also = nothing) -> Incident:
        """Tin báo: somebody has called the officer on duty. Raises KengdError `bad_text`, `unknown_village`."""
        check_text(text, "nội dung tin báo")
        if village is not None and self._roster().village(village) is None:
            raise KengdError(
                "unknown_village", f"không có thôn nào mã “{village[:40]}”", cure="tải lại trang", en="no such village"
            )
        now_ms = self._wall_ms()
        incident = Incident(
            incident_id, "call", now_ms, village=village, text=text, acknowledged_ms=now_ms, acknowledged_by=actor.name,
            villages=() if village is None else (village,),
        )  # fmt: skip
        with self._ledger.write() as connection:
            if incidents.add(connection, incident):
                also(connection)
            return incidents.find(connection, incident_id) or incident

    def acknowledge(self, actor: Actor, incident_id: str, also: Also = nothing) -> Incident:
        """Take charge of it by name; the keepers' lamps are told (H20), the duty room's own sounder has done its work and is
        silenced (H6). A second one hears who was first.

        Raises KengdError `unknown_incident`, `already_taken`.
        """
        with self._ledger.write() as connection:
            first = incidents.acknowledge(connection, incident_id, actor.name, self._wall_ms())
            incident = incidents.find(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
            sounders = self._sounders()
            rings = [ring for ring in dispatches.rings_of(connection, incident_id) if ring.post in sounders]
            loud = _sounding_of(connection, incident_id, rings)
            if first:
                also(connection)
                _call_back(connection, rings, self._wall_ms())
        if incident is None:
            raise _unknown_incident()
        if not first and incident.acknowledged_by != actor.name:
            raise KengdError(
                "already_taken",
                f"đồng chí {incident.acknowledged_by} đã nhận xử lý",
                cure="hỏi đồng chí ấy; ai cũng ghi được kết quả và hết báo động",
                en="somebody else has taken charge",
            )
        taken = {item.post: item.activation for item in sounded if is_id(item.activation)}
        if taken:
            order = Order(part_of("taken", incident_id), "taken", tuple(taken), actor.name, activations=taken)
            self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)
        self._hush(actor, incident_id, part_of("quiet", incident_id), loud, "đã nhận xử lý")
        return incident

    def support(
        self, actor: Actor, incident_id: str, act_id: str, *, by_itself: bool = False, also: Also = nothing
    ) -> Dispatch | None:
        """Ask the neighbours of the incident's villages for help (H13), in an exercise as a drill; None: there are none."""
        with self._ledger.read() as connection:
            incident = incidents.find(connection, incident_id)
        if incident is None:
            raise _unknown_incident()
        roster = self._roster()
        villages = villages_of(roster, incident)
        posts = helpers_of(roster, villages, by_itself=by_itself)
        if not by_itself and not self._were_told(incident_id):  # the lock had held them back
            posts = tuple(dict.fromkeys((*posts, *helpers_of(roster, villages, by_itself=True))))
        if not posts:
            return None
        names = [village.name for one in villages if (village := roster.village(one)) is not None]
        why = f"chi viện {', '.join(names)}".strip()
        order = Order(act_id, "ring", posts, actor.name, why[:LONGEST_TEXT], SUPPORT, incident.purpose)
        return self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id, also=also)

    def _were_told(self, incident_id: str) -> bool:
        """Those who help without being asked."""
        with self._ledger.read() as connection:
            return dispatches.find(connection, part_of("support", incident_id)) is not None

    def all_clear(self, actor: Actor, incident_id: str, act_id: str, also: Also = nothing) -> Incident:
        """Hết báo động: whatever was rung for the incident is hushed by name, or called back where it has not begun; the all-clear
        at each post that sounded; the incident closed, as one act (H16). An alarm of a neighbour's own goes on (H13). After what was
        only a drill the all-clear is one too: for real it would be the end of an alarm that nobody has heard (R62).

        The all-clear of a post goes out when the post has said that its alarm has ended (`clearing`), since it refuses one
        while the alarm sounds (P4). Raises KengdError `unknown_incident`, `id_reused`.
        """
        with self._ledger.read() as connection:
            incident = incidents.find(connection, incident_id)
            clearing = self._clearing(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
            rings = dispatches.rings_of(connection, incident_id)
            still = {item.post: item.activation for item in sounded if item.ended_ms is None}
            still = _sounding_of(connection, incident_id, rings) | still
        if incident is None:
            raise _unknown_incident()
        now_ms = self._wall_ms()
        facts = {
            "id": act_id, "by": actor.name, "officer": actor.id, "posts": list(clearing.posts), "at_ms": now_ms,
            "purpose": clearing.purpose,
        }  # fmt: skip
        with self._ledger.write() as connection:
            _claim(connection, act_id, incident_id, now_ms)
            closed = incidents.close(connection, incident_id, actor.name, now_ms)
            if closed and clearing.posts:
                values.put_value(connection, f"clear:{incident_id}", json.dumps(facts, ensure_ascii=False))
            incident = incidents.find(connection, incident_id) or incident
            if closed:
                also(connection)
            _call_back(connection, rings, now_ms)
        self._hush(actor, incident_id, part_of("hush", incident_id, act_id), still, "hết báo động")
        return incident

    def to_clear(self, incident_id: str) -> Clearing:
        """What the all-clear of this incident would be now."""
        with self._ledger.read() as connection:
            return self._clearing(connection, incident_id)

    def _clearing(self, connection: Connection, incident_id: str) -> Clearing:
        sounded = incidents.sounded_of(connection, [incident_id])
        rings = [ring for ring in dispatches.rings_of(connection, incident_id) if ring.activation is not None]
        incident, drills = incidents.find(connection, incident_id), dispatches.drills_of(connection, incident_id)
        real = bool(sounded) or any(ring.dispatch not in drills for ring in rings)
        heard = {item.post for item in sounded} | {ring.post for ring in rings}
        posts = tuple(sorted(heard - self._sounders()))
        return Clearing(posts, incident.purpose if incident is not None and real else "drill")

    def _hush(self, actor: Actor, incident_id: str, act_id: str, named: Mapping[str, str], why: str) -> None:
        """What sounds for the incident, by its name; and what is called back at posts that have it already."""
        if named:
            names = {post: name for post, name in named.items() if is_id(name)}
            order = Order(act_id, "hush", tuple(named), actor.name, why, activations=names)
            self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)
        self._dispatcher.end_late()

    def _sounders(self) -> set[str]:
        return {post.id for post in self._roster().posts if post.sounder}

    def outcome(self, actor: Actor, outcome: Outcome, also: Also = nothing, act_id: str | None = None) -> None:
        """What it turned out to be; a correction is a further one. The newest in the same words, and the same `act_id` again, is the
        same one. Raises KengdError `unknown_incident`, `id_reused`, UsageError `unknown_kind`."""
        if outcome.kind not in KINDS:
            raise UsageError(
                "unknown_kind",
                "không có loại vụ việc này",
                cure="chọn một trong: " + ", ".join(f"{kind} ({name})" for kind, name in KINDS.items()),
                en="bad kind",
            )
        for text in (outcome.done, outcome.done_by, outcome.text):
            if text and not is_text(text[:LONGEST_TEXT]):
                raise bad_text("kết quả")
        with self._ledger.write() as connection:
            if incidents.find(connection, outcome.incident) is None:
                raise _unknown_incident()
            outcome = replace(outcome, by=actor.name, at_ms=self._wall_ms())
            if act_id is not None and not _first_time(connection, act_id, outcome):
                return
            earlier = incidents.outcomes_of(connection, [outcome.incident])
            if earlier and _words(earlier[-1]) == _words(outcome):
                return
            incidents.add_outcome(connection, outcome)
            also(connection)


def _words(outcome: Outcome) -> tuple[str, ...]:
    return outcome.incident, outcome.by, outcome.kind, outcome.done, outcome.done_by, outcome.text


def _first_time(connection: Transaction, act_id: str, outcome: Outcome) -> bool:
    """Of several at once with this id one is the first. Raises KengdError `id_reused`: it stands for other words."""
    key, said = f"outcome:{act_id}", hashlib.sha256(repr(_words(outcome)).encode()).hexdigest()
    if values.put_first(connection, key, said):
        return True
    if values.value_of(connection, key) != said:
        raise KengdError(
            "id_reused", "mã này đã dùng cho việc khác", cure="tải lại trang rồi làm lại", en="this id was used for another act"
        )  # fmt: skip
    return False


def part_of(part: str, incident_id: str, *more: object) -> str:
    """The id of what belongs to an act about this incident: nobody else's, whatever ids clients make up."""
    return f"{part}-{hashlib.sha256(repr((incident_id, *more)).encode()).hexdigest()[:24]}"


def _sounding_of(connection: Transaction, incident_id: str, rings: Sequence[Target]) -> dict[str, str]:
    """What these rings have begun and sounds; not what they have joined, which belongs to another incident."""
    loud = {
        (ring.post, ring.activation) for ring in rings if ring.state is State.RINGING and ring.activation is not None
    }
    owners = incidents.incidents_of(connection, loud)
    return {post: name for post, name in sorted(loud) if owners.get((post, name), incident_id) == incident_id}


def _call_back(connection: Transaction, rings: Sequence[Target], now_ms: int) -> None:
    """What has not begun: sent no more, and ended by its name where it was received."""
    outbox.stop(connection, {ring.post for ring in rings}, now_ms, {ring.dispatch for ring in rings})


def _claim(connection: Transaction, act_id: str, incident_id: str, now_ms: int) -> None:
    """This act ends this incident and no other. Raises KengdError `id_reused`."""
    key = f"{CLEARED}{act_id}"
    for known, said in values.under(connection, CLEARED).items():
        facts = json.loads(said)
        if known == key and facts["incident"] != incident_id:
            raise KengdError(
                "id_reused",
                "mã này đã dùng cho việc khác",
                cure="tải lại trang rồi làm lại",
                en="this id was used for another act",
            )
        if abs(now_ms - facts["at_ms"]) > CLEARED_FOR_MS:
            values.put_value(connection, known, None)
    values.put_value(connection, key, json.dumps({"incident": incident_id, "at_ms": now_ms}))


def _unknown_incident() -> KengdError:
    return KengdError("unknown_incident", "không có vụ việc này", cure="tải lại trang", en="no such incident")
