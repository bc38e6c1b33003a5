"""What an officer can do, each an act with an id of the client's: done once, followed to its end (R47, R62, H14, H16)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kengd.errors import KengdError, UsageError
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order, State, Target, outwards
from kengd.hub.incidents import KINDS, Incident, Outcome, helpers_of
from kengd.hub.ledger import dispatches, incidents, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import TROUBLE, Ledger, Transaction
from kengd.hub.roster import Roster, Seen
from kengd.wire.orders import LONGEST_TEXT, is_text

LOCK: Final = "lock"
CONFIRM_WITHIN_MS: Final = 120_000
HUB: Final = "máy trực ban"
"""`by` of what no officer ordered: neighbours' help, the sounder, the silent test."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: an officer, or the hub itself (`id` None)."""

    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class RingWish:
    """Which posts are to ring what. `first`: one after another from this post outwards, `gap_s` apart.

    `confirm`: the token of the first step, where two are needed; `alone_why`: why one officer goes on without a second (H14).
    """

    id: str
    signal: str
    purpose: str
    posts: tuple[str, ...]
    why: str
    at_s: int | None = None
    first: str | None = None
    gap_s: int = 0
    confirm: str | None = None
    alone_why: str | None = None
    incident: str | None = None


class NeedsConfirming(KengdError):
    """An alarm for all posts: nothing has been sent. `token` goes into the second call."""

    def __init__(self, token: str, posts: int, households: int, by_second: bool) -> None:
        who = "một cán bộ thứ hai phải xác nhận" if by_second else "bấm xác nhận để phát"
        super().__init__(
            "confirm_needed",
            f"sắp báo động THẬT ở tất cả {posts} điểm kẻng, {households} hộ sẽ nghe thấy",
            cure=who,
            en=f"an actual alarm at all {posts} posts, {households} households, has to be confirmed",
        )
        self.token, self.by_second = token, by_second


