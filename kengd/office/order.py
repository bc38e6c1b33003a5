"""The order desk: signed commands in, triggers to the belfry and answers to the hub out (P5, P12, P13).

Nothing here blocks, sleeps or writes: methods answer with actions (`desk_words`) which the office carries out. Who
calls what: the line's thread `heard`; the office's loop `decided`, `spooled`, `redundant`, `written`, `wrote`,
`perform`, `tick`, `close`. Any thread may carry the actions out, in their order. A lock keeps the desk's own state;
`perform` lets go of it while it works.

Order of a start: load the seen ids, take the belfry's spool (`spooled`), only then open the line.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from kengd.duty.words import Draft, EntryKind, Instant, Source, Stamped
from kengd.intercom import AskHush, AskRing, Decided
from kengd.journal.batch import SeenCommand
from kengd.office.desk_words import Ack, Action, Perform, Refusal, Resend, SettingsDesk, Write
from kengd.office.order_asked import Asked, Ticket
from kengd.office.order_drafts import message, refusal_draft, settled_drafts
from kengd.office.refusals import RefusalCounter
from kengd.office.seen import UNKNOWN_DIGEST, Known, Seen, SeenStore
from kengd.office.settle import settle
from kengd.uplink.line import Token
from kengd.wire.command import Accepted, Circumstances, Refused, judge
from kengd.wire.orders import Hush, Replay, Ring
from kengd.wire.topics import ALL, parse_topic

HELD_MS = 30_000
"""How long the spool may take to bring the entries of a command that only the belfry remembers."""
PRUNE_EVERY_MS = 3_600_000


class OrderDesk:
    """Judges commands, sees that each rings at most once and that each is answered once."""

    def __init__(
        self,
        *,
        store: SeenStore,
        settings_desk: SettingsDesk,
        circumstances: Callable[[], Circumstances],
        belfry_send: Callable[[AskRing | AskHush], bool],
        new_id: Callable[[], str],
    ) -> None:
        """`circumstances`: read at each command, so new keys hold at once. `new_id`: 16 random hex characters.

        `belfry_send` must not block; False = not now.
        """
        self._settings_desk = settings_desk
        self._circumstances = circumstances
        self._belfry_send = belfry_send
        self._new_id = new_id
        self._lock = threading.Lock()
        self._seen = Seen(store.seen_commands())
        self._counter = RefusalCounter()
        self._asked: dict[str, Asked] = {}
        self._unsent: deque[str] = deque()
        self._slow: dict[str, Accepted] = {}
        self._tickets: dict[int, Ticket] = {}
        self._last_ticket = 0
        self._pruned_ms: int | None = None

    # ---- the line's thread

    def heard(self, topic: str, payload: bytes, *, retained: bool, token: Token) -> list[Action]:
        """A message on one of our command topics. A good ring or hush is with the belfry before this returns."""
        circumstances = self._circumstances()
        where = parse_topic(topic)
        if where is None or where.leaf != "command" or where.commune != circumstances.commune:
            return [Ack(token)]
        if where.post not in (ALL, circumstances.post):
            return [Ack(token)]
        verdict = judge(payload, retained=retained, circumstances=circumstances)
        with self._lock:
            if isinstance(verdict, Refused):
                return self._refused(verdict, circumstances, token, to_all=where.post == ALL)
            known = self._seen.get(verdict.jti)
            if known is not None:
                return self._again(known, verdict.digest, circumstances.mono_ms, token)
            known = self._seen.begin(verdict.jti, verdict.digest, verdict.exp, circumstances.wall_s)
            known.tokens.append(token)
            if isinstance(verdict.order, Ring | Hush):
                self._ask(known, verdict, verdict.order, circumstances)
                return []
            self._slow[verdict.jti] = verdict
            return [Perform(verdict.jti)]

    def _ask(self, known: Known, accepted: Accepted, order: Ring | Hush, circumstances: Circumstances) -> None:
        """Hand it to the belfry now, behind those it has not yet taken."""
        ask_id = self._new_id()
        question = message(ask_id, accepted, order, circumstances.mono_ms)
        asked = Asked(known, question, order.by, accepted.deadline_ms, accepted.deadline_ms)
        self._asked[ask_id] = asked
        if self._unsent or not self._belfry_send(question):
            self._unsent.append(ask_id)
        else:
            asked.sent = True

    def _again(self, known: Known, digest: bytes, mono_ms: int, token: Token) -> list[Action]:
        """A repeat: the first reply is sent again, or will come; only the first repeat is written."""
        if not known.same(digest):
            draft = Draft(EntryKind.REFUSED, command_id=known.jti, source=Source.HUB, reason="jti_reused")
            return self._loose(draft, mono_ms, token)
        if not known.answered:
            known.tokens.append(token)
            return []
        if known.first_reply is None:
            return [Ack(token)]
        known.repeats += 1
        if known.repeats > 1:
            return [Resend(known.first_reply), Ack(token)]
        draft = Draft(EntryKind.REFUSED, command_id=known.jti, source=Source.HUB, reason="duplicate")
        return [Resend(known.first_reply), self._write((draft,), Ticket(None, False, (token,)), known.row())]

    def _refused(self, refused: Refused, circumstances: Circumstances, token: Token, *, to_all: bool) -> list[Action]:
        if to_all and refused.for_others:
            return [Ack(token)]  # addressed to other posts: nothing of ours to refuse
        known = self._seen.get(refused.jti) if refused.jti is not None else None
        if refused.jti is None or refused.digest is None or refused.reason == "retained":
            # A retained copy says nothing about the command it copies: it neither uses its id up nor answers it.
            draft = refusal_draft(refused, None if known is not None else refused.jti)
            return self._loose(draft, circumstances.mono_ms, token)
        if known is not None:
            return self._again(known, refused.digest, circumstances.mono_ms, token)
        known = self._seen.begin(refused.jti, refused.digest, 0, circumstances.wall_s)
        if refused.exp is not None and refused.reason != "lifetime":
            known.until_s = max(known.until_s, refused.exp)
        known.tokens.append(token)
        return [self._first_reply(known, (refusal_draft(refused, refused.jti),))]

    def _loose(self, draft: Draft, mono_ms: int, token: Token) -> list[Action]:
        """A refusal that no seen id holds back from coming again and again: counted, so the book cannot be flooded."""
        actions = self._flush(mono_ms)
        if self._counter.write_singly(draft.reason or "", mono_ms):
            actions.append(self._write((draft,), Ticket(None, False, (token,))))
        else:
            actions.append(Ack(token))
        return actions

    # ---- the office's loop

    def decided(self, verdict: Decided) -> list[Action]:
        """The belfry's verdict. Its entries follow through the spool; the acknowledgement waits for them."""
        with self._lock:
            asked = self._asked.get(verdict.id)
            if asked is None:
                return []
            if verdict.reason == "duplicate" and not asked.known.answered:
                # Rung before the office was restarted: its entries are still in the spool.
                asked.due_ms, asked.reason = self._circumstances().mono_ms + HELD_MS, "duplicate"
                asked.overdue_ms = None
                return []
            del self._asked[verdict.id]
            return self._acks(asked.known) if asked.known.answered else []

    def spooled(self, record: Stamped) -> SeenCommand | None:
        """Call once for each spool record, as it arrives: the seen id to be written with it, if it is a first reply."""
        draft = record.draft
        if draft.command_id is None:
            return None
        with self._lock:
            known = self._seen.get(draft.command_id)
            if known is None:
                known = self._seen.begin(draft.command_id, UNKNOWN_DIGEST, 0, record.wall_ms / 1000)
            if known.claimed:
                return None
            known.claimed = True
            return known.row()

    def redundant(self, draft: Draft) -> bool:
        """True for the belfry's late `expired` after the office has answered: it need not be written.

        The belfry says `expired` only as the first word about a command, so an answer in the book is the office's own,
        of this life or of the one before.
        """
        if draft.command_id is None or draft.kind is not EntryKind.REFUSED or draft.reason != "expired":
            return False
        with self._lock:
            known = self._seen.get(draft.command_id)
            return known is not None and (known.expired_here or known.answered)

    def written(self, command_id: str, seq: int | None) -> list[Action]:
        """An entry of the belfry with this command id is on disk; `seq` None: it counts as written (broken book)."""
        with self._lock:
            known = self._seen.get(command_id)
            if known is None or known.answered:
                return []
            return self._answered(known, seq)

    def wrote(self, ticket: int, seq: int | None) -> list[Action]:
        """The Write with this ticket is on disk; `seq` of its first draft (None: the book is broken)."""
        with self._lock:
            done = self._tickets.pop(ticket)
            actions: list[Action] = [Ack(token) for token in done.tokens]
            if done.known is not None and done.first:
                actions += self._answered(done.known, seq)
            return actions

    def perform(self, jti: str) -> list[Action]:
        """Carry out an order that is not for the belfry. May be slow: for the office's loop only."""
        with self._lock:
            accepted = self._slow.pop(jti, None)
            known = self._seen.get(jti)
        if accepted is None or known is None:
            return []
        if isinstance(accepted.order, Replay):
            self._settings_desk.replay(accepted.order.book, accepted.order.after_seq)
            with self._lock:
                return self._answered(known, None)
        late = self._circumstances().mono_ms > accepted.deadline_ms
        refusal = Refusal("expired") if late else settle(accepted.order, self._settings_desk)
        with self._lock:
            return [self._first_reply(known, settled_drafts(accepted, refusal))]

    def tick(self, now: Instant) -> list[Action]:
        """Once a second or oftener: hand over what the belfry had no room for, answer what it left unanswered."""
        with self._lock:
            self._send_waiting(now.mono_ms)
            actions = self._flush(now.mono_ms)
            for ask_id, asked in list(self._asked.items()):
                if asked.overdue(now.mono_ms):
                    actions.extend(self._give_up(ask_id, asked))
            if self._pruned_ms is None or now.mono_ms >= self._pruned_ms + PRUNE_EVERY_MS:
                self._pruned_ms = now.mono_ms
                self._seen.prune(now.wall_ms / 1000)
            return actions

    def close(self, now: Instant) -> list[Action]:
        """Before an orderly stop: what was only counted is written."""
        with self._lock:
            return self._flush(now.mono_ms, closing=True)

    # ---- inside, with the lock held

    def _send_waiting(self, mono_ms: int) -> None:
        while self._unsent:
            ask_id = self._unsent[0]
            asked = self._asked.get(ask_id)
            if asked is not None and mono_ms <= asked.deadline_ms:
                if not self._belfry_send(asked.message):
                    return
                asked.sent = True
            self._unsent.popleft()

    def _give_up(self, ask_id: str, asked: Asked) -> list[Action]:
        """The belfry has not answered in time: the office answers, unless an entry already did."""
        del self._asked[ask_id]
        known = asked.known
        if known.answered:
            return self._acks(known)
        if known.claimed:
            return []  # its entries are on their way to the disk
        known.expired_here = asked.reason == "expired"
        draft = Draft(EntryKind.REFUSED, command_id=known.jti, source=Source.HUB, by=asked.by, reason=asked.reason)
        return [self._first_reply(known, (draft,))]

    def _first_reply(self, known: Known, drafts: tuple[Draft, ...]) -> Write:
        known.claimed = True
        return self._write(drafts, Ticket(known, True, ()), known.row())

    def _write(self, drafts: tuple[Draft, ...], ticket: Ticket, seen: SeenCommand | None = None) -> Write:
        self._last_ticket += 1
        self._tickets[self._last_ticket] = ticket
        return Write(self._last_ticket, drafts, seen)

    def _answered(self, known: Known, seq: int | None) -> list[Action]:
        known.answered, known.claimed, known.first_reply = True, True, seq
        return self._acks(known)

    @staticmethod
    def _acks(known: Known) -> list[Action]:
        tokens, known.tokens = known.tokens, []
        return [Ack(token) for token in tokens]

    def _flush(self, mono_ms: int, *, closing: bool = False) -> list[Action]:
        draft = self._counter.flush(mono_ms, closing=closing)
        return [] if draft is None else [self._write((draft,), Ticket(None, False, ()))]
