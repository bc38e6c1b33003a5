"""The order desk in any order of commands, repeats, restarts, clock steps, verdicts and written notices (P5)."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kengd.duty.words import Draft, EntryKind, Stamped
from kengd.intercom import AskHush, Decided
from kengd.office.desk_words import Ack, Action
from kengd.uplink.line import Token
from tests.office.desk_harness import OWN, Office
from tests.wire.seal import MONO, NOW, command

RING = {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "x"}


class Post(Office):
    """The miniature office with a belfry that holds keys, a spool, a socket that dies with the office, and a broker."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.rings: list[tuple[str, int, float]] = []
        self.verdicts: list[Decided] = []
        self.spooled: list[Draft] = []
        self.arrived = 0
        self.unacked: dict[int, bytes] = {}
        self.jti_of: dict[int, str] = {}
        self.refusing = False
        super().__init__()

    def deliver(self, raw: bytes, jti: str) -> int:
        number = self.hear(raw, disk=False)
        self.jti_of[number] = jti
        if number not in self.acked:
            self.unacked[number] = raw
        return number

    def carry_out(self, actions: list[Action]) -> None:  # type: ignore[override]
        super().carry_out(actions)
        for action in actions:
            if isinstance(action, Ack):
                self.unacked.pop(action.token.mid, None)

    def belfry_turn(self) -> None:
        question = self.asked.pop(0)
        if isinstance(question, AskHush):
            return
        trigger = question.trigger
        jti = trigger.key or ""
        if jti in self.held:
            self.verdicts.append(Decided(trigger.id, "refuse", "duplicate"))
            return
        if trigger.deadline_ms is not None and self.mono_ms > trigger.deadline_ms:
            self.verdicts.append(Decided(trigger.id, "refuse", "expired"))
            self.spooled.append(Draft(EntryKind.REFUSED, command_id=jti, reason="expired"))
            return
        if self.refusing:
            self.verdicts.append(Decided(trigger.id, "refuse", "alarm_sounding"))
            self.spooled.append(Draft(EntryKind.REFUSED, command_id=jti, reason="alarm_sounding"))
            return
        self.held.add(jti)
        self.rings.append((jti, self.mono_ms, self.wall_s))
        self.verdicts.append(Decided(trigger.id, "ring"))
        self.spooled += [Draft(kind, command_id=jti) for kind in (EntryKind.RECEIVED, EntryKind.RINGING)]

    def spool_turn(self) -> None:
        """One record arrives and is written, with its seen id, in one transaction."""
        draft = self.spooled.pop(0)
        redundant = self.desk.redundant(draft)
        seen = self.desk.spooled(Stamped(1, "b", self.mono_ms, int(self.wall_s * 1000), "ntp", draft))
        if not redundant:
            seq = self.book.commit([draft], seen)
            self.carry_out(self.desk.written(draft.command_id or "", seq))

    def restart_office(self, socket_read: bool) -> None:
        """The process dies: what it had not written is lost; the belfry's spool comes again first, then the broker's."""
        if socket_read:
            while self.asked:
                self.belfry_turn()
        self.asked.clear()
        self.verdicts.clear()
        self.begin()
        while self.spooled:
            self.spool_turn()
        waiting, self.unacked = self.unacked, {}
        for number, raw in waiting.items():
            self.deliver(raw, self.jti_of[number])

    def read_verdicts(self) -> None:
        while self.verdicts:
            self.carry_out(self.desk.decided(self.verdicts.pop(0)))

    def settle(self) -> None:
        """Everything comes to rest: the belfry reads, the disk writes, time passes."""
        self.belfry_reads = True
        for _ in range(4):
            while self.asked:
                self.belfry_turn()
            self.read_verdicts()
            self.tick(700)
            while self.spooled:
                self.spool_turn()
            self.work()


