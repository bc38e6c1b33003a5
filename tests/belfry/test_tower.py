"""The tower on virtual time: what is done in which order. Real player and spool, a fake relay, a listener that remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.belfry.player import Player, PlayerEnded
from kengd.belfry.spool import Spool
from kengd.belfry.tower import Tower
from kengd.bellcode.layout import slow_roll
from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty.precedence import Verdict
from kengd.duty.words import HushOrder, Instant, Purpose, Source, Stamped, Trigger
from kengd.intercom import BelfryState
from kengd.settings.plan import BelfryPlan, LampPlan, Limits, RelayPlan, SignalPlan

CYCLE = Score((), 0, (Edge(0, True), Edge(120, False)), 1_000)
ONCE = Score((Edge(0, True), Edge(120, False)), 120)
TWICE = Score((*ONCE.lead, Edge(1_000, True), Edge(1_120, False)), 1_120)
WALL_MS = 1_800_000_000_000


def plan(directory: Path) -> BelfryPlan:
    return BelfryPlan(
        commune="cong-lac",
        post_id="p1",
        name="Điểm kẻng",
        villages=(),
        state_dir=str(directory),
        run_dir=str(directory),
        pins="simulated",
        relay=RelayPlan(17),
        buttons=(),
        lamps=LampPlan(),
        inputs=(),
        profile=StrikerProfile(),
        limits=Limits(),
        signals=(
            SignalPlan("alarm", Kind.ALARM, "báo động", CYCLE),
            SignalPlan("curfew", Kind.CURFEW, "báo yên", TWICE),
        ),
        drill_prefix=ONCE,
        slow_roll=slow_roll(StrikerProfile()),
        codebook_version=0,
        timetable_version=0,
    )


class House:
    """One belfry on virtual time; `log` holds what happened, in order: edges, spool writes, what listeners were told."""

    def __init__(self, directory: Path, *, has_proof: bool = False) -> None:
        self.directory = directory
        self.mono_ms = 10_000
        self.wall_offset_ms = WALL_MS
        self.has_proof = has_proof
        self.log: list[str] = []
        self.on = False
        self.ended: list[PlayerEnded] = []
        self.begin()

    def begin(self, boot: str = "boot-1") -> None:
        self.player = Player(self, self.ended.append, longest_on_ms=400, monotonic=lambda: self.mono_ms / 1000)
        self.spool = Spool(self.directory, boot, "x")
        write = self.spool.put

        def put(*args: object, **more: object) -> list[Stamped]:
            records = write(*args, **more)  # type: ignore[arg-type]
            self.log += [f"spool {record.draft.kind.value} {record.draft.reason or ''}".strip() for record in records]
            return records

        self.spool.put = put  # type: ignore[method-assign]
        self.tower = Tower(plan(self.directory), self.player, self.spool, self.now, self, has_proof=self.has_proof)

    def now(self) -> Instant:
        return Instant(self.mono_ms, self.mono_ms + self.wall_offset_ms)

    def set(self, on: bool) -> int:
        if on != self.on:
            self.log.append("relay on" if on else "relay off")
        self.on = on
        return 0

    def rest(self) -> None:
        self.set(False)

    def spooled(self, records: list[Stamped]) -> None:
        self.log.append(f"told {len(records)}")

    def state(self, state: BelfryState) -> None:
        self.log.append(f"state {'ringing' if state.sounding else 'quiet'}")

    def wait(self, ms: int) -> None:
        end_ms = self.mono_ms + ms
        while self.mono_ms < end_ms:
            due = [self.player._advance() or end_ms, self.tower.next_wake_ms() or end_ms, end_ms]
            self.mono_ms = int(min(max(wake, self.mono_ms + 1) for wake in due))
            self.player._advance()
            while self.ended:
                self.tower.played_out(self.ended.pop())
            self.tower.turn()

    def ask(self, signal: str = "alarm", name: str = "a", **more: object) -> Verdict | None:
        source = more.pop("source", Source.BUTTON)
        trigger = Trigger(name, signal, Purpose.ACTUAL, source, self.mono_ms, **more)  # type: ignore[arg-type]
        return self.tower.ring(trigger).verdict

    def kinds(self) -> list[tuple[str, str | None]]:
        return [(record.draft.kind.value, record.draft.reason) for record in self.spool.pending]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_what_must_survive_is_in_the_spool_before_the_first_edge(house: House) -> None:
    """P5, P6, P7: spool first, then the bell, then everybody else; the state before the entries (it is what the hub shows)."""
    house.ask(key="jti-1", command_id="jti-1", source=Source.HUB)
    assert house.log == ["spool received", "spool ringing", "relay on", "state ringing", "told 2"]
    assert house.spool.holds("jti-1")


def test_a_press_in_the_instant_in_which_an_alarm_ends_rings_on(house: House) -> None:
    """P3, P4: the player was done and its word still on the way when the press joined; the bell was silent and "cut"."""
    house.ask()
    house.mono_ms = 10_000 + 180_000
    house.player._n = 100_000  # it slept through the last strokes
    house.player._advance()
    assert [ended.activation for ended in house.ended] == ["a"]
    assert house.ask(name="b") is Verdict.JOIN
    house.log.clear()
    house.tower.played_out(house.ended.pop())
    house.wait(3_500)
    assert house.log.count("relay on") == 4
    assert ("cut", "hard_limit") not in house.kinds()
    house.wait(300_000)
    assert not house.on
    assert house.kinds()[-2:] == [("finished", None), ("cut", "hard_limit")]


def test_the_same_key_rings_once(house: House) -> None:
    """P5: the second delivery moves nothing and writes nothing."""
    house.ask(key="jti-1", command_id="jti-1", source=Source.HUB)
    house.log.clear()
    assert house.ask(name="b", key="jti-1", command_id="jti-1", source=Source.HUB) is Verdict.REFUSE
    assert house.log == []


def test_a_hush_strikes_the_resume_record_before_the_relay_goes_to_rest(house: House) -> None:
    """P13: a crash just after the hush cannot bring the alarm back."""
    house.ask()
    struck_at: list[bool] = []
    house.rest = lambda: struck_at.append(house.spool.resume is None)  # type: ignore[method-assign]
    house.tower.hush(HushOrder(Source.BUTTON, house.mono_ms))
    assert struck_at[0] is True


def test_an_alarm_ends_by_itself_and_asks_for_a_new_press(house: House) -> None:
    """P2, H10, H20: three minutes, then `finished`, the relay at rest, the lamp "bấm lại"."""
    house.ask()
    house.wait(181_000)
    assert house.kinds() == [("ringing", None), ("finished", None)]
    assert house.on is False
    assert house.tower.news.press_again_until_ms > house.mono_ms
    assert house.spool.resume is None


def test_an_alarm_that_was_hushed_does_not_ask_for_a_new_press(house: House) -> None:
    """H10: whoever hushed knows why it is quiet."""
    house.ask()
    house.wait(1_000)
    house.tower.hush(HushOrder(Source.BUTTON, house.mono_ms))
    assert house.tower.news.press_again_until_ms <= house.mono_ms


def test_after_a_crash_an_alarm_resumes_once_and_then_is_cut(house: House) -> None:
    """R19 as decided: one resume within the boot with the time that is left; the second crash ends it, written."""
    house.ask()
    house.wait(1_500)
    house.begin()
    house.tower.resume_or_report()
    assert house.on is True
    assert house.tower.sounding is not None
    house.wait(2_000)
    house.rest()
    house.begin()
    house.log.clear()
    house.tower.resume_or_report()
    assert "relay on" not in house.log
    assert house.kinds()[-1] == ("cut", "crashed")


def test_after_a_reboot_nothing_rings_by_itself(house: House) -> None:
    """R19, R29: another boot id means power was lost; the office writes it, the belfry stays quiet."""
    house.ask()
    house.begin(boot="boot-2")
    house.rest()
    house.log.clear()
    house.tower.resume_or_report()
    assert house.log == []


def test_a_calm_ring_is_never_resumed(house: House) -> None:
    """R19: everything but an ACTUAL alarm stays quiet after a crash."""
    house.ask("curfew")
    house.begin()
    assert house.spool.resume is None


def test_a_relay_that_fails_is_written_and_shown(house: House) -> None:
    """P9: an activation whose relay failed ends as `failed`, never as ringing."""
    house.ask()
    house.tower.played_out(PlayerEnded("a", "OSError: line gone"))
    assert ("failed", "relay_failed") in house.kinds()
    assert [item.code for item in house.tower.shown] == ["relay_failed"]
    assert house.tower.sounding is None


def test_an_orderly_stop_writes_what_it_cuts(house: House) -> None:
    """P1, P7: relay at rest, `cut` with reason shutdown, nothing to resume."""
    house.ask()
    house.tower.shut_down()
    assert house.kinds() == [("ringing", None), ("cut", "shutdown")]
    assert (house.on, house.spool.resume) == (False, None)


def test_no_proof_of_sound_is_a_condition_within_a_second(tmp_path: Path) -> None:
    """P9, H2: the relay is on, the iron silent: said within 1 s, and the end says that sound was not proved."""
    house = House(tmp_path, has_proof=True)
    house.ask()
    house.wait(1_100)
    assert [item.code for item in house.tower.shown] == ["no_proof_of_sound"]
    assert house.tower.sounding is not None and house.tower.sounding.proved is False
    house.tower.hush(HushOrder(Source.BUTTON, house.mono_ms))
    cut = next(record.draft for record in house.spool.pending if record.draft.reason == "hushed")
    assert cut.detail is not None and cut.detail["proved"] is False


def test_proof_of_sound_is_shown_and_kept(tmp_path: Path) -> None:
    """P9: heard is heard; the status says so from the first sound on."""
    house = House(tmp_path, has_proof=True)
    house.ask()
    house.wait(300)
    house.tower.proof_level(True, house.mono_ms)
    house.wait(1_500)
    assert house.tower.shown == ()
    assert house.tower.sounding is not None and house.tower.sounding.proved is True


def test_sound_that_no_relay_made_is_the_gravest_condition(tmp_path: Path) -> None:
    """R20: commanded off and still sounding."""
    house = House(tmp_path, has_proof=True)
    house.ask()
    house.tower.proof_level(True, house.mono_ms + 100)
    house.wait(1_000)
    house.tower.hush(HushOrder(Source.BUTTON, house.mono_ms))
    house.wait(10_000)
    assert [item.code for item in house.tower.shown] == []
    for _ in range(10):
        house.mono_ms += 1_000
        house.tower.turn()
    assert [(item.code, item.severity) for item in house.tower.shown] == [("sound_without_relay", "critical")]


def test_new_settings_do_not_touch_what_sounds(house: House) -> None:
    """SIGHUP: the ring goes on stroke by stroke while the signals change under it."""
    house.ask()
    house.wait(500)
    house.log.clear()
    house.tower.use(plan(house.directory))
    house.wait(1_000)
    assert house.log[:2] == ["relay on", "relay off"]


def test_a_locked_button_is_shown_until_it_is_unlocked_or_a_day_has_passed(house: House) -> None:
    """R67: a lock from the hub is a condition while it holds, by unlocking as well as by its end."""
    until_s = house.now().wall_ms // 1000 + 3_600
    house.tower.lock("cổng", until_s)
    assert [(item.code, item.subject) for item in house.tower.shown] == [("button_locked", "cổng")]
    house.tower.lock("cổng", 0)
    assert house.tower.shown == ()
    house.tower.lock("cổng", until_s)
    house.mono_ms += 3_600_001
    house.tower.turn()
    assert house.tower.shown == ()


def test_a_command_that_was_waited_for_is_dropped_by_a_crash_and_the_hub_is_told(house: House) -> None:
    """P7, P9: `cut` `crashed` before its start, so nobody waits for ever; its key stays held, so it never rings late (P5)."""
    assert house.ask(key="jti-1", command_id="jti-1", source=Source.HUB, start_ms=40_000) is Verdict.WAIT
    house.begin()
    house.tower.resume_or_report()
    assert house.kinds() == [("received", None), ("cut", "crashed")]
    assert house.spool.waiting == ()
    assert house.ask(name="b", key="jti-1", command_id="jti-1", source=Source.HUB) is Verdict.REFUSE


def test_a_relay_that_plays_a_whole_ring_is_well_again(house: House) -> None:
    """A failure that passed does not stand in the status until the next restart, hiding what comes later."""
    house.ask("curfew")
    house.tower.played_out(PlayerEnded("a", "OSError: line gone"))
    assert [item.code for item in house.tower.shown] == ["relay_failed"]
    house.ask("curfew", name="b")
    house.wait(2_000)
    assert house.tower.shown == ()


def test_a_late_word_about_another_activation_ends_nothing(house: House) -> None:
    """P4: the player's failure on what was already replaced does not end the alarm that sounds now."""
    house.ask("curfew")
    house.ask(name="b")
    house.tower.played_out(PlayerEnded("a", "OSError: line gone"))
    assert house.tower.sounding is not None
    assert house.tower.sounding.activation == "b"


def test_a_slow_spool_never_costs_the_first_stroke(house: House) -> None:
    """P3: writing before the first edge may take longer than half a stroke on a slow machine; the code begins whole all the same."""
    write = house.spool.put

    def slowly(*args: object, **more: object) -> list[Stamped]:
        house.mono_ms += 100
        return write(*args, **more)  # type: ignore[arg-type]

    house.spool.put = slowly  # type: ignore[method-assign]
    house.ask("curfew")
    assert house.on is True
    house.wait(1_500)
    assert house.log.count("relay on") == 2, "neither the first stroke nor the last"
