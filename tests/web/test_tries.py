"""PINs tried by whoever is on the village's Wi-Fi: how many a day, and that a villager's guesses do not shut out the keeper."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.words import Instant
from kengd.web.tries import ADDRESS, ALL, DAY_MS, FIRST_SHARE, FIRST_SHARES, Tries, key_of

HOUR_MS = 3_600_000
ATTEMPTS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, HOUR_MS)), max_size=300)
MOST_A_DAY = FIRST_SHARES + ALL.free + DAY_MS // ALL.most_ms + 10
"""All addresses together: first shares, free tries, one in fifteen minutes, and the few while the delay still grows."""


def tried(tries: Tries, address: str, now_ms: int, known: str | None = None) -> bool:
    """A wrong PIN; whether it was looked at."""
    if tries.wait_ms(address, known, now_ms):
        return False
    tries.count(address, known, now_ms)
    return True


def guess_all_day(tries: Tries, addresses: int, each_ms: int = 5_000) -> int:
    """From so many addresses in turn, as often as it is let; how many PINs were looked at."""
    return sum(tried(tries, f"a{n % addresses}", n * each_ms) for n in range(DAY_MS // each_ms))


def restarted(tries: Tries, now_ms: int, *, off_ms: int = 0, clock_ms: int = 0) -> Tries:
    """The post came up again: its monotonic clock goes on here, its wall clock by `off_ms`, wrong by `clock_ms`."""
    again = Tries()
    again.take_up(
        tries.kept(Instant(now_ms, 10 * DAY_MS + now_ms)), Instant(now_ms, 10 * DAY_MS + now_ms + off_ms + clock_ms)
    )
    return again


def test_one_address_tries_a_hundred_pins_a_day() -> None:
    """Of a million: the free tries, then a delay that doubles up to a quarter of an hour."""
    tries, looked_at, waits = Tries(), 0, []
    for now_ms in range(0, DAY_MS, 1_000):
        if tried(tries, "a", now_ms):
            looked_at += 1
            waits.append(tries.wait_ms("a", None, now_ms))
    assert looked_at <= ADDRESS.free + DAY_MS // ADDRESS.most_ms + 10
    assert waits[:3] == [0, 0, 0] and waits[ADDRESS.free - 1] == ADDRESS.first_ms and waits[-1] == ADDRESS.most_ms
    assert waits == sorted(waits)


def test_many_addresses_are_no_more_than_one() -> None:
    """A neighbourhood of phones, or one phone with two hundred addresses."""
    assert guess_all_day(Tries(), 250) <= MOST_A_DAY


@settings(max_examples=60, deadline=None)
@given(ATTEMPTS)
def test_whatever_the_addresses_and_the_pace_a_day_is_bounded(attempts: list[tuple[int, int]]) -> None:
    """Any order of any addresses at any times within one day."""
    tries, now_ms, looked_at = Tries(), 0, 0
    for address, after_ms in attempts:
        now_ms += after_ms % 600_000
        if now_ms >= DAY_MS:
            break
        looked_at += tried(tries, f"a{address}", now_ms)
    assert looked_at <= MOST_A_DAY


@settings(max_examples=60, deadline=None)
@given(ATTEMPTS)
def test_a_delay_is_never_longer_than_a_quarter_of_an_hour_and_is_kept(attempts: list[tuple[int, int]]) -> None:
    """After the wait that was told, the same address may try, if nobody else took the turn."""
    tries, now_ms = Tries(), 0
    for address, after_ms in attempts:
        now_ms += after_ms
        wait_ms = tries.wait_ms(f"a{address}", None, now_ms)
        assert 0 <= wait_ms <= ALL.most_ms
        assert tries.wait_ms(f"a{address}", None, now_ms + wait_ms) == 0
        tried(tries, f"a{address}", now_ms)


def test_a_villager_who_guesses_does_not_shut_out_the_keepers_new_phone() -> None:
    """H8: all day long from one address; the keeper's first tries wait for nobody."""
    tries = Tries()
    guess_all_day(tries, 1)
    now_ms = DAY_MS
    assert [tried(tries, "keeper", now_ms + n) for n in range(FIRST_SHARE)] == [True] * FIRST_SHARE
    assert 0 < tries.wait_ms("a0", None, now_ms) <= ADDRESS.most_ms


def test_a_device_that_was_signed_in_waits_for_nobody_even_when_all_first_shares_are_spent() -> None:
    """Two hundred addresses have used them up; another strange phone waits, the keeper's own does not."""
    tries = Tries()
    guess_all_day(tries, 250)
    assert tries.wait_ms("new", None, DAY_MS - 1) > 0
    assert tries.wait_ms("new", "device", DAY_MS - 1) == 0
    for n in range(ADDRESS.free):
        assert tried(tries, "new", DAY_MS + n, known="device")
    assert tries.wait_ms("new", "device", DAY_MS + ADDRESS.free) > 0


