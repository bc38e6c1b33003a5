"""How long the line waits, with time given."""

from __future__ import annotations

import errno
import os
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.uplink.line import FaultCode, fault_of
from kengd.uplink.patience import Backoff, DeadMan


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)),
        socket.gaierror(-2, "Name or service not known"),
        TimeoutError("timed out"),
    ],
)
def test_why_the_line_is_down_is_said_without_the_systems_numbers(error: OSError) -> None:
    """A keeper reads it beside the cure."""
    told = fault_of(error)
    assert "Errno" not in told.vi + told.en and "[" not in told.vi and told.vi.endswith(")")


def test_the_first_tries_of_an_outage_come_within_a_second_and_later_ones_grow_to_half_a_minute() -> None:
    """Back within 1 s of a broker's restart, yet a commune without broker is not hammered."""
    backoff, now_s, delays = Backoff(0.0), 0.0, []
    for _ in range(60):
        delays.append(backoff.delay_s("unreachable", now_s, 0.99))
        now_s += delays[-1]
    quick = [delay for delay in delays if delay < 0.75]
    assert 19 <= len(quick) <= 22
    assert delays[: len(quick)] == quick
    slow = delays[len(quick) :]
    assert slow == sorted(slow)
    assert 29 < slow[-1] <= 30


@settings(deadline=None)
@given(st.floats(0, 0.999), st.floats(0, 0.999))
def test_jitter_spreads_a_commune_over_more_than_half_a_second(one: float, other: float) -> None:
    """The library's own backoff has no jitter: all posts would come back in one moment."""
    delays = [Backoff(0.0).delay_s("lost", 1.0, jitter) for jitter in (one, other)]
    assert all(0.15 <= delay < 0.75 for delay in delays)
    assert abs(delays[0] - delays[1]) >= abs(one - other) * 0.59 - 1e-9


@settings(deadline=None)
@given(st.lists(st.sampled_from(["lost", "refused", "taken_over", "silent", "tls"]), max_size=200), st.floats(0, 0.999))
def test_no_wait_is_ever_longer_than_half_a_minute(codes: list[FaultCode], jitter: float) -> None:
    """Whatever happened before."""
    backoff = Backoff(0.0)
    assert all(0 < backoff.delay_s(code, 20.0 * n, jitter) <= 30 for n, code in enumerate(codes))


def test_a_line_that_had_been_up_is_tried_at_once_again() -> None:
    """A new outage after a night of silence begins with quick tries."""
    backoff = Backoff(0.0)
    assert backoff.delay_s("unreachable", 100.0, 0.5) > 0.75
    assert backoff.lost(up_for_s=3_600.0, now_s=4_000.0) is False
    assert backoff.delay_s("lost", 4_000.0, 0.5) < 0.75


def test_a_line_that_is_cut_short_again_and_again_is_tried_more_rarely() -> None:
    """Two posts of one name, seen only as short lives."""
    backoff = Backoff(0.0)
    answers = [backoff.lost(up_for_s=0.3, now_s=float(n)) for n in range(6)]
    assert answers == [False] * 4 + [True] * 2
    delays = [backoff.delay_s("unsteady", 6.0 + n, 0.5) for n in range(9)]
    assert delays == sorted(delays)
    assert delays[-1] > 20
    assert backoff.lost(up_for_s=400.0, now_s=500.0) is False
    assert backoff.delay_s("lost", 500.0, 0.5) < 0.75


def live(now_s: float = 0.0, *, repeat: bool = True) -> DeadMan:
    """A line that is up and quiet since `now_s`."""
    dead_man = DeadMan(8, repeat, now_s)
    dead_man.accepted()
    dead_man.asked(1, now_s)
    assert dead_man.confirmed(1)
    dead_man.heard(now_s)
    return dead_man


def test_a_quiet_line_is_given_up_thirteen_seconds_after_the_last_byte() -> None:
    """R5: keepalive 8 s (the library pings then) and 5 s for the answer."""
    assert [live().silent(now_s) for now_s in (12.9, 13.1)] == [False, True]


def test_an_unanswered_publish_is_enough_after_five_seconds_of_silence() -> None:
    """R5: but not while bytes of other messages keep coming."""
    dead_man = live()
    dead_man.sent(1, 1.0)
    assert [dead_man.silent(now_s) for now_s in (5.9, 6.1)] == [False, True]
    dead_man.heard(6.0)
    assert dead_man.silent(6.1) is False
    dead_man.delivered(1)
    dead_man.heard(6.2)
    assert dead_man.silent(12.0) is False


def test_a_publish_without_puback_for_a_minute_ends_the_line_although_bytes_come() -> None:
    """R5: a broker that answers pings but nothing else."""
    dead_man = live()
    dead_man.sent(1, 0.0)
    for now_s in range(1, 61):
        dead_man.heard(float(now_s))
        assert dead_man.silent(float(now_s)) is False
    dead_man.heard(60.5)
    assert dead_man.silent(60.5) is True


def test_a_broker_that_accepts_the_socket_and_says_nothing_gets_twenty_seconds() -> None:
    """No CONNACK."""
    assert [DeadMan(8, True, 0.0).silent(now_s) for now_s in (19.9, 20.1)] == [False, True]


def test_the_subscription_is_asked_for_again_every_five_minutes_on_mqtt_5_only() -> None:
    """R4, R5: on 3.1.1 each repetition would bring the retained messages again."""
    assert [live().wants_to_ask(now_s) for now_s in (299.0, 301.0)] == [False, True]
    assert live(repeat=False).wants_to_ask(301.0) is False
    dead_man = live()
    dead_man.asked(2, 301.0)
    assert dead_man.wants_to_ask(400.0) is False
    assert dead_man.silent(307.0) is True
    assert dead_man.confirmed(1) is False
    assert dead_man.confirmed(2) is True
