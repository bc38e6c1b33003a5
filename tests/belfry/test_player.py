"""The player, driven step by step on virtual time: the thread's work is `_advance`, which is called here by hand."""

from __future__ import annotations

from kengd.belfry.player import Player, PlayerEnded
from kengd.bellcode.score import Edge, Score
from kengd.duty.performance import Performance

CYCLE = Score((), 0, (Edge(0, True), Edge(100, False)), 500)


class FakeRelay:
    """Remembers edges with the virtual time; may be told to fail."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.on = False
        self.edges: list[tuple[float, bool]] = []
        self.fails = False

    def set(self, on: bool) -> int:
        if self.fails and on:
            raise OSError("line gone")
        if on != self.on:
            self.edges.append((self.now_ms, on))
        self.on = on
        return int(self.now_ms * 1e6)

    def rest(self) -> None:
        if self.on:
            self.edges.append((self.now_ms, False))
        self.on = False


class Stage:
    """A player on virtual time."""

    def __init__(self, longest_on_ms: int = 400) -> None:
        self.relay = FakeRelay()
        self.ended: list[PlayerEnded] = []
        self.player = Player(
            self.relay, self.ended.append, longest_on_ms=longest_on_ms, monotonic=lambda: self.relay.now_ms / 1000
        )

    def until(self, end_ms: float, late_ms: float = 0.0) -> None:
        """Let time pass, waking the player as late as told at each due time."""
        while (due_ms := self.player._advance()) is not None and due_ms + late_ms <= end_ms:
            self.relay.now_ms = max(self.relay.now_ms, due_ms + late_ms)
        self.relay.now_ms = end_ms


def test_edges_come_at_their_absolute_times_and_end_at_rest() -> None:
    """The list of edges equals the score, and the last thing is rest (P1)."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 1_200))
    stage.until(2_000)
    assert stage.relay.edges == [(0, True), (100, False), (500, True), (600, False), (1_000, True), (1_100, False)]
    assert stage.ended == [PlayerEnded("a")]


def test_the_first_edge_is_made_before_play_returns() -> None:
    """One wake-up less between the order and the bell."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 1_200))
    assert stage.relay.edges == [(0, True)]


def test_lateness_does_not_add_up() -> None:
    """Every edge is late by its own wake-up only: deadlines are absolute, never "sleep the gap" (drift 0)."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 60_000))
    stage.until(60_000, late_ms=3.0)
    offsets = {round(at_ms % 500, 3) for at_ms, on in stage.relay.edges[2:] if on}
    assert offsets == {3.0}


def test_a_stall_leaves_strokes_out_and_never_bunches_them() -> None:
    """After a hang of 2 s the play-head goes on where the time is; a burst of late blows would be another code."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 4_000))
    stage.relay.now_ms = 2_030.0
    stage.until(2_700)
    assert stage.relay.edges == [
        (0, True),
        (2_030, False),
        (2_030, True),
        (2_100, False),
        (2_500, True),
        (2_600, False),
    ]


def test_no_stroke_outlives_the_bell() -> None:
    """P2: below the logic, whatever the score says."""
    stage = Stage(longest_on_ms=400)
    stage.player.play(Performance("a", Score((Edge(0, True),), 0, (), 1_000), 0, 5_000))
    stage.until(6_000)
    assert stage.relay.edges == [(0, True), (400, False)]


def test_a_stroke_that_could_not_be_finished_is_not_begun() -> None:
    """The end of an activation never makes a short, weak blow."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 1_050))
    stage.until(2_000)
    assert stage.relay.edges[-2:] == [(500, True), (600, False)]
    assert stage.ended == [PlayerEnded("a")]


def test_stop_puts_the_relay_to_rest_at_once_and_reports_nothing() -> None:
    """R22: in the middle of a stroke."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 60_000))
    stage.until(530)
    stage.player.stop("a")
    stage.until(5_000)
    assert stage.relay.edges[-1] == (530, False)
    assert stage.ended == []


def test_a_stop_of_another_activation_changes_nothing() -> None:
    """P13: a late stop of what was already replaced does not end the newer one."""
    stage = Stage()
    stage.player.play(Performance("b", CYCLE, 0, 1_200))
    stage.player.stop("a")
    stage.until(2_000)
    assert len(stage.relay.edges) == 6


def test_prolonging_goes_on_without_a_seam() -> None:
    """P4: a cause that joins extends; no edge moves."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 1_200))
    stage.until(700)
    stage.player.prolong("a", 2_200)
    stage.until(3_000)
    assert [at_ms for at_ms, on in stage.relay.edges if on] == [0, 500, 1_000, 1_500, 2_000]


def test_a_relay_that_fails_ends_the_performance_and_says_so() -> None:
    """P1: rest in every exit path, and the book hears `failed`."""
    stage = Stage()
    stage.player.play(Performance("a", CYCLE, 0, 60_000))
    stage.until(300)
    stage.relay.fails = True
    stage.until(900)
    assert stage.ended == [PlayerEnded("a", "OSError: line gone")]
    assert stage.relay.on is False


def test_a_thread_that_ends_leaves_the_relay_at_rest() -> None:
    """P1: closing in the middle of a stroke, with the real thread."""
    stage = Stage()
    stage.player.start()
    stage.player.play(Performance("a", CYCLE, 0, 60_000))
    stage.player.close()
    assert stage.relay.on is False
    assert not stage.player.alive
