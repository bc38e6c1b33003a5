"""How often a password or a PIN may be tried: growing delays, a ceiling, and never a lock-out."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.hub.people.limits import ADDRESS, NAME, PIN, Limits, Rule, Tries, Wait, address_key, as_of, wait_ms

RULES = st.sampled_from([NAME, ADDRESS, PIN])
MOMENT = st.integers(0, 4_000_000_000_000)


def test_the_delay_doubles_up_to_its_ceiling() -> None:
    """Five tries at once, then 1, 2, 4 … 60 s after each."""
    assert [wait_ms(NAME, Tries(count, 0), 0) for count in range(4, 13)] == [
        0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip


@given(rule=RULES, count=st.integers(0, 10**6), last=MOMENT, now=MOMENT)
def test_nobody_is_ever_locked_out_for_longer_than_the_ceiling(rule: Rule, count: int, last: int, now: int) -> None:
    """However often somebody tried, and wherever the clock is put."""
    tries = as_of(rule, Tries(count, last), now)
    assert 0 <= wait_ms(rule, tries, now) <= rule.most_ms
    assert wait_ms(rule, tries, now + rule.most_ms) == 0


def test_a_clock_put_back_by_a_year_does_not_keep_anybody_out() -> None:
    """H22: the tries of the wrong future count from now on."""
    limits, year = Limits(), 365 * 86_400_000
    for _ in range(NAME.free):
        limits.take([("k", NAME)], year)
    with pytest.raises(Wait):
        limits.take([("k", NAME)], 1_000)
    assert limits.take([("k", NAME)], 1_000 + NAME.most_ms) == []


def test_a_million_pins_take_years() -> None:
    """Six digits, tried whenever it is allowed, day after day."""
    limits, now, tries = Limits(), 0, 0
    while now < 86_400_000:
        try:
            limits.take([("k", PIN)], now)
            tries += 1
        except Wait as wait:
            now += wait.wait_ms
    assert tries < 120


def test_tries_at_the_same_moment_are_each_counted() -> None:
    """A hundred threads at once get no more than the free ones."""
    limits, start, through = Limits(), threading.Barrier(40), list[int]()

    def attempt() -> None:
        start.wait(20)
        try:
            limits.take([("k", NAME)], 0)
        except Wait:
            return
        through.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(through) == NAME.free


def test_the_longest_wait_counts_and_the_others_are_not_counted_up() -> None:
    """A refused try is none."""
    limits = Limits()
    told = [limits.take([("a", NAME), ("b", ADDRESS)], 0) for _ in range(5)]
    assert told == [[], [], [], [], ["a"]]
    for _ in range(30):
        with pytest.raises(Wait) as wait:
            limits.take([("a", NAME), ("b", ADDRESS)], 0)
        assert wait.value.wait_ms == 1_000
    limits.forget("a")
    assert limits.take([("a", NAME), ("b", ADDRESS)], 0) == []


def test_old_tries_are_forgotten_and_right_ones_given_back() -> None:
    """A day later the count begins anew."""
    limits = Limits()
    for _ in range(NAME.free):
        limits.take([("k", NAME)], 0)
    limits.give_back("k")
    assert limits.take([("k", NAME)], 0) == ["k"]
    assert limits.take([("k", NAME)], NAME.forget_ms) == []
    limits.give_back("unknown")


def test_memory_is_bounded() -> None:
    """A flood of names does not eat the hub."""
    limits = Limits(room=3)
    for n in range(10):
        limits.take([(str(n), NAME)], 0)
    assert list(limits._tries) == ["7", "8", "9"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_line_is_one_address(text: str, key: str) -> None:
    """An IPv6 line has 2^64 addresses: they count as one."""
    assert address_key(text) == key