class AnyOrder(RuleBasedStateMachine):
    """Each rule is something that happens; the promises are checked after each and at the end."""

    @initialize()
    def begin(self) -> None:
        self.post = Post()
        self.sent: dict[str, bytes] = {}
        self.stepped: set[str] = set()
        self.exp: dict[str, int] = {}
        self.deadline: dict[str, float] = {}

    @rule(life=st.sampled_from([5, 60, 600]), at=st.sampled_from([None, 0, 3]))
    def a_command_comes(self, life: int, at: int | None) -> None:
        jti, now = f"order-{len(self.sent):04}", int(self.post.wall_s)
        cmd = RING if at is None else RING | {"at": now + at}
        self.sent[jti] = command(jti=jti, iat=now, exp=now + life, cmd=cmd)
        self.exp[jti], self.deadline[jti] = now + life, self.post.mono_ms + life * 1000
        self.post.deliver(self.sent[jti], jti)

    @rule(delay=st.sampled_from([70, 700]))
    def an_old_command_comes(self, delay: int) -> None:
        jti, then = f"order-{len(self.sent):04}", int(self.post.wall_s) - delay
        self.sent[jti] = command(jti=jti, iat=then, exp=then + 60, cmd=RING)
        self.exp[jti], self.deadline[jti] = then + 60, 0
        self.post.deliver(self.sent[jti], jti)

    @precondition(lambda self: self.sent)
    @rule(pick=st.integers(0, 99))
    def a_repeat_comes(self, pick: int) -> None:
        jti = sorted(self.sent)[pick % len(self.sent)]
        self.post.deliver(self.sent[jti], jti)

    @precondition(lambda self: self.sent)
    @rule(pick=st.integers(0, 99))
    def a_used_id_comes_with_other_bytes(self, pick: int) -> None:
        jti = sorted(self.sent)[pick % len(self.sent)]
        now = int(self.post.wall_s)
        number = self.post.deliver(command(jti=jti, iat=now, exp=now + 77, cmd=RING | {"why": "khác"}), jti)
        if number in self.post.acked:  # beyond 20 a minute such refusals are only counted, and acknowledged at once
            del self.post.jti_of[number]

    @rule(seconds=st.sampled_from([0.3, 4.0, 61.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        post = self.post
        post.mono_ms, post.wall_s = post.mono_ms + int(seconds * 1000), post.wall_s + seconds
        post.carry_out(post.desk.tick(post.now()))
        post.read_verdicts()  # a living office reads the intercom well within the desk's grace

    @rule(seconds=st.sampled_from([-1e8, -30.0, 30.0, 1e8]))
    def the_clock_steps(self, seconds: float) -> None:
        if 0 < self.post.wall_s + seconds < 4e9:
            self.post.wall_s += seconds
            self.stepped |= self.sent.keys()

    @rule(trust=st.sampled_from(["ntp", "untrusted"]))
    def the_clock_is_trusted_or_not(self, trust: str) -> None:
        self.post.clock = trust

    @rule(reads=st.booleans(), refusing=st.booleans())
    def the_belfry_changes_its_mind(self, reads: bool, refusing: bool) -> None:
        self.post.belfry_reads, self.post.refusing = reads, refusing

    @precondition(lambda self: self.post.asked)
    @rule()
    def the_belfry_decides(self) -> None:
        self.post.belfry_turn()

    @precondition(lambda self: self.post.verdicts)
    @rule()
    def a_verdict_arrives(self) -> None:
        self.post.carry_out(self.post.desk.decided(self.post.verdicts.pop(0)))

    @precondition(lambda self: self.post.spooled)
    @rule()
    def a_spool_record_is_written(self) -> None:
        self.post.spool_turn()

    @precondition(lambda self: self.post.to_write)
    @rule()
    def the_disk_writes(self) -> None:
        self.post.write_one()

    @rule(socket_read=st.booleans())
    def the_office_is_killed(self, socket_read: bool) -> None:
        self.post.restart_office(socket_read)

    @precondition(lambda self: not self.post.spooled and not self.post.asked)
    @rule()
    def the_machine_boots_anew(self) -> None:
        """tmpfs is empty and the monotonic clock begins again; what was rung is in the book (the one exception aside)."""
        self.post.held.clear()
        self.post.restart_office(False)

    @invariant()
    def each_command_rings_at_most_once(self) -> None:
        assert all(count == 1 for count in Counter(jti for jti, _, _ in self.post.rings).values())

    @invariant()
    def nothing_rings_after_its_expiry(self) -> None:
        for jti, mono_ms, wall_s in self.post.rings:
            if jti not in self.stepped:
                assert wall_s < self.exp[jti], jti
                assert mono_ms < self.deadline[jti] + 1, jti

    @invariant()
    def the_broker_is_told_only_what_the_book_holds(self) -> None:
        written = {draft.command_id for draft in self.post.book.entries}
        assert all(self.post.jti_of[number] in written for number in self.post.acked if number in self.post.jti_of)

    @invariant()
    def the_book_knows_each_id_whose_answer_it_holds(self) -> None:
        for jti in {draft.command_id for draft in self.post.book.entries if draft.reason != "jti_reused"}:
            assert jti in self.post.book.seen

    def teardown(self) -> None:
        """At rest every message is acknowledged, every command has exactly one first answer, repeats one entry at most."""
        post = self.post
        post.settle()
        post.restart_office(True)
        post.settle()
        assert post.unacked == {}
        answers = Counter(
            draft.command_id
            for draft in post.book.entries
            if draft.kind is EntryKind.RECEIVED
            or (draft.kind is EntryKind.REFUSED and draft.reason not in ("duplicate", "jti_reused"))
        )
        duplicates = Counter(draft.command_id for draft in post.book.entries if draft.reason == "duplicate")
        assert answers == Counter(self.sent.keys())
        assert all(count == 1 for count in duplicates.values())
        self.each_command_rings_at_most_once()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def test_the_miniature_belfry_rings_at_all() -> None:
    """The properties above would hold for a post that never rings; this one does."""
    post = Post()
    post.deliver(command(), "order-0001")
    post.settle()
    assert post.rings == [] or [ring[0] for ring in post.rings] == ["order-0001"]
    post = Post()
    post.deliver(command(), "order-0001")
    post.belfry_turn()
    assert post.rings == [("order-0001", MONO, NOW + 0.25)]
    assert post.desk.heard(OWN, command(), retained=False, token=Token(1, 99)) == []