class Acts:
    """Safe from any thread. `alarms`: the signals that are alarms."""

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        roster: Callable[[], Roster],
        seen: Callable[[], Mapping[str, Seen]],
        alarms: frozenset[str],
        wall_ms: Callable[[], int],
        *,
        second_officer: bool = False,
        alone_after_s: int = 20,
    ) -> None:
        self._ledger, self._dispatcher, self._wall_ms = ledger, dispatcher, wall_ms
        self._roster, self._seen, self._alarms = roster, seen, alarms
        self._second_officer, self._alone_after_ms = second_officer, alone_after_s * 1000

    # ---- ring

    def ring(self, actor: Actor, wish: RingWish) -> Dispatch:
        """Ring these posts. Raises KengdError `unknown_post`, `no_posts`, `bad_text`, `locked`, `confirm_needed`, `id_reused`."""
        roster = self._roster()
        posts = _in_service(roster, wish.posts)
        _text(wish.why, "lý do")
        everyone = {post.id for post in roster.bells()} <= set(posts)
        if wish.first is not None:
            places = {post.id: (post.x, post.y) for post in roster.posts if post.x is not None and post.y is not None}
            posts = outwards(wish.first, places, posts)
        order = Order(
            wish.id, "ring", posts, actor.name, wish.why, wish.signal, wish.purpose, wish.at_s,
            wish.gap_s if wish.first is not None else 0,
        )  # fmt: skip
        second = None
        with self._ledger.read() as connection:
            again = dispatches.find(connection, wish.id) is not None
        if not again:
            self._not_locked()
            if everyone and len(posts) > 1 and wish.purpose == "actual" and wish.signal in self._alarms:
                second = self._confirmed(actor, wish, roster)
        incident, also = self._incident_of(actor, wish)
        return self._dispatcher.dispatch(
            order, officer=actor.id, second=second, incident=incident, everyone=everyone and not wish.first, also=also
        )

    def confirm(self, actor: Actor, token: str) -> None:
        """A second officer agrees to an alarm for all posts. Raises KengdError `no_such_confirmation`, `same_officer`."""
        with self._ledger.write() as connection:
            pending = _pending(connection, token, self._wall_ms())
            if pending is None:
                raise KengdError(
                    "no_such_confirmation", "không có lệnh nào đang chờ xác nhận như vậy", en="nothing to confirm"
                )
            if pending["officer"] == actor.id:
                raise KengdError(
                    "same_officer", "người xác nhận phải là cán bộ khác", en="another officer has to confirm"
                )
            pending["second"] = actor.id
            values.put_value(connection, f"confirm:{token}", json.dumps(pending))

    def _confirmed(self, actor: Actor, wish: RingWish, roster: Roster) -> str | None:
        """The second officer's id, where one was needed. One's own single post never comes here."""
        token = hashlib.sha256(f"{wish.id}\0{actor.id}\0{wish.signal}".encode()).hexdigest()[:24]
        now_ms = self._wall_ms()
        with self._ledger.write() as connection:
            pending = _pending(connection, token, now_ms)
            if pending is None:
                facts = {
                    "officer": actor.id,
                    "name": actor.name,
                    "at_ms": now_ms,
                    "posts": len(wish.posts),
                    "why": wish.why,
                }
                values.put_value(connection, f"confirm:{token}", json.dumps(facts))
        if pending is not None and wish.confirm == token:
            if not self._second_officer:
                return None
            if pending.get("second"):
                return str(pending["second"])
            if now_ms - pending["at_ms"] >= self._alone_after_ms and wish.alone_why and is_text(wish.alone_why):
                return None
        raise NeedsConfirming(token, len(wish.posts), roster.households(wish.posts), self._second_officer)

    def _incident_of(self, actor: Actor, wish: RingWish) -> tuple[str | None, Callable[[Transaction], None] | None]:
        """An actual alarm that an officer rings is an incident, which he has taken charge of by ringing."""
        if wish.incident is not None or wish.purpose != "actual" or wish.signal not in self._alarms:
            return wish.incident, None
        now_ms = self._wall_ms()
        incident = Incident(
            f"hub-{wish.id}", "alarm", now_ms, post=wish.posts[0] if len(wish.posts) == 1 else None, text=wish.why,
            acknowledged_ms=now_ms, acknowledged_by=actor.name,
        )  # fmt: skip
        return incident.id, lambda connection: (incidents.add(connection, incident), None)[1]

    def again(self, actor: Actor, dispatch_id: str, new_id: str) -> Dispatch:
        """Phát lại cho điểm chưa kêu: one act for those that did not answer (R65). Raises KengdError `all_answered`."""
        self._not_locked()
        with self._ledger.read() as connection:
            first = dispatches.find(connection, dispatch_id)
            targets = dispatches.targets_of(connection, [dispatch_id])
            done = dispatches.find(connection, new_id)
        if done is not None:
            return done
        if first is None or first.do != "ring":
            raise KengdError("unknown_dispatch", "không có lần phát lệnh này", en="no such dispatch")
        silent = tuple(target.post for target in targets if did_not_ring(target))
        if not silent:
            raise KengdError("all_answered", "mọi điểm kẻng đã kêu rồi", en="every post has rung")
        order = Order(new_id, "ring", silent, actor.name, first.why, first.signal, first.purpose)
        return self._dispatcher.dispatch(order, officer=actor.id, incident=first.incident, repeats=dispatch_id)

    # ---- hush

    def hush(self, actor: Actor, act_id: str, posts: Sequence[str], why: str | None, *, lock: bool = False) -> Dispatch:
        """Stop the sound at these posts (is not an all-clear), each hush naming what sounds there; what has been ordered and not
        answered there is not sent again. `lock`: no new ring until `unlock` (a village's own button is never blocked).

        It goes out before it is written down. Raises KengdError `unknown_post`, `no_posts`, `bad_text`, `hush_unrecorded`.
        """
        chosen = _in_service(self._roster(), posts)
        if why is not None:
            _text(why, "lý do")
        try:
            with self._ledger.read() as connection:
                rings = dispatches.open_targets(connection, chosen)
        except TROUBLE:
            rings = []  # what the posts say of themselves must do
        named = self._sounding(chosen, rings)

        def also(connection: Transaction) -> None:
            dispatches.cancel(connection, {target.dispatch for target in rings}, self._wall_ms(), chosen)
            if lock:
                facts = {"by": actor.name, "at_ms": self._wall_ms(), "why": why}
                values.put_value(connection, LOCK, json.dumps(facts, ensure_ascii=False))

        order = Order(act_id, "hush", chosen, actor.name, why, activations=named)
        return self._dispatcher.dispatch(order, officer=actor.id, also=also)

    def unlock(self, actor: Actor) -> None:
        """New rings may be ordered again."""
        with self._ledger.write() as connection:
            values.put_value(connection, LOCK, None)

    def locked(self) -> dict[str, Any] | None:
        """By whom and since when, or None."""
        with self._ledger.read() as connection:
            said = values.value_of(connection, LOCK)
        return None if said is None else dict(json.loads(said))

    def _not_locked(self) -> None:
        lock = self.locked()
        if lock is not None:
            raise KengdError(
                "locked",
                f"{lock['by']} đã dừng tất cả và khoá phát lệnh",
                cure="mở khoá phát lệnh rồi phát lại; nút ở thôn vẫn kêu được",
                en="a hush of all posts has locked new rings",
            )

    def _sounding(self, posts: Sequence[str], rings: Sequence[Target]) -> dict[str, str]:
        """What sounds at each post, as the post itself said; where nothing is known the hush names nothing and ends what began
        before it (P13)."""
        named = {target.post: target.activation for target in rings if target.activation is not None}
        for post, seen in self._seen().items():
            if post in posts and seen.status is not None and seen.status.sounding is not None:
                named[post] = seen.status.sounding.activation
        return named

    # ---- incidents

    def call_in(self, actor: Actor, incident_id: str, text: str, village: str | None) -> Incident:
        """Tin báo: somebody has called the officer on duty. Raises KengdError `bad_text`, `unknown_village`."""
        _text(text, "nội dung tin báo")
        if village is not None and self._roster().village(village) is None:
            raise KengdError("unknown_village", f"không có thôn nào mã “{village[:40]}”", en="no such village")
        now_ms = self._wall_ms()
        incident = Incident(
            incident_id, "call", now_ms, village=village, text=text, acknowledged_ms=now_ms, acknowledged_by=actor.name
        )
        with self._ledger.write() as connection:
            incidents.add(connection, incident)
            return incidents.find(connection, incident_id) or incident

    def acknowledge(self, actor: Actor, incident_id: str) -> Incident:
        """Take charge of it by name; the keepers' lamps are told (H20). A second one hears who was first.

        Raises KengdError `unknown_incident`, `already_taken`.
        """
        with self._ledger.write() as connection:
            first = incidents.acknowledge(connection, incident_id, actor.name, self._wall_ms())
            incident = incidents.find(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
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

    def support(self, actor: Actor, incident_id: str, act_id: str, *, by_itself: bool = False) -> Dispatch | None:
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
        order = Order(act_id, "ring", posts, actor.name, why[:LONGEST_TEXT], "support", "actual")
        return self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)

    def all_clear(self, actor: Actor, incident_id: str, act_id: str) -> Incident:
        """Hết báo động: hush, the all-clear at each post that sounded, the incident closed, as one act (H16).

        The all-clear of a post goes out when the post has said that its alarm has ended (`clearing`), since it refuses one
        while the alarm sounds (P4). Raises KengdError `unknown_incident`.
        """
        with self._ledger.read() as connection:
            incident = incidents.find(connection, incident_id)
            sounded = incidents.sounded_of(connection, [incident_id])
        if incident is None:
            raise _unknown_incident()
        still = {item.post: item.activation for item in sounded if item.ended_ms is None}
        posts = sorted({item.post for item in sounded})
        facts = {"id": act_id, "by": actor.name, "officer": actor.id, "posts": posts, "at_ms": self._wall_ms()}
        with self._ledger.write() as connection:
            closed = incidents.close(connection, incident_id, actor.name, self._wall_ms())
            if closed and posts:
                values.put_value(connection, f"clear:{incident_id}", json.dumps(facts, ensure_ascii=False))
            incident = incidents.find(connection, incident_id) or incident
        if still:
            order = Order(f"{act_id}-h"[:64], "hush", tuple(still), actor.name, "hết báo động", activations=still)
            self._dispatcher.dispatch(order, officer=actor.id, incident=incident_id)
        return incident

    def outcome(self, actor: Actor, outcome: Outcome) -> None:
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
                raise _bad_text("kết quả")
        with self._ledger.write() as connection:
            if incidents.find(connection, outcome.incident) is None:
                raise _unknown_incident()
            incidents.add_outcome(connection, replace(outcome, by=actor.name, at_ms=self._wall_ms()))

    # ---- settings of posts

    def tell(
        self, actor: Actor, act_id: str, do: str, posts: Sequence[str], facts: Mapping[str, Any], why: str | None
    ) -> Dispatch:
        """`silence`, `lock_input`, `codebook`, `timetable` to these posts. Raises KengdError `unknown_post`, `no_posts`; Unfit."""
        order = Order(act_id, do, _in_service(self._roster(), posts), actor.name, why, facts=facts)
        return self._dispatcher.dispatch(order, officer=actor.id)


