"""The relay: at rest whenever nothing is performed (P1), never on too long (P2)."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic, monotonic_ns

import pytest

from kengd.belfry.relay import EDGES_KEPT, GRACE_MS, Relay
from kengd.belfry.simulated import SimulatedFactory
from kengd.errors import KengdError
from kengd.settings.plan import RelayPlan


@dataclass
class Clock:
    """A clock that stands until it is told."""

    now_ns: int = 5_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, ms: int) -> int:
        self.now_ns += ms * 1_000_000
        return self.now_ns


@dataclass
class Bench:
    """A relay on a simulated board with a clock of its own."""

    active_low: bool = False
    board: SimulatedFactory = field(default_factory=SimulatedFactory)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        plan = RelayPlan(17, active_low=self.active_low)
        self.relay = Relay(plan, self.board, longest_on_ms=400, clock_ns=self.clock)
        self.pin = self.board.pin(17)

    @property
    def closed(self) -> bool:
        """Is the relay's contact closed, electrically?"""
        return bool(self.pin.state) != self.active_low


@pytest.fixture(params=[False, True], ids=["active-high", "active-low"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(active_low=request.param)
    yield bench
    bench.relay.close()


def test_the_relay_is_claimed_at_rest_and_given_back_at_rest(bench: Bench) -> None:
    """P1, R9: at rest from the first moment to the last, for both polarities."""
    assert not bench.closed
    bench.relay.set(True)
    assert bench.closed
    bench.relay.rest()
    assert not bench.closed
    assert bench.relay.edges(0) == ((1, bench.clock.now_ns, True), (2, bench.clock.now_ns, False))


def test_an_edge_is_told_with_its_moment_and_only_once(bench: Bench) -> None:
    """`set` answers the ns of the edge; asking for what is so already makes no edge."""
    first = bench.relay.set(True)
    bench.clock.wait(5)
    assert bench.relay.set(True) == first
    second = bench.relay.set(False)
    assert second == first + 5_000_000
    bench.clock.wait(5)
    assert bench.relay.set(False) == second
    assert bench.relay.edges(0) == ((1, first, True), (2, second, False))
    assert bench.relay.edges(1) == ((2, second, False),)
    assert bench.relay.edges(2) == ()


def test_the_last_ten_thousand_edges_are_kept(bench: Bench) -> None:
    """GET /sim/edges: the oldest are forgotten, the order and numbers stay."""
    for n in range(EDGES_KEPT + 500):
        bench.clock.wait(1)
        bench.relay.set(n % 2 == 0)
    kept = bench.relay.edges(0)
    assert [n for n, _, _ in kept] == list(range(501, EDGES_KEPT + 501))
    assert [on for _, _, on in kept[-2:]] == [True, False]


def test_the_guard_ends_a_stroke_that_outlived_the_limit_of_the_bell(bench: Bench) -> None:
    """P2: below the player: whatever became of it, the stroke ends; a stroke in time is left alone."""
    bench.relay.set(True)
    due_ns = bench.relay.due_ns
    assert due_ns == bench.clock.now_ns + (400 + GRACE_MS) * 1_000_000
    assert not bench.relay.guard(bench.clock.wait(400 + GRACE_MS - 1))
    assert bench.closed
    assert bench.relay.guard(bench.clock.wait(1))
    assert not bench.closed
    assert not bench.relay.guard(bench.clock.wait(10_000))
    assert bench.relay.due_ns is None
    bench.relay.set(True)
    assert bench.closed


def test_rest_writes_even_when_it_should_be_at_rest(bench: Bench) -> None:
    """P1: whoever asks for rest gets a write to the pin, not an opinion."""
    bench.pin.state = not bench.active_low  # somebody else's fault
    bench.relay.rest()
    assert not bench.closed
    assert bench.relay.edges(0) == ()


class Broken(Exception):
    """What a failing pin raises."""


def failing(bench: Bench, monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    def fail(*_: object) -> None:
        raise Broken("no such device")

    for method in methods:
        monkeypatch.setattr(bench.pin, method, fail)


def test_a_relay_that_does_not_obey_is_an_error_in_vietnamese_and_rests(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P9's "failed": the player hears it; the pin is claimed anew at rest when writing fails."""
    bench.relay.set(True)
    with monkeypatch.context() as patch:
        failing(bench, patch, "_set_state")
        with pytest.raises(KengdError) as caught:
            bench.relay.set(False)
    assert caught.value.code == "relay_failed"
    assert not bench.closed
    assert not bench.relay.on
    assert not bench.relay.stuck


def test_rest_tries_every_way_and_never_raises(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P1, R21: write, write again, claim anew, give the pin up; then say `stuck`, and recover when the pin does."""
    bench.relay.set(True)
    with caplog.at_level(logging.CRITICAL, "kengd.relay"):
        with monkeypatch.context() as patch:
            failing(bench, patch, "_set_state", "output_with_state", "close")
            bench.relay.rest()
            assert bench.relay.stuck
        bench.relay.rest()
    assert not bench.relay.stuck
    assert not bench.closed


def test_rest_does_not_wait_for_a_thread_that_hangs_in_set(bench: Bench) -> None:
    """P1 in a hang: the lock is asked for, not insisted on."""
    bench.relay.set(True)
    with bench.relay._lock:
        began = monotonic()
        other = threading.Thread(target=bench.relay.rest)
        other.start()
        other.join(5)
        assert not other.is_alive()
        assert monotonic() - began < 2
    assert not bench.closed


def test_rest_after_close_is_harmless(bench: Bench) -> None:
    """Every exit path may call it, in any order."""
    bench.relay.set(True)
    bench.relay.close()
    bench.relay.rest()
    bench.relay.close()
    assert not bench.relay.on
    assert not bench.relay.stuck
    assert [on for _, _, on in bench.relay.edges(0)] == [True, False]


def test_edges_can_be_read_while_they_are_made() -> None:
    """The page reads the ring while the player writes it: no error, nothing torn, numbers without a gap."""
    relay = Relay(RelayPlan(17), SimulatedFactory(), longest_on_ms=400)
    done = threading.Event()

    def play() -> None:
        for n in range(30_000):
            relay.set(n % 2 == 0)
        done.set()

    thread = threading.Thread(target=play)
    thread.start()
    while not done.is_set():
        numbers = [n for n, _, _ in relay.edges(0)]
        assert not numbers or numbers[-1] - numbers[0] < EDGES_KEPT + 5
    thread.join()
    numbers = [n for n, _, _ in relay.edges(0)]
    assert numbers == list(range(20_001, 30_001))
    relay.close()


def test_each_edge_is_sent_as_one_byte_and_nobody_needs_to_listen() -> None:
    """gpio.edge_udp: "1" or "0" at each edge; a closed port is nobody's error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        port = listener.getsockname()[1]
        relay = Relay(RelayPlan(17), SimulatedFactory(), longest_on_ms=400, edge_udp=port)
        before = monotonic_ns()
        assert before <= relay.set(True) <= monotonic_ns()
        relay.set(True)
        relay.rest()
        relay.rest()
        assert [listener.recv(16) for _ in range(2)] == [b"1", b"0"]
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(16)
    for n in range(20):
        relay.set(n % 2 == 0)
    relay.close()