def test_a_right_pin_takes_back_nothing_but_itself() -> None:
    """A keeper who mistypes four times waits for nothing; one who guesses another's PIN between right ones of his own does."""
    for address, known in (("a", None), ("a", key_of("Ông Thái", "d"))):
        tries = Tries()
        for n in range(ADDRESS.free - 1):
            assert tried(tries, address, 2 * n, known) and tries.wait_ms(address, known, 2 * n + 1) == 0
            tries.count(address, known, 2 * n + 1)
            tries.right()
        assert tries.wait_ms(address, known, 100) == 0
        tried(tries, address, 100, known)
        assert tries.wait_ms(address, known, 100) == ADDRESS.first_ms


def test_a_further_device_of_a_keeper_begins_with_his_wrong_tries() -> None:
    """Or each sign-in without the cookie would bring five more guesses; nobody else's devices have them."""
    tries = Tries()
    for n in range(ADDRESS.free):
        tried(tries, "a", n, key_of("Ông Thái", "1"))
    for keeper, device in (("Ông Thái", "2"), ("Ông Th", "3"), ("Bà Hoà", "4")):
        tries.begin(keeper, key_of(keeper, device), 10)
    waits = [tries.wait_ms("a", key_of(*one), 10) > 0 for one in (("Ông Thái", "2"), ("Ông Th", "3"), ("Bà Hoà", "4"))]
    assert waits == [True, False, False]


def test_after_a_day_without_a_try_all_is_forgotten() -> None:
    """Nothing is kept for longer than it is needed."""
    tries = Tries()
    guess_all_day(tries, 250, each_ms=60_000)
    assert tries.wait_ms("a0", None, 3 * DAY_MS) == 0
    assert sum(tried(tries, "new", 3 * DAY_MS + n) for n in range(20)) == ADDRESS.free


def test_pulling_the_plug_brings_no_more_guesses() -> None:
    """Whoever can make the post restart, and comes from ever new addresses: a day is as bounded as without it."""
    tries, looked_at = Tries(), 0
    for n in range(DAY_MS // 20_000):
        looked_at += tried(tries, f"a{n}", n * 20_000)
        tries = restarted(tries, n * 20_000 + 1)
    assert looked_at <= MOST_A_DAY
    assert 0 < tries.wait_ms("new", None, DAY_MS - 1) <= ALL.most_ms
    assert tries.wait_ms("new", key_of("Ông Thái", "d"), DAY_MS - 1) == 0


def test_a_keepers_own_wrong_tries_outlive_a_restart_on_each_of_his_devices() -> None:
    """He may pull the plug too. Nobody else's devices have them."""
    tries = Tries()
    for n in range(ADDRESS.free + 3):
        tries.count("a", key_of("Ông Thái", "1"), n)
    again = restarted(restarted(tries, 10), 10)
    waits = {
        one: again.wait_ms("a", key_of(*one), 10) for one in (("Ông Thái", "1"), ("Ông Thái", "2"), ("Bà Hoà", "3"))
    }
    assert waits == {("Ông Thái", "1"): 15_997, ("Ông Thái", "2"): 15_997, ("Bà Hoà", "3"): 0}
    again.begin("Ông Thái", key_of("Ông Thái", "4"), 10)
    assert again.wait_ms("a", key_of("Ông Thái", "4"), 10) > 0


def test_what_was_kept_ages_by_the_wall_clock_and_one_that_went_back_makes_nothing_older() -> None:
    """A post without a clock chip comes up in the past: the delay begins anew, and no keeper waits for years."""
    tries = Tries()
    for n in range(FIRST_SHARES + ALL.free + 8):
        tries.count(f"a{n}", None, 0)
    whole = tries.wait_ms("new", None, 0)
    assert whole > 0
    assert restarted(tries, 0, off_ms=100_000).wait_ms("new", None, 0) == whole - 100_000
    assert restarted(tries, 0, off_ms=DAY_MS).wait_ms("new", None, 0) == 0
    assert restarted(tries, 0, clock_ms=-9 * DAY_MS).wait_ms("new", None, 0) == whole


@given(
    st.text() | st.sampled_from(["", "null", "[]", "{}", '{"all":[1e999,0],"first":[],"keepers":{}}', '{"all":[1]}'])
)
def test_a_spoilt_text_is_none(text: str) -> None:
    """The card is old: the page comes up all the same."""
    tries = Tries()
    tries.take_up(text, Instant(0, 0))
    assert tries.wait_ms("a", None, 0) == 0


def test_what_is_kept_is_small_however_many_have_tried() -> None:
    """It is written after each wrong try: no addresses, no devices, at most the first shares and the keepers."""
    tries = Tries()
    for n in range(2_000):
        tries.count(f"2001:db8:0:{n:x}", None, n)
        tries.count("a", key_of(f"Người giữ kẻng {n % 10}", str(n)), n)
    assert len(tries.kept(Instant(2_000, 1_790_000_000_000)).encode()) < 2_048
