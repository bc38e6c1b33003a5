"""The outbox: every entry at least once, in order, over any outage."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kengd.uplink.sender import Outbox


class Book:
    """Entries 1…last."""

    def __init__(self, last: int) -> None:
        self.last = last

    def entries(self, after_seq: int, limit: int) -> list[tuple[int, bytes]]:
        """As the journal gives them."""
        return [(seq, b"%d" % seq) for seq in range(after_seq + 1, min(self.last, after_seq + limit) + 1)]


class Line:
    """A line that notes what was sent; None while down."""

    def __init__(self) -> None:
        self.up = False
        self.sent: list[tuple[int, int]] = []

    def send(self, payload: bytes) -> int | None:
        """As `Session.publish_entry`."""
        if not self.up:
            return None
        self.sent.append((len(self.sent) + 1, int(payload)))
        return len(self.sent)

    def seqs(self) -> list[int]:
        """What was sent, in order."""
        return [seq for _, seq in self.sent]


def make(last: int, window: int = 4, cursor: int = 0) -> tuple[Outbox, Line, Book]:
    """An outbox whose line is up."""
    book, line = Book(last), Line()
    outbox = Outbox(book, line.send, cursor=cursor, window=window)
    line.up = True
    assert outbox.line_up()
    return outbox, line, book


def acknowledge(outbox: Outbox, line: Line, start: int = 0) -> None:
    """PUBACK everything sent from index `start` on, pumping when asked."""
    done = start
    while done < len(line.sent):
        if outbox.published(line.sent[done][0], 0, 0):
            outbox.pump()
        done += 1


def test_entries_go_out_in_order_a_window_at_a_time() -> None:
    """P8: never more than the window without an answer."""
    outbox, line, _ = make(10)
    assert outbox.pump() == 4
    assert line.seqs() == [1, 2, 3, 4]
    acknowledge(outbox, line)
    assert line.seqs() == list(range(1, 11))
    assert outbox.cursor == 10


def test_the_cursor_moves_only_over_what_was_acknowledged_without_a_gap() -> None:
    """P8: a later PUBACK that comes first must not hide an entry that never arrived."""
    outbox, _, _ = make(4)
    outbox.pump()
    cursors = []
    for token in (3, 1, 4, 2):
        outbox.published(token, 0, 0)
        cursors.append(outbox.cursor)
    assert cursors == [0, 1, 1, 4]


def test_after_an_outage_everything_unacknowledged_goes_again() -> None:
    """P8: at least once; the hub keeps each exactly once."""
    outbox, line, _ = make(6)
    outbox.pump()
    outbox.published(1, 0, 0)
    line.up = False
    outbox.line_down()
    assert outbox.pump() == 0
    line.up = True
    outbox.line_up()
    outbox.pump()
    assert line.seqs() == [1, 2, 3, 4, 2, 3, 4, 5]
    outbox.published(2, 0, 0)  # a PUBACK of the old connection means nothing now
    assert outbox.cursor == 1


def test_a_restart_begins_behind_the_stored_cursor() -> None:
    """The caller stores the cursor with its next entry; nothing is written while idle."""
    outbox, line, _ = make(6, cursor=4)
    outbox.pump()
    assert line.seqs() == [5, 6]


def test_an_idle_outbox_reads_once_and_sends_nothing() -> None:
    """Nothing new: nothing happens."""
    outbox, line, book = make(2)
    outbox.pump()
    acknowledge(outbox, line)
    assert outbox.pump() == 0
    assert not outbox.tick(10**9)
    book.last = 3
    assert outbox.pump() == 1


def test_a_replay_sends_everything_behind_the_asked_seq() -> None:
    """DESIGN section 7, `replay`: gaps are filled by the entries alone."""
    outbox, line, _ = make(5, window=10)
    outbox.pump()
    acknowledge(outbox, line)
    assert outbox.replay(2)
    outbox.pump()
    assert line.seqs() == [1, 2, 3, 4, 5, 3, 4, 5]
    assert outbox.cursor == 2
    acknowledge(outbox, line, 5)
    assert outbox.cursor == 5
    assert outbox.replay(-7)
    assert outbox.cursor == 0
    assert outbox.replay(99)
    assert outbox.cursor == 0


def test_a_stored_first_reply_is_sent_again_at_once_and_moves_no_cursor() -> None:
    """DESIGN section 7: a repeat is answered by sending the stored first reply again."""
    outbox, line, _ = make(3, window=10)
    outbox.pump()
    acknowledge(outbox, line)
    assert outbox.resend(2)
    assert outbox.pump() == 1
    assert line.seqs() == [1, 2, 3, 2]
    assert outbox.published(4, 0, 0) is False
    assert outbox.cursor == 3


def test_a_refused_publish_is_not_delivered_and_one_entry_knocks_again_later() -> None:
    """R6, R8: PUBACK "Not authorized" (135) raises a condition; after 5 s, 10 s … the first entry is tried again."""
    outbox, line, _ = make(9)
    outbox.pump()
    assert outbox.published(1, 135, 1_000) is False
    assert (outbox.refused, outbox.cursor) == (True, 0)
    assert outbox.pump() == 0
    assert [outbox.tick(now_ms) for now_ms in (5_999, 6_000)] == [False, True]
    assert outbox.pump() == 1
    assert outbox.published(5, 135, 6_100) is False
    assert [outbox.tick(now_ms) for now_ms in (16_000, 16_100)] == [False, True]
    assert outbox.pump() == 1
    assert outbox.published(6, 0, 16_200) is True
    assert (outbox.refused, outbox.cursor) == (False, 1)
    outbox.pump()
    assert line.seqs() == [1, 2, 3, 4, 1, 1, 2, 3, 4, 5]


def test_an_entry_that_nobody_listens_to_is_told_apart() -> None:
    """R8: PUBACK 16; the hub fills the gap by `replay` when it first connects."""
    outbox, _, _ = make(2)
    outbox.pump()
    outbox.published(1, 16, 0)
    assert (outbox.unheard, outbox.cursor) == (True, 1)
    outbox.published(2, 0, 0)
    assert (outbox.unheard, outbox.cursor) == (False, 2)


def test_a_new_entry_is_sent_without_reading_the_book_exactly_when_it_is_the_next_one() -> None:
    """The entry `ringing` should not wait for a query; order comes first."""
    outbox, line, book = make(0, window=2)
    assert [outbox.offer(seq, b"%d" % seq) for seq in (2, 1, 1, 2, 3)] == [False, True, False, True, False]
    book.last = 3
    acknowledge(outbox, line)
    line.up = False
    outbox.line_down()
    assert outbox.offer(4, b"4") is False
    assert line.seqs() == [1, 2, 3]


class AnyOutage(RuleBasedStateMachine):
    """Any order of new entries, PUBACKs, refusals, outages and replays."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.book, self.line = Book(3), Line()
        self.outbox = Outbox(self.book, self.line.send, window=3)
        self.taken: set[int] = set()
        self.pending: list[tuple[int, int]] = []
        self.lowest = 0

    @rule(count=st.integers(1, 5))
    def write(self, count: int) -> None:
        self.book.last += count
        self._pump()

    @rule()
    def up(self) -> None:
        self.line.up = True
        self.pending.clear()
        self.outbox.line_up()
        self._pump()

    @rule()
    def down(self) -> None:
        self.line.up = False
        self.pending.clear()
        self.outbox.line_down()

    @rule(after=st.integers(-1, 30))
    def replay(self, after: int) -> None:
        self.outbox.replay(after)
        self._pump()

    @rule(seq=st.integers(1, 30))
    def resend(self, seq: int) -> None:
        if self.outbox.resend(seq):
            self._pump()

    @precondition(lambda self: self.pending)
    @rule(which=st.integers(0, 100), refused=st.booleans())
    def answer(self, which: int, refused: bool) -> None:
        token, seq = self.pending.pop(which % len(self.pending))
        if not refused:
            self.taken.add(seq)
        if self.outbox.published(token, 135 if refused else 0, self.now_ms):
            self._pump()

    @rule(ms=st.integers(0, 400_000))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        if self.outbox.tick(self.now_ms):
            self._pump()

    def _pump(self) -> None:
        before = len(self.line.sent)
        self.outbox.pump()
        self.pending.extend(self.line.sent[before:])

    @invariant()
    def nothing_is_called_delivered_that_was_not(self) -> None:
        """P8: the cursor never passes an entry without a PUBACK."""
        assert set(range(1, self.outbox.cursor + 1)) <= self.taken

    def teardown(self) -> None:
        """P8: when the line stays up and answers, every entry arrives."""
        self.up()
        for _ in range(500):
            if self.outbox.cursor == self.book.last:
                break
            while self.pending:
                self.answer(0, False)
            self.wait(1_000_000)
        assert self.outbox.cursor == self.book.last


TestAnyOutage = AnyOutage.TestCase
TestAnyOutage.settings = settings(deadline=None)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 70), st.integers(0, 300))
def test_every_entry_is_sent_once_on_a_line_that_never_drops(last: int, window: int, cursor: int) -> None:
    """P8: in order, without a repetition."""
    outbox, line, _ = make(last, window, cursor)
    outbox.pump()
    acknowledge(outbox, line)
    assert line.seqs() == list(range(cursor + 1, last + 1))
