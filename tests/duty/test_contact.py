"""The contact filter: what is a press, and what is water in a button (R17, R18, R29, R67, H15)."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.contact import CHATTER, HELD_AT_BOOT, HUSH_RULES, STUCK, Contact, ContactRules, begin, rules_for, turn

ALARM = ContactRules(hold_ms=1_000)


@dataclass
class Bench:
    """A contact on a bench with its own time: drives levels, takes every wake-up in time, notes what happened."""

    rules: ContactRules = ALARM
    level: bool = False
    now_ms: int = 1_000_000
    told: list[tuple[int, str]] = field(default_factory=list)
    asleep: bool = False

    def __post_init__(self) -> None:
        self.start_ms = self.now_ms
        self.contact, _, self.wake_ms = begin(self.rules, self.level, self.now_ms)

    def look(self) -> None:
        before = self.contact.conditions
        self.contact, outcome, self.wake_ms = turn(self.rules, self.contact, self.level, self.now_ms)
        at_ms = self.now_ms - self.start_ms
        if outcome:
            self.told.append((at_ms, outcome))
        self.told += [(at_ms, f"+{code}") for code in self.contact.conditions if code not in before]
        self.told += [(at_ms, f"-{code}") for code in before if code not in self.contact.conditions]
        assert self.wake_ms is None or self.wake_ms > self.now_ms

    def wait(self, ms: int) -> Bench:
        until_ms = self.now_ms + ms
        while not self.asleep and self.wake_ms is not None and self.wake_ms <= until_ms:
            self.now_ms = self.wake_ms
            self.look()
        self.now_ms = until_ms
        return self

    def put(self, level: bool) -> Bench:
        self.level = level
        self.look()
        return self

    def press(self, ms: int) -> Bench:
        return self.put(True).wait(ms).put(False)


def test_a_held_press_is_heard_at_once_and_fires_when_the_hold_is_complete() -> None:
    """R17: fires after 1 s of continuous level, not at the first edge; the lamp knows at once."""
    assert Bench().press(1_500).wait(10_000).told == [(0, "heard"), (1_000, "fired")]


def test_a_press_that_is_too_short_fires_nothing_and_the_next_one_is_not_lost() -> None:
    """R18: no press vanishes because of the one before."""
    told = Bench().press(900).wait(100).press(1_200).wait(5_000).told
    assert told == [(0, "heard"), (1_000, "heard"), (2_000, "fired")]


def test_a_hold_that_is_one_millisecond_short_fires_nothing() -> None:
    """R17: the hold is the whole hold, also when a change makes us look just before its end."""
    assert Bench().press(999).wait(5_000).told == [(0, "heard")]
    assert Bench().press(1_000).wait(5_000).told == [(0, "heard"), (1_000, "fired")]


def test_a_break_of_one_millisecond_starts_the_hold_anew() -> None:
    """R17: continuous means continuous; it is still one press, heard once."""
    bench = Bench().put(True).wait(990).put(False).wait(1).put(True).wait(999)
    assert bench.told == [(0, "heard")]
    assert bench.wait(1).told == [(0, "heard"), (1_991, "fired")]


def test_a_bouncing_press_is_one_press() -> None:
    """Edges of an honest contact within 20 ms: one heard, one fired, no condition."""
    bench = Bench()
    for level in [True, False] * 10:
        bench.put(level).wait(1)
    bench.put(True).wait(1_500).put(False).wait(10_000)
    assert bench.told == [(0, "heard"), (1_020, "fired")]


def test_one_press_fires_once_however_long_it_is_held_and_however_it_is_let_go() -> None:
    """P3: one press begins one activation; bounce at release begins none."""
    bench = Bench().put(True).wait(20_000)
    for level in [False, True] * 5:
        bench.put(level).wait(3)
    assert bench.put(False).wait(10_000).told == [(0, "heard"), (1_000, "fired")]


def test_after_letting_go_a_new_press_fires_again() -> None:
    """P3, P13: a new press always rings again."""
    assert Bench().press(1_100).wait(60).press(1_100).told == [
        (0, "heard"),
        (1_000, "fired"),
        (1_160, "heard"),
        (2_160, "fired"),
    ]


def test_a_press_whose_hold_was_complete_fires_even_if_we_looked_late() -> None:
    """P3: the machine was busy for 3 s; the stamps of press and release prove the press."""
    bench = Bench(asleep=True).press(1_500)
    assert bench.told == [(0, "heard"), (1_500, "fired")]


def test_a_stamp_older_than_our_last_look_counts_as_now() -> None:
    """An edge that comes late through the queue cannot turn the time back."""
    bench = Bench().wait(500)
    bench.look()
    bench.now_ms -= 3
    bench.put(True)
    assert bench.contact.since_ms == bench.start_ms + 500


def test_a_button_held_at_boot_is_a_condition_and_no_trigger() -> None:
    """R29: a button held at start fires nothing, is named after half a second, and works after it was let go."""
    bench = Bench(level=True).wait(5_000).put(False).wait(300).press(1_000).wait(6_000)
    assert bench.told == [(500, f"+{HELD_AT_BOOT}"), (5_300, "heard"), (6_300, "fired"), (11_300, f"-{HELD_AT_BOOT}")]


def test_a_wire_that_charges_after_start_is_not_a_button_held_at_boot() -> None:
    """A pull-up needs some ms to lift a long wire with its capacitor: no condition for that."""
    assert Bench(level=True).wait(80).put(False).wait(10_000).told == []


def test_a_flicker_of_a_button_held_at_boot_is_still_no_press() -> None:
    """R29: only a rest of 0.3 s ends the hold that was there at start."""
    bench = Bench(level=True).wait(100).put(False).wait(200).put(True).wait(10_000)
    assert bench.told == [(500, f"+{HELD_AT_BOOT}")]


def test_a_button_that_stays_active_becomes_stuck_and_clears_when_calm() -> None:
    """R67: stuck 30 s after firing, cleared after 5 s of rest, and it works again."""
    bench = Bench().put(True).wait(40_000).put(False).wait(8_000)
    assert bench.told == [(0, "heard"), (1_000, "fired"), (31_000, f"+{STUCK}"), (45_000, f"-{STUCK}")]
    assert bench.press(1_000).told[-2:] == [(48_000, "heard"), (49_000, "fired")]


def test_a_button_held_from_boot_on_becomes_stuck() -> None:
    """R29, R67: both conditions, no trigger."""
    assert Bench(level=True).wait(60_000).told == [(500, f"+{HELD_AT_BOOT}"), (30_000, f"+{STUCK}")]


def flicker(bench: Bench, ms: int, half_ms: int) -> Bench:
    for _ in range(ms // (2 * half_ms)):
        bench.put(True).wait(half_ms).put(False).wait(half_ms)
    return bench


def test_water_in_a_button_is_a_condition_and_no_trigger() -> None:
    """R67, H15: fast flicker for a minute and then a solid bridge: one condition, then stuck, never fired."""
    bench = flicker(Bench(), 60_000, 7).put(True).wait(60_000)
    assert [what for _, what in bench.told] == ["heard", f"+{CHATTER}", f"+{STUCK}"]


def test_a_slow_endless_flicker_is_chatter_too() -> None:
    """STACK: a corroded contact that never rests long enough reports nothing by itself; after 10 s it is named."""
    bench = flicker(Bench(), 12_000, 100)
    assert [what for _, what in bench.told if what != "heard"] == [f"+{CHATTER}"]


def test_a_keeper_who_hammers_in_panic_and_then_holds_is_heard() -> None:
    """Eight blows a second with a bouncing contact are a person, not water: the hold that follows fires."""
    bench = Bench()
    for _ in range(16):
        for level in (True, False, True):
            bench.put(level).wait(2)
        bench.wait(56).put(False).wait(62)
    bench.put(True).wait(1_000)
    assert bench.told[-1] == (16 * 124 + 1_000, "fired")
    assert bench.contact.conditions == ()


def test_after_chatter_has_settled_for_a_moment_a_clean_press_fires() -> None:
    """P3: a fault never makes a button deaf for good."""
    bench = flicker(Bench(), 5_000, 7).wait(300).press(1_000)
    assert bench.told[-1][1] == "fired"


def test_a_hush_acts_after_40_ms() -> None:
    """Figure "stop → relay at rest ≤ 50 ms local" leaves 10 ms for the rest of the way."""
    assert Bench(HUSH_RULES).press(60).told == [(0, "heard"), (40, "fired")]
    assert rules_for("hush", 1_000) == HUSH_RULES
    assert rules_for("alarm", 700).hold_ms == 700


def test_a_spike_on_the_wire_hushes_nothing() -> None:
    """R17: 30 ms of a motor starting next door is no hush."""
    assert Bench(HUSH_RULES).press(30).wait(5_000).told == [(0, "heard")]


def test_a_stuck_hush_hushes_once() -> None:
    """A hush that hangs ends one alarm, not the next one: only a fresh press acts."""
    assert [what for _, what in Bench(HUSH_RULES).put(True).wait(600_000).told] == ["heard", "fired", f"+{STUCK}"]


def test_a_hush_held_at_boot_hushes_nothing() -> None:
    """R29 for the hush button."""
    assert "fired" not in [what for _, what in Bench(HUSH_RULES, level=True).wait(600_000).told]


def test_a_wet_hush_cannot_silence_alarm_after_alarm() -> None:
    """H8: a hush flickering ten times a second for ten minutes acts in its first second at most."""
    bench = flicker(Bench(HUSH_RULES), 600_000, 50)
    assert max(at_ms for at_ms, what in bench.told if what == "fired") <= 1_000


ANY_LEVELS = st.lists(
    st.tuples(st.one_of(st.integers(0, 60), st.integers(0, 2_000), st.integers(0, 60_000)), st.booleans()), max_size=60
)
FLICKER = st.lists(st.integers(1, 70), min_size=20, max_size=90).map(
    lambda waits: [(wait_ms, n % 2 == 0) for n, wait_ms in enumerate(waits)]
)
LEVELS = st.lists(st.one_of(ANY_LEVELS, FLICKER), max_size=3).map(
    lambda parts: [step for part in parts for step in part]
)
RULES = st.sampled_from([ALARM, ContactRules(hold_ms=300), ContactRules(hold_ms=3_000), HUSH_RULES])


def continuous_ms(steps: list[tuple[int, bool]], start: bool, at_ms: int) -> int:
    """How long the level had been active without a break at `at_ms`, from the plain list of levels."""
    since_ms, level, now_ms = (0 if start else None), start, 0
    for wait_ms, upcoming in steps:
        now_ms += wait_ms
        if now_ms > at_ms:
            break
        if upcoming != level:
            if now_ms == at_ms and level:
                break
            level, since_ms = upcoming, (now_ms if upcoming else None)
    return -1 if since_ms is None else at_ms - since_ms


def play(rules: ContactRules, start: bool, steps: list[tuple[int, bool]], *, asleep: bool = False) -> Bench:
    bench = Bench(rules, start, asleep=asleep)
    for wait_ms, level in steps:
        bench.wait(wait_ms).put(level)
    return bench


@given(RULES, st.booleans(), LEVELS)
def test_whatever_the_edges_a_fire_follows_a_whole_hold(
    rules: ContactRules, start: bool, steps: list[tuple[int, bool]]
) -> None:
    """R17 over any sequence: at each fire the level had been active for the whole hold without a break."""
    bench = play(rules, start, steps).wait(100_000)
    for at_ms, what in bench.told:
        if what == "fired":
            assert continuous_ms(steps, start, at_ms) >= rules.hold_ms


@given(RULES, st.booleans(), LEVELS, st.booleans())
def test_whatever_the_edges_one_press_fires_once(
    rules: ContactRules, start: bool, steps: list[tuple[int, bool]], asleep: bool
) -> None:
    """P3 over any sequence: between two fires the level was at rest for release_ms without a break."""
    bench = Bench(rules, start, asleep=asleep)
    rested, rest_from_ms, fires = True, None if start else bench.now_ms, 0
    for wait_ms, level in [*steps, (100_000, False)]:
        until_ms = bench.now_ms + wait_ms
        if rest_from_ms is not None and until_ms - rest_from_ms >= rules.release_ms:
            rested = True
        bench.wait(wait_ms).put(level)
        now = sum(what == "fired" for _, what in bench.told)
        if now > fires:
            assert now == fires + 1
            assert rested
            fires, rested = now, False
        rest_from_ms = None if level else (bench.now_ms if rest_from_ms is None else rest_from_ms)


@given(RULES, st.booleans(), LEVELS)
def test_whatever_came_before_a_clean_press_fires_exactly_once(
    rules: ContactRules, start: bool, steps: list[tuple[int, bool]]
) -> None:
    """P3 over any sequence: after a moment of rest (0.3 s) a clean press fires, whatever the contact did before."""
    bench = play(rules, start, steps).put(False).wait(rules.settle_ms)
    bench.told.clear()
    bench.press(rules.hold_ms).wait(10_000)
    assert [what for _, what in bench.told if not what.startswith("-")] == ["heard", "fired"]
    assert bench.contact.conditions == ()


@given(RULES, st.booleans(), LEVELS)
@settings(max_examples=50)
def test_looking_again_at_any_moment_changes_nothing(
    rules: ContactRules, start: bool, steps: list[tuple[int, bool]]
) -> None:
    """The tower may re-read a level as often as it likes: only changes and time count."""
    lazy, busy = play(rules, start, steps), Bench(rules, start)
    for wait_ms, level in steps:
        busy.wait(wait_ms // 3)
        busy.look()
        busy.wait(wait_ms - wait_ms // 3).put(level)
        busy.look()
    assert busy.told == lazy.told
    assert busy.contact == lazy.contact


def test_a_contact_that_rests_asks_for_no_wake_up() -> None:
    """Nothing runs on an idle post."""
    contact, _, wake_ms = begin(ALARM, False, 0)
    assert wake_ms is None
    assert turn(ALARM, contact, False, 10**9).wake_ms is None
    assert isinstance(contact, Contact)
