"""Ringing: one act for many posts, confirmed where it must be, done once (R47, R62, R65)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kengd.errors import KengdError
from kengd.hub.act_ground import ActGround, Actor, Also, check_text, in_service, nothing
from kengd.hub.confirmations import NeedsConfirming, lapsed, pending_of, strike
from kengd.hub.dispatching import Order, State, Target, outwards
from kengd.hub.incidents import Incident, villages_at
from kengd.hub.ledger import changes, dispatches, incidents, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import Transaction
from kengd.hub.order_rules import digest_of, not_locked
from kengd.hub.roster import SKEW_MS, Roster
from kengd.wire.orders import is_text

AGAIN_WITHIN_MS: Final = 10 * 60_000
"""What was ordered longer ago is not rung again with one click: who wants it now orders it anew (R65)."""


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


class RingActs(ActGround):
    """Rings and settings. `also`: what is written with the act, see `act_ground.Also`."""

    def ring(
        self,
        actor: Actor,
        wish: RingWish,
        also: Callable[[Transaction, str | None], None] = lambda *_: None,
        asked: Also = nothing,
    ) -> Dispatch:
        """Ring these posts; `also` is told the second officer too, where there was one. `asked`: written when a second yes is asked for.

        Raises KengdError `unknown_post`, `no_posts`, `bad_text`, `locked`, `incident_closed`, `confirm_needed`, `confirm_lapsed`,
        `id_reused`.
        """
        roster = self._roster()
        posts = in_service(roster, wish.posts)
        check_text(wish.why, "lý do")
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
            self._may_ring(order, wish.incident)
            second = self._second(actor, order, wish.confirm, wish.alone_why, roster, asked)
        incident, begin = self._incident_of(actor, wish, posts)

        def within(connection: Transaction) -> None:
            begin(connection)
            strike(connection, _token(actor, order))
            also(connection, second)

        return self._dispatcher.dispatch(
            order, officer=actor.id, second=second, incident=incident, everyone=everyone and not wish.first,
            also=within,
        )  # fmt: skip

    def confirm(self, actor: Actor, token: str, also: Also = nothing) -> None:
        """A second officer agrees to an alarm for all posts. Raises KengdError `no_such_confirmation`, `same_officer`."""
        with self._ledger.write() as connection:
            pending = pending_of(connection, token, self._wall_ms())
            if pending is None:
                raise KengdError(
                    "no_such_confirmation",
                    "không có lệnh nào đang chờ xác nhận như vậy",
                    cure="tải lại trang; quá 2 phút thì người ra lệnh phải phát lại",
                    en="nothing to confirm",
                )
            if pending["officer"] == actor.id:
                raise KengdError(
                    "same_officer",
                    "người xác nhận phải là cán bộ khác",
                    cure="nhờ một cán bộ khác giữ nút đồng ý trên máy của họ",
                    en="another officer has to confirm",
                )
            pending["second"] = actor.id
            values.put_value(connection, f"confirm:{token}", json.dumps(pending))
            changes.note(connection, "hub", confirmed=token)
            also(connection)

    def withdraw(self, actor: Actor, token: str, also: Also = nothing) -> None:
        """Whoever asked does not want it any more; asked for or not, nothing waits afterwards. Raises KengdError `not_yours`."""
        with self._ledger.write() as connection:
            pending = pending_of(connection, token, self._wall_ms())
            if pending is None:
                return
            if pending["officer"] != actor.id:
                raise KengdError(
                    "not_yours",
                    "lệnh này do cán bộ khác xin phát",
                    cure="không đồng ý thì không bấm gì: quá 2 phút là hết hiệu lực",
                    en="another officer has asked for it",
                )
            strike(connection, token)
            changes.note(connection, "hub", withdrawn=token)
            also(connection)

    def _second(
        self, actor: Actor, order: Order, confirm: str | None, alone_why: str | None, roster: Roster, asked: Also
    ) -> str | None:
        """The second officer's id, where one was needed: for an actual alarm at all posts (R62). What was agreed to is this order, word
        by word: with another reason, or other posts, it is asked anew. What has lapsed is not asked for again by itself."""
        everyone = {post.id for post in roster.bells()} <= set(order.posts) and len(order.posts) > 1
        if not everyone or order.purpose != "actual" or order.signal not in self._alarms:
            return None
        token = _token(actor, order)
        households = roster.households(order.posts)
        now_ms = self._wall_ms()
        with self._ledger.write() as connection:
            pending = pending_of(connection, token, now_ms)
            if pending is None and confirm == token:
                raise lapsed()
            if pending is None:
                facts = {
                    "officer": actor.id,
                    "name": actor.name,
                    "at_ms": now_ms,
                    "posts": len(order.posts),
                    "why": order.why,
                    "signal": order.signal,
                    "households": households,
                    "by_second": self._second_officer,
                }
                values.put_value(connection, f"confirm:{token}", json.dumps(facts))
                changes.note(connection, "hub", confirm=token)
                asked(connection)
        if pending is not None and confirm == token:
            if not self._second_officer:
                return None
            if pending.get("second"):
                return str(pending["second"])
            if now_ms - pending["at_ms"] >= self._alone_after_ms and alone_why and is_text(alone_why):
                return None
        raise NeedsConfirming(token, len(order.posts), households, self._second_officer)

    def _incident_of(self, actor: Actor, wish: RingWish, posts: Sequence[str]) -> tuple[str | None, Also]:
        """An actual alarm that an officer rings is an incident of the villages that hear it, which he has taken charge of by ringing.
        One that is rung for a call (tin báo) says where that is, unless somebody has said so, and that it is no exercise."""
        if wish.purpose != "actual" or wish.signal not in self._alarms:
            return wish.incident, nothing
        villages = villages_at(self._roster(), posts)
        if wish.incident is not None:
            known = wish.incident
            return known, lambda connection: _in_earnest(connection, known, villages)
        now_ms = self._wall_ms()
        incident = Incident(
            f"hub-{wish.id}", "order", now_ms, post=posts[0] if len(posts) == 1 else None,
            village=villages[0] if len(villages) == 1 else None, text=wish.why, acknowledged_ms=now_ms,
            acknowledged_by=actor.name, villages=villages,
        )  # fmt: skip
        return incident.id, lambda connection: (incidents.add(connection, incident), None)[1]

    def again(
        self,
        actor: Actor,
        dispatch_id: str,
        new_id: str,
        also: Callable[[Transaction, str | None], None] = lambda *_: None,
        *,
        confirm: str | None = None,
        alone_why: str | None = None,
        may: Callable[[Sequence[str]], None] = lambda _: None,
        asked: Also = nothing,
    ) -> Dispatch:
        """Phát lại cho điểm chưa kêu: one act for those that did not answer (R65), confirmed as a ring is where it is for all posts.

        `may(posts)` raises when the officer may not ring these. Raises KengdError `unknown_dispatch`, `all_answered`, `too_old`,
        `locked`, `incident_closed`, `confirm_needed`, `confirm_lapsed`.
        """
        with self._ledger.read() as connection:
            first = dispatches.find(connection, dispatch_id)
            targets = dispatches.targets_of(connection, [dispatch_id])
            done = dispatches.find(connection, new_id)
        if done is not None:
            return done
        if first is None or first.do != "ring":
            raise KengdError(
                "unknown_dispatch", "không có lần phát lệnh này", cure="tải lại trang", en="no such dispatch"
            )
        silent = tuple(target.post for target in targets if did_not_ring(target))
        if not silent:
            raise KengdError(
                "all_answered",
                "mọi điểm kẻng đã kêu rồi",
                cure="muốn kêu nữa thì phát một lệnh mới",
                en="every post has rung",
            )
        if not 0 <= self._wall_ms() - first.made_ms + SKEW_MS < AGAIN_WITHIN_MS + SKEW_MS:
            raise KengdError(
                "too_old",
                "lần phát lệnh này đã quá 10 phút",
                cure="phát một lệnh mới nếu vẫn cần",
                en="this ring was ordered more than ten minutes ago",
            )
        order = Order(new_id, "ring", silent, actor.name, first.why, first.signal, first.purpose)
        self._may_ring(order, first.incident)
        may(silent)
        second = self._second(actor, order, confirm, alone_why, self._roster(), asked)

        def within(connection: Transaction) -> None:
            strike(connection, _token(actor, order))
            also(connection, second)

        return self._dispatcher.dispatch(
            order, officer=actor.id, second=second, incident=first.incident, repeats=dispatch_id, also=within
        )

    def _may_ring(self, order: Order, incident_id: str | None) -> None:
        """Before anybody is asked to confirm it. Raises KengdError `locked`, `incident_closed`."""
        with self._ledger.read() as connection:
            not_locked(connection, order)
            incident = None if incident_id is None else incidents.find(connection, incident_id)
        if incident is not None and incident.closed_ms is not None and order.signal != "all_clear":
            raise KengdError(
                "incident_closed",
                "vụ việc này đã hết báo động",
                cure="phát một lệnh mới, không kèm vụ việc này",
                en="this incident is closed: nobody would follow what rings for it",
            )

    def tell(
        self,
        actor: Actor,
        act_id: str,
        do: str,
        posts: Sequence[str],
        facts: Mapping[str, Any],
        why: str | None,
        also: Also = nothing,
        repeats: str | None = None,
    ) -> Dispatch:
        """`silence`, `lock_input`, `codebook`, `timetable` to these posts; `repeats`: the dispatch whose silent posts it is for.

        Raises KengdError `unknown_post`, `no_posts`; Unfit.
        """
        order = Order(act_id, do, in_service(self._roster(), posts), actor.name, why, facts=facts)
        return self._dispatcher.dispatch(order, officer=actor.id, repeats=repeats, also=also)


def _token(actor: Actor, order: Order) -> str:
    """Names what is asked for: this order, word by word, by this officer."""
    asked = f"{order.id}\0{actor.id}\0{digest_of(order).hex()}"
    return hashlib.sha256(asked.encode()).hexdigest()[:24]


def _in_earnest(connection: Transaction, incident_id: str, villages: Sequence[str]) -> None:
    incidents.locate(connection, incident_id, villages)
    incidents.in_earnest(connection, incident_id)


def did_not_ring(target: Target) -> bool:
    """No sound came of it, and none is to be expected: it did not answer, refused for another reason than a repeat, or failed."""
    if target.state in (State.NO_ANSWER, State.EXPIRED, State.FAILED):
        return True
    return target.state is State.REFUSED and target.ringing_ms is None
