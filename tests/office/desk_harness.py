"""An office around the order desk, in miniature: a clock, a belfry, a book and a broker, all of them plain lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Stamped
from kengd.intercom import AskHush, AskRing, Decided
from kengd.journal.batch import SeenCommand
from kengd.office.desk_words import Ack, Action, Perform, Refusal, Resend, Write
from kengd.office.order import OrderDesk
from kengd.uplink.line import Token
from kengd.wire.command import Circumstances
from kengd.wire.freshness import Nonces
from kengd.wire.signing import KeyRing
from tests.wire.seal import KEY, KID, MONO, NONCE, NOW, public

OWN = "kengd/1/conglac/thon-1/command"
ALL = "kengd/1/conglac/all/command"
KEYS = KeyRing({KID: public(KEY)})


class FakeSettingsDesk:
    """Notes what it was asked; refuses with `refusal`, raises `error`."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refusal: Refusal | None = None
        self.error: Exception | None = None

    def _note(self, *what: Any) -> Refusal | None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        return self.refusal

    def silence(self, until_s: int) -> Refusal | None:
        return self._note("silence", until_s)

    def lock_input(self, button: str, locked: bool) -> Refusal | None:
        return self._note("lock_input", button, locked)

    def apply_codebook(self, version: int, codebook: Mapping[str, Any]) -> Refusal | None:
        return self._note("codebook", version, codebook)

    def apply_timetable(self, version: int, timetable: Sequence[Any]) -> Refusal | None:
        return self._note("timetable", version, timetable)

    def taken(self, activation: str, by: str) -> Refusal | None:
        return self._note("taken", activation, by)

    def replay(self, book: str, after_seq: int) -> None:
        self._note("replay", book, after_seq)


@dataclass
class Book:
    """Entries by seq (from 1) and seen ids, as the journal keeps them: `first_reply` from the first entry with the id."""

    entries: list[Draft] = field(default_factory=list)
    seen: dict[str, SeenCommand] = field(default_factory=dict)

    def commit(self, drafts: Iterable[Draft], seen: SeenCommand | None) -> int:
        first = len(self.entries) + 1
        self.entries.extend(drafts)
        if seen is not None:
            old = self.seen.get(seen.jti)
            numbers = (seq for seq, draft in enumerate(self.entries, 1) if draft.command_id == seen.jti)
            self.seen[seen.jti] = (
                replace(seen, first_reply=next(numbers, None)) if old is None else replace(old, repeats=seen.repeats)
            )
        return first

    def seen_commands(self) -> Iterable[SeenCommand]:
        return list(self.seen.values())

    def told(self) -> list[tuple[str, str | None, str | None]]:
        """(kind, command id, reason) of each entry."""
        return [(draft.kind.value, draft.command_id, draft.reason) for draft in self.entries]


class Office:
    """Carries the desk's actions out, at once or when the test lets the disk work."""

    def __init__(self) -> None:
        self.wall_s, self.mono_ms, self.clock = NOW + 0.25, MONO, "ntp"
        self.book, self.settings_desk = Book(), FakeSettingsDesk()
        self.asked: list[AskRing | AskHush] = []
        self.acked: list[int] = []
        self.resent: list[int] = []
        self.to_write: list[Write] = []
        self.to_perform: list[str] = []
        self.belfry_reads = True
        self._ids = 0
        self._tokens = 0
        self.begin()

    def begin(self) -> None:
        """A new office process: the desk knows only what the book knows."""
        self.to_write, self.to_perform = [], []
        self.desk = OrderDesk(
            store=self.book,
            settings_desk=self.settings_desk,
            circumstances=self.circumstances,
            belfry_send=self._send,
            new_id=self._new_id,
        )

    def circumstances(self) -> Circumstances:
        trust: ClockTrust = "untrusted" if self.clock == "untrusted" else "ntp"
        nonces = Nonces(NONCE, MONO - 30_000)
        return Circumstances("conglac", "thon-1", KEYS, self.wall_s, self.mono_ms, trust, nonces)

    def now(self) -> Instant:
        return Instant(self.mono_ms, int(self.wall_s * 1000))

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:016x}"

    def _send(self, message: AskRing | AskHush) -> bool:
        if self.belfry_reads:
            self.asked.append(message)
        return self.belfry_reads

    def hear(self, raw: bytes, *, topic: str = OWN, retained: bool = False, disk: bool = True) -> int:
        """A message comes; returns its token's number. With `disk`, all writing and slow work is done at once."""
        self._tokens += 1
        number = self._tokens
        self.carry_out(self.desk.heard(topic, raw, retained=retained, token=Token(1, number)))
        if disk:
            self.work()
        return number

    def carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Ack):
                self.acked.append(action.token.mid)
            elif isinstance(action, Resend):
                self.resent.append(action.seq)
            elif isinstance(action, Write):
                self.to_write.append(action)
            elif isinstance(action, Perform):
                self.to_perform.append(action.jti)

    def work(self) -> None:
        """Slow work and the disk, until nothing is left."""
        while self.to_perform or self.to_write:
            while self.to_perform:
                self.carry_out(self.desk.perform(self.to_perform.pop(0)))
            if self.to_write:
                self.write_one()

    def write_one(self) -> None:
        write = self.to_write.pop(0)
        self.carry_out(self.desk.wrote(write.ticket, self.book.commit(write.drafts, write.seen)))

    def tick(self, seconds: float = 0.0) -> None:
        """Time passes by both clocks, then the desk ticks."""
        self.mono_ms += int(seconds * 1000)
        self.wall_s += seconds
        self.carry_out(self.desk.tick(self.now()))
        self.work()

    def belfry_answers(self, verdict: str = "ring", reason: str | None = None, kinds: Sequence[EntryKind] = ()) -> None:
        """The belfry takes the oldest question, decides, and its drafts are written."""
        question = self.asked.pop(0)
        asked = question.trigger if isinstance(question, AskRing) else question.order
        ask_id = question.trigger.id if isinstance(question, AskRing) else question.id
        self.carry_out(self.desk.decided(Decided(ask_id, verdict, reason)))
        for kind in kinds:
            self.spool(Draft(kind, command_id=asked.command_id, reason=reason))

    def spool(self, draft: Draft) -> None:
        """One record of the belfry arrives and is written."""
        seen = self.desk.spooled(Stamped(1, "boot", self.mono_ms, int(self.wall_s * 1000), "ntp", draft))
        seq = self.book.commit([draft], seen)
        if draft.command_id is not None:
            self.carry_out(self.desk.written(draft.command_id, seq))


RANG = (EntryKind.RECEIVED, EntryKind.RINGING)
