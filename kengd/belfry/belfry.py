"""The belfry put together: one selector loop, one deciding thread, the devices, the office's parent.

Start order: relay at rest, buttons armed, ready; only then the office (P1, P3). End order: relay at rest first.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import selectors
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kengd import __version__, clock, intercom, service
from kengd.belfry import pins
from kengd.belfry.attendant import Attendant, office_argv
from kengd.belfry.buttons import Contacts
from kengd.belfry.control import ControlSocket
from kengd.belfry.desk import Desk
from kengd.belfry.inbox import Inbox
from kengd.belfry.lamps import Lamps
from kengd.belfry.off import write_pin_file
from kengd.belfry.officeline import OfficeLine
from kengd.belfry.player import Player, PlayerEnded
from kengd.belfry.relay import Relay
from kengd.belfry.sentry import Sentry
from kengd.belfry.spool import Spool
from kengd.belfry.tower import Tower
from kengd.duty import lamps
from kengd.duty.health import condition, lamp_fault
from kengd.duty.words import Draft, EntryKind, HushOrder, Purpose, Source, Trigger
from kengd.errors import KengdError
from kengd.settings import load_plan
from kengd.settings.load_plan import Loaded
from kengd.settings.plan import BelfryPlan, ButtonPlan

log = logging.getLogger("kengd.belfry")
REGULAR_TURN_S = 1.0
PLAYER_PRIORITY = 20
DECIDER_PRIORITY = 10
OFFICE_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Changed:
    """A contact changed its level (posted by the pin thread)."""

    name: str
    active: bool
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """A Unix signal arrived."""

    number: int


@dataclass(frozen=True, slots=True)
class Recompiled:
    """Settings were read again (posted by the compiling thread)."""

    loaded: Loaded


class Belfry:
    """Owns everything of this process. `run` returns the exit code; the relay is at rest whatever happens (P1)."""

    def __init__(self, config: str) -> None:
        self._config = config
        self._loaded = load_plan.compiled(config)
        plan = self._loaded.plan
        self.plan = plan
        self._run_dir = Path(plan.run_dir)
        self._lock_fd = _only_one(self._run_dir)
        self._inbox = Inbox()
        self._factory = pins.open_factory(plan.pins)
        write_pin_file(plan, pins.chip_label_of(self._factory))
        self.relay = Relay(plan.relay, self._factory, edge_udp=plan.edge_udp, longest_on_ms=_longest_on_ms(plan))
        self._lamps = Lamps(plan.lamps, self._factory)
        self._contacts = Contacts(plan.buttons, plan.inputs, self._factory, self._post_change)
        self._player = Player(
            self.relay,
            self._inbox.post,
            longest_on_ms=_longest_on_ms(plan),
            real_time=lambda: service.real_time(PLAYER_PRIORITY),
        )
        self._selector = selectors.DefaultSelector()
        self._line = OfficeLine(self._watch_office)
        spool = Spool(self._run_dir, clock.boot_id(), secrets.token_hex(4))
        self._spool = spool
        has_proof = any(item.means == "proof_of_sound" for item in plan.inputs)
        self.tower = Tower(plan, self._player, spool, clock.now, self._line, has_proof=has_proof)
        self.sentry = Sentry(
            plan.buttons,
            self._contacts,
            self._fired,
            self.tower.raise_condition,
            self.tower.clear_condition,
            clock.now().mono_ms,
        )
        self._attendant = Attendant(office_argv(config))
        self._office_was_up = False
        self._control: ControlSocket | None = None
        self._desk = Desk(self)
        self._closing = False
        self._exit = 0
        self._next_turn_s = 0.0
        self._lamp_wake_ms: int | None = None
        self._lamp_test_until_ms = clock.now().mono_ms + lamps.LAMP_TEST_MS
        self._heed: dict[type, Callable[[Any], None]] = {
            Changed: self._changed,
            PlayerEnded: self.tower.played_out,
            Signalled: self._signalled,
            Recompiled: self._recompiled,
        }

    # ---- the loop

    def run(self) -> int:
        """Serve until a signal. The exit code is 0 after an orderly end, 1 when something broke."""
        try:
            self._arm()
            while not self._closing:
                self._serve_once()
        except KengdError:
            raise
        except Exception:
            log.exception("the belfry broke")
            self._exit = 1
        finally:
            self._end()
        return self._exit

    def _arm(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: self._inbox.post(Signalled(number)))
        self._player.start()
        self._selector.register(self._inbox, selectors.EVENT_READ, self._read_inbox)
        self.tower.resume_or_report()
        for item in self.plan.inputs:
            self._input_level(item.name, self._contacts.read(item.name), clock.now().mono_ms)
        self._control = ControlSocket(self._run_dir / "control.sock", self._selector, self._desk.answer)
        self._say_settings()
        self._decide_in_real_time()
        self.tower.note(Draft(EntryKind.STARTED, detail={"version": __version__, "pins": self.plan.pins}))
        service.ready("đã sẵn sàng / armed")
        log.info("armed: post %s, pins %s", self.plan.post_id, self.plan.pins)
        load_plan.mark_good(self._loaded)

    def _decide_in_real_time(self) -> None:
        if service.real_time(DECIDER_PRIORITY):
            log.info("real-time priority granted")

    def _serve_once(self) -> None:
        for key, mask in self._selector.select(self._timeout_s()):
            if isinstance(key.data, str):
                self._serve_office(mask)
            else:
                key.data()
        if self.relay.guard(time.monotonic_ns()):
            self.tower.raise_condition(condition("relay_failed", note_en="a stroke outlived the bell's limit"))
        now = clock.now()
        self.sentry.look(now.mono_ms)
        self._turn_when_due(now.mono_ms)
        self._show(now.mono_ms)

    def _turn_when_due(self, now_ms: int) -> None:
        wake_ms = self.tower.next_wake_ms()
        if time.monotonic() < self._next_turn_s and (wake_ms is None or wake_ms > now_ms):
            # a wake that has just passed is not in next_wake_ms any more; `turn` is cheap, so look whenever something sounds
            if self.tower.standing.sounding is None and not self.tower.standing.waiting:
                return
        self.tower.turn()
        if time.monotonic() < self._next_turn_s:
            return
        self._next_turn_s = time.monotonic() + REGULAR_TURN_S
        self.sentry.check_all(now_ms)
        self._tend_office(now_ms)
        self._look_at_devices()
        if not self._player.alive:
            raise RuntimeError("the player thread died")
        if not pins.threads_alive(self._factory):
            self.tower.raise_condition(condition("pins_dead"))
        else:
            service.feed_watchdog()  # fed by a finished turn, never by a timer of its own

    def _look_at_devices(self) -> None:
        if self.relay.stuck:
            self.tower.raise_condition(condition("relay_failed", note_en="the relay cannot be put to rest"))
        for lamp in ("bell", "police"):
            if lamp in self._lamps.broken:
                self.tower.raise_condition(condition("lamp_failed", lamp))
            else:
                self.tower.clear_condition("lamp_failed", lamp)

    def _timeout_s(self) -> float:
        wakes = [self._next_turn_s]
        if (due_ns := self.relay.due_ns) is not None:
            wakes.append(due_ns / 1e9)
        for wake_ms in (self.sentry.next_wake_ms(), self.tower.next_wake_ms(), self._lamp_wake_ms):
            if wake_ms is not None:
                wakes.append(wake_ms / 1000)
        return max(0.0, min(wakes) - time.monotonic())

    def _end(self) -> None:
        """Relay first (P1); then the book is told; then the rest, each step on its own."""
        self._player.stop()
        self.relay.rest()
        for step in (
            lambda: service.stopping(),
            self.tower.shut_down,
            lambda: self.tower.note(Draft(EntryKind.STOPPED)),
            self._player.close,
            self._drain_office,
            lambda: self._attendant.stop(OFFICE_PATIENCE_S),
            lambda: self._control.close() if self._control else None,
            self._spool.close,
            self._lamps.close,
            self._contacts.close,
            self.relay.close,
            self._factory.close,
        ):
            try:
                step()
            except Exception:
                log.exception("while ending")
        os.close(self._lock_fd)

    def _drain_office(self) -> None:
        """Let the office read what was said last (a `cut` by shutdown) before it is asked to stop."""
        deadline_s = time.monotonic() + 1.0
        while self._spool.pending and self._attendant.answered and time.monotonic() < deadline_s:
            self._line.flush()
            office = self._attendant.intercom
            if office is None:
                return
            for key, mask in self._selector.select(0.05):
                if isinstance(key.data, str):
                    self._serve_office(mask)

    # ---- buttons and inputs

    def _post_change(self, name: str, active: bool, mono_ms: int) -> None:
        self._inbox.post(Changed(name, active, mono_ms))

    def _read_inbox(self) -> None:
        for event in self._inbox.take():
            self._heed[type(event)](event)

    def _changed(self, event: Changed) -> None:
        if self.sentry.plan(event.name) is not None:
            self.sentry.changed(event.name, event.active, event.mono_ms)
        else:
            self._input_level(event.name, event.active, event.mono_ms)

    def _input_level(self, name: str, active: bool, mono_ms: int) -> None:
        means = next((item.means for item in self.plan.inputs if item.name == name), None)
        if means == "proof_of_sound":
            self.tower.proof_level(active, mono_ms)
        elif means is not None and active:
            self.tower.raise_condition(condition(means))
        elif means is not None:
            self.tower.clear_condition(means)

    def _fired(self, button: ButtonPlan, mono_ms: int) -> None:
        if button.does == "hush":
            self.tower.hush(HushOrder(Source.BUTTON, mono_ms, place=button.place))
            return
        trigger = Trigger(secrets.token_hex(8), button.does, Purpose.ACTUAL, Source.BUTTON, mono_ms, place=button.place)
        now = clock.now()
        if self.tower.standing.locked(button.name, now.wall_ms):
            self.tower.locked_out(trigger)
        else:
            self.tower.clear_condition("power_lost_ring")
            self.tower.ring(trigger, now)

    # ---- the office

    def _tend_office(self, now_ms: int) -> None:
        before = self._attendant.intercom
        started = self._attendant.turn(now_ms)
        if before is not None and self._attendant.intercom is not before:
            self._office_gone(before)
        if started and self._attendant.intercom is not None:
            office = self._attendant.intercom
            self._selector.register(office, selectors.EVENT_READ, "office")
            hello = intercom.Hello(self._spool.id, self.tower.sounding)
            self._line.connect(office, hello, self._spool.pending)
            self.tower.tell(clock.now(), again=True)

    def _office_gone(self, before: intercom.Intercom) -> None:
        for fd, key in list(self._selector.get_map().items()):
            if key.data == "office":
                self._selector.unregister(fd)
        self._line.disconnect()
        self.tower.line_up = False
        self.tower.office_conditions = ()
        self.tower.raise_condition(condition("office_down"))

    def _watch_office(self, wants_to_write: bool) -> None:
        office = self._attendant.intercom
        if office is not None:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants_to_write else 0)
            self._selector.modify(office, events, "office")

    def _serve_office(self, mask: int) -> None:
        office = self._attendant.intercom
        if office is None:
            return
        if mask & selectors.EVENT_WRITE:
            self._line.flush()
        try:
            for _ in range(64):  # a burst of commands must not keep a button waiting
                message = office.receive()
                if message is None:
                    break
                self._office_says(message)
        except (EOFError, OSError):
            self._attendant.gone(clock.now().mono_ms)
            self._office_gone(office)
        except (KeyError, ValueError, TypeError):
            log.exception("the office said something strange")

    def _office_says(self, message: Any) -> None:
        if not self._attendant.answered:
            self.tower.clear_condition("office_down")
        self._attendant.heard(clock.now().mono_ms)
        self._desk.hear(message)

    def say(self, *messages: Any) -> None:
        """To the office, if there is one."""
        self._line.say(*messages)

    def written(self, upto: int) -> None:
        """The office has written these records."""
        self._spool.written(upto)

    def press(self, button: ButtonPlan, hold_ms: int) -> bool:
        """Simulated pins only: press a button as a finger would. False on real pins."""
        if self.plan.pins != "simulated":
            return False
        self._factory.press(button.pin, hold_ms)
        return True

    # ---- settings, signals, lamps

    def _signalled(self, event: Signalled) -> None:
        if event.number == signal.SIGHUP:
            self.recompile()
        else:
            log.info("signal %d: ending", event.number)
            self._player.stop()
            self._closing = True

    def recompile(self) -> None:
        """Read the settings again in a thread of its own; a ring goes on meanwhile (SIGHUP, or the hub's new codebook)."""

        def work() -> None:
            try:
                self._inbox.post(Recompiled(load_plan.compiled(self._config)))
            except Exception as error:
                wrong = error if isinstance(error, KengdError) else KengdError("settings_invalid", str(error))
                self._inbox.post(Recompiled(replace(self._loaded, fell_back=wrong)))

        threading.Thread(target=work, name="compile", daemon=True).start()

    def _recompiled(self, event: Recompiled) -> None:
        new = event.loaded
        if _wiring(new.plan) != _wiring(self.plan):
            self.tower.raise_condition(condition("restart_needed"))
            new = replace(new, plan=_rewired(new.plan, self.plan))
        else:
            self.tower.clear_condition("restart_needed")
        self._loaded = new
        self.plan = new.plan
        self.tower.use(new.plan)
        self._say_settings()
        load_plan.mark_good(event.loaded)
        self._line.say(intercom.ReloadOffice())
        log.info("settings read again")

    def _say_settings(self) -> None:
        wrong = self._loaded.fell_back
        if wrong is None:
            self.tower.clear_condition("settings_invalid")
        else:
            log.error("settings are invalid: %s", wrong)
            self.tower.raise_condition(condition("settings_invalid", note_vi=wrong.vi, note_en=wrong.en))

    def _show(self, now_ms: int) -> None:
        tower = self.tower
        sounding = tower.standing.sounding
        testing = now_ms < self._lamp_test_until_ms
        bell = lamps.bell_lamp(
            testing=testing,
            pressing=self.sentry.pressing,
            ringing=sounding is not None,
            press_again=now_ms < tower.news.press_again_until_ms,
            fault=lamp_fault(tower.shown),
        )
        about = sounding.id if sounding is not None else None
        police = lamps.police_lamp(
            testing=testing,
            taken=tower.news.taken is not None and (about is None or tower.news.taken == about),
            reached=about is not None and tower.news.delivered == about,
            line_up=tower.line_up,
        )
        wakes = [self._lamps.show(bell, police, now_ms), self._lamp_test_until_ms if testing else None]
        self._lamp_wake_ms = min((wake for wake in wakes if wake is not None), default=None)


def _longest_on_ms(plan: BelfryPlan) -> int:
    """The longest the relay may stay closed at a stretch (P2)."""
    profile = plan.profile
    return profile.longest_stroke_ms if profile.kind == "striker" else profile.longest_continuous_ms


def _wiring(plan: BelfryPlan) -> tuple[object, ...]:
    return (plan.pins, plan.relay, plan.buttons, plan.lamps, plan.inputs, plan.edge_udp, plan.run_dir, plan.state_dir)


def _rewired(new: BelfryPlan, old: BelfryPlan) -> BelfryPlan:
    """The new settings on the old pins, until a restart."""
    return replace(
        new,
        pins=old.pins,
        relay=old.relay,
        buttons=old.buttons,
        lamps=old.lamps,
        inputs=old.inputs,
        edge_udp=old.edge_udp,
        run_dir=old.run_dir,
        state_dir=old.state_dir,
    )


def _only_one(run_dir: Path) -> int:
    """P10: one belfry for one run directory; the kernel's claim of the line is the second lock."""
    run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    fd = os.open(run_dir / "belfry.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        os.close(fd)
        raise KengdError(
            "already_running",
            f"điểm kẻng này đang chạy rồi ({run_dir})",
            cure="dừng tiến trình kia trước (systemctl stop kengd), rồi chạy lại",
            en="another belfry owns this post",
        ) from busy
    return fd