def did_not_ring(target: Target) -> bool:
    """No sound came of it, and none is to be expected: it did not answer, refused for another reason than a repeat, or failed."""
    if target.state in (State.NO_ANSWER, State.EXPIRED, State.FAILED):
        return True
    return target.state is State.REFUSED and target.ringing_ms is None


def _in_service(roster: Roster, posts: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(posts))
    if not chosen:
        raise KengdError("no_posts", "chưa chọn điểm kẻng nào", cure="chọn ít nhất một điểm", en="no posts chosen")
    known = {post.id for post in roster.posts}
    if strange := [post for post in chosen if post not in known]:
        raise KengdError(
            "unknown_post", f"không có điểm kẻng “{strange[0][:40]}”", cure="tải lại trang", en="no such post"
        )
    return chosen


def _pending(connection: Transaction, token: str, now_ms: int) -> dict[str, Any] | None:
    said = values.value_of(connection, f"confirm:{token}")
    pending = None if said is None else dict(json.loads(said))
    return pending if pending is not None and now_ms - pending["at_ms"] < CONFIRM_WITHIN_MS else None


def _text(text: str, what: str) -> None:
    if not is_text(text):
        raise _bad_text(what)


def _bad_text(what: str) -> KengdError:
    return KengdError(
        "bad_text",
        f"{what} phải có từ 1 đến {LONGEST_TEXT} ký tự, trên một dòng",
        cure="viết lại ngắn hơn, không xuống dòng",
        en=f"1 to {LONGEST_TEXT} characters on one line",
    )


def _unknown_incident() -> KengdError:
    return KengdError("unknown_incident", "không có vụ việc này", cure="tải lại trang", en="no such incident")
