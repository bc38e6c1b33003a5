"""The bulletin: when the status is published, and what it says. Time is given."""

from __future__ import annotations

import json

from kengd.duty.health import condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Instant, Purpose, Source
from kengd.journal.batch import Head
from kengd.office.bulletin import Bulletin
from kengd.wire.freshness import Nonces

WALL_MS = 1_800_000_000_000


class Board:
    """A bulletin whose papers are kept."""

    def __init__(self) -> None:
        self.papers: list[dict[str, object]] = []
        self.randoms = iter(bytes([n]) * 16 for n in range(1, 100))
        self.bulletin = Bulletin(
            Nonces.start(next(self.randoms), 0),
            lambda payload: self.papers.append(json.loads(payload)),
            lambda: next(self.randoms),
        )

    def post(self, mono_ms: int, *, again: bool = False) -> int:
        before = len(self.papers)
        self.bulletin.post(Instant(mono_ms, WALL_MS + mono_ms), again=again)
        return len(self.papers) - before


def ringing() -> Sounding:
    return Sounding("a", "alarm", Purpose.ACTUAL, Source.BUTTON, WALL_MS)


def test_a_quiet_post_says_so_every_minute_and_no_oftener() -> None:
    """DESIGN section 7: every 60 s while nothing changes."""
    board = Board()
    assert [mono_ms for mono_ms in range(0, 200_000, 1_000) if board.post(mono_ms)] == [0, 60_000, 120_000, 180_000]


def test_ringing_is_said_at_once_and_its_end_too() -> None:
    """P9, R25: nobody has to guess."""
    board = Board()
    board.post(0)
    board.bulletin.belfry_says(ringing(), (), 0)
    assert board.post(10) == 1
    assert board.papers[-1]["sounding"] == {
        "activation": "a",
        "signal": "alarm",
        "purpose": "actual",
        "since": "2027-01-15T08:00:00.000Z",
        "source": "button",
        "proved": None,
    }
    board.bulletin.belfry_says(None, (), 0)
    assert board.post(20) == 1
    assert board.papers[-1]["sounding"] is None


def test_a_burst_of_entries_is_one_status() -> None:
    """The head alone waits a second: a thousand entries are not a thousand statuses."""
    board = Board()
    board.bulletin.wrote(Head("b", 0, "0" * 64))
    board.post(0)
    published = 0
    for seq in range(1, 500):
        board.bulletin.wrote(Head("b", seq, "0" * 64))
        published += board.post(seq)
    assert published == 0
    assert board.post(1_500) == 1
    assert board.papers[-1]["seq"] == 499


def test_the_nonce_is_new_every_ten_minutes_and_the_status_says_it() -> None:
    """Freshness: a hub without it cannot ring a post whose clock is untrusted."""
    board = Board()
    board.post(0)
    first = board.papers[-1]["nonce"]
    board.post(600_000)
    assert board.papers[-1]["nonce"] != first
    assert board.bulletin.nonces.valid(str(first), 600_000)


def test_what_is_told_while_something_sounds_carries_a_nonce_of_its_own_time() -> None:
    """P13, H22: under an untrusted clock an order is as old as its nonce. Whoever was told of a press that joined can end it; those who
    have an older status can still order, and end what that one told of."""
    board = Board()
    board.bulletin.wrote(Head("b", 1, "0" * 64))
    board.post(0)
    board.bulletin.belfry_says(ringing(), (), 0)
    told = []
    for mono_ms, seq in ((30_000, 2), (30_100, 3), (30_300, 3), (31_000, 4)):
        board.bulletin.wrote(Head("b", seq, "0" * 64))
        if board.post(mono_ms):
            told.append((mono_ms, str(board.papers[-1]["nonce"])))
    assert [mono_ms for mono_ms, _ in told] == [30_000, 30_300, 31_000], "a press that joined is told within 0.2 s"
    nonces = board.bulletin.nonces
    assert [nonces.issued_mono_ms(nonce, 89_999) for _, nonce in told] == [30_000, 30_300, 31_000]
    assert not nonces.valid(str(board.papers[0]["nonce"]), 90_000), "60 s after it was replaced"


def test_symptoms_are_hidden_behind_their_cause() -> None:
    """R26, Tailscale's habit: one cause, not a list of its consequences; conditions of both processes in one list."""
    board = Board()
    board.bulletin.belfry_says(None, (condition("office_down"),), 0)
    assert board.bulletin.ail(condition("line_down")) is True
    assert board.bulletin.ail(condition("line_down")) is False
    assert [item.code for item in board.bulletin.conditions] == ["office_down"]
    board.bulletin.belfry_says(None, (), 0)
    assert [item.code for item in board.bulletin.conditions] == ["line_down"]
    assert board.bulletin.recover("line_down") == condition("line_down")
    assert board.bulletin.recover("line_down") is None


def test_a_new_line_is_told_at_once() -> None:
    """After a reconnect the retained status is published again although nothing changed."""
    board = Board()
    board.post(0)
    assert board.post(5, again=True) == 1
