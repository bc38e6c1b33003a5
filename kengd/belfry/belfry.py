"""The belfry put together: one selector loop, one deciding thread, the devices, the office's parent.

Start order: relay at rest, buttons armed, ready; only then the office (P1, P3). End order: relay at rest first.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kengd import __version__, clock, intercom, service
from kengd.belfry.attendant import Attendant, office_argv
from kengd.belfry.control import ControlSocket
from kengd.belfry.desk import Desk
from kengd.belfry.devices import longest_on_ms, open_devices, same_wiring
from kengd.belfry.inbox import Inbox, new_id
from kengd.belfry.lampboard import LampBoard
from kengd.belfry.officeline import OfficeLine
from kengd.belfry.player import Player, PlayerEnded
from kengd.belfry.sentry import Sentry
from kengd.belfry.spool import Spool
from kengd.belfry.tower import Tower
from kengd.duty.health import condition
from kengd.duty.words import Draft, EntryKind, HushOrder, Purpose, Source, Trigger
from kengd.errors import KengdError
from kengd.settings import load_plan
from kengd.settings.load_plan import Loaded
from kengd.settings.plan import ButtonPlan

log = logging.getLogger("kengd.belfry")
REGULAR_TURN_S = 1.0
PLAYER_PRIORITY = 20
DECIDER_PRIORITY = 10
OFFICE_PATIENCE_S = 3.0
DRAIN_PATIENCE_S = 1.0


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
        self._inbox = Inbox()
        self._loaded, self._devices = open_devices(config, self._post_change)
        self.plan = plan = self._loaded.plan
        self._run_dir = Path(plan.run_dir)
        self.relay = self._devices.relay
        self._player = Player(
            self.relay,
            self._inbox.post,
            longest_on_ms=longest_on_ms(plan),
            real_time=lambda: service.real_time(PLAYER_PRIORITY),
        )
        self._selector = selectors.DefaultSelector()
        self._desk = Desk(self)
        self._line = OfficeLine(
            Attendant(office_argv(config)),
            self._selector,
            hear=self._desk.hear,
            greeting=lambda: (intercom.Hello(self._spool.id, self.tower.sounding, self._armed), self._spool.pending),
            changed=self._office_changed,
            now_ms=lambda: clock.now().mono_ms,
        )
        self._spool = Spool(self._run_dir, clock.boot_id(), new_id(4))
        has_proof = any(item.means == "proof_of_sound" for item in plan.inputs)
        self.tower = Tower(plan, self._player, self._spool, clock.now, self._line, has_proof=has_proof)
        now_ms = clock.now().mono_ms
        self.sentry = Sentry(
            plan.buttons,
            self._devices.contacts,
            self._fired,
            self.tower.conditions.begin,
            self.tower.conditions.end,
            now_ms,
        )
        self.lamps = LampBoard(self._devices.lamps, self.tower, self.sentry, now_ms)
        self._control: ControlSocket | None = None
        self._armed = clock.now()
        self._closing = False
        self._exit = 0
        self._next_turn_s = 0.0
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
            self._exit = 1
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
            self._read_input(item.name)
        self._open_control()
        self._say_settings()
        self._decide_in_real_time()
        self.tower.note(Draft(EntryKind.STARTED, detail={"version": __version__, "pins": self.plan.pins}))
        service.ready("đã sẵn sàng / armed")
        log.info("armed: post %s, pins %s", self.plan.post_id, self.plan.pins)
        load_plan.mark_good(self._loaded)

    def _open_control(self) -> None:
        """Without it `kengd ring` and `hush` do not work; buttons, hub and timetable do (P3)."""
        try:
            self._control = ControlSocket(self._run_dir / "control.sock", self._selector, self._desk.answer)
        except OSError as wrong:
            log.error("no control socket: %s", wrong)

    def _decide_in_real_time(self) -> None:
        if service.real_time(DECIDER_PRIORITY):
            log.info("real-time priority granted")

    def _serve_once(self) -> None:
        for key, _ in self._selector.select(self._timeout_s()):
            try:
                key.data()
            except Exception:  # a strange visitor or a strange word of the office ends nothing
                log.exception("something heard could not be handled")
        if self.relay.guard(time.monotonic_ns()):
            self.tower.conditions.begin(condition("relay_failed", note_en="a stroke outlived the bell's limit"))
        now = clock.now()
        self.sentry.look(now.mono_ms)
        self._turn_when_due(now.mono_ms)
        self.lamps.show(now.mono_ms)

    def _turn_when_due(self, now_ms: int) -> None:
        wake_ms = self.tower.next_wake_ms()
        due = time.monotonic() >= self._next_turn_s or (wake_ms is not None and wake_ms <= now_ms)
        # a wake that has just passed is not in next_wake_ms any more; a turn is cheap, so take one whenever something is on
        standing = self.tower.standing
        if not due and standing.sounding is None and not standing.waiting:
            return
        self.tower.turn()
        if time.monotonic() < self._next_turn_s:
            return
        self._next_turn_s = time.monotonic() + REGULAR_TURN_S
        self.sentry.check_all(now_ms)
        if self._line.tend():
            self.tower.tell(clock.now(), again=True)
        self.lamps.look()
        self._look_at_run_dir()
        if self.relay.stuck:
            self.tower.conditions.begin(condition("relay_failed", note_en="the relay cannot be put to rest"))
        if not self._player.alive:
            raise RuntimeError("the player thread died")
        if not self._devices.threads_alive():
            self.tower.conditions.begin(condition("pins_dead"))
        else:
            service.feed_watchdog()  # fed by a finished turn, never by a timer of its own

    def _look_at_run_dir(self) -> None:
        """Somebody may clear the run directory away: the shell must find us again, and a second belfry the lock (P10)."""
        if self._control is None or not self._control.is_there():
            if self._control is not None:
                self._control.close()
                self._control = None
            self._open_control()
        self._devices.hold_lock()

    def _timeout_s(self) -> float:
        wakes = [self._next_turn_s]
        if (due_ns := self.relay.due_ns) is not None:
            wakes.append(due_ns / 1e9)
        for wake_ms in (self.sentry.next_wake_ms(), self.tower.next_wake_ms(), self.lamps.wake_ms):
            if wake_ms is not None:
                wakes.append(wake_ms / 1000)
        return max(0.0, min(wakes) - time.monotonic())

    def _end(self) -> None:
        """Relay first (P1); then the book is told; then the rest, each step on its own.

        After a fault of ours nothing is told: the next start finds the resume record, and an ACTUAL alarm goes on (R19).
        """
        self._player.stop()
        self.relay.rest()
        for step in (
            service.stopping,
            self._say_stopped,
            self._player.close,
            lambda: self._line.drain(lambda: bool(self._spool.pending), DRAIN_PATIENCE_S),
            lambda: self._line.stop(OFFICE_PATIENCE_S),
            lambda: self._control.close() if self._control else None,
            self._spool.close,
            self._tidy_up,
            self._devices.close,
        ):
            try:
                step()
            except Exception:
                log.exception("while ending")

    def _say_stopped(self) -> None:
        if self._exit == 0:
            self.tower.shut_down()
            self.tower.note(Draft(EntryKind.STOPPED))

    def _tidy_up(self) -> None:
        """A simulated post leaves nothing behind in the shared memory, unless the book has still to get something."""
        if self.plan.pins == "simulated" and self._exit == 0 and not self._spool.pending:
            for name in ("spool.jsonl", "relay.json", "belfry.lock"):
                # by name: somebody may have put `run_dir` where other things lie
                (self._run_dir / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._run_dir.rmdir()

    # ---- buttons and inputs

    def _post_change(self, name: str, active: bool, mono_ms: int) -> None:
        self._inbox.post(Changed(name, active, mono_ms))

    def _read_inbox(self) -> None:
        for event in self._inbox.take():
            try:
                self._heed[type(event)](event)
            except Exception:  # one failing handler never stops the other buttons (STACK finding 2)
                log.exception("%s could not be handled", type(event).__name__)

    def _changed(self, event: Changed) -> None:
        if self.sentry.plan(event.name) is not None:
            self.sentry.changed(event.name, event.active, event.mono_ms)
        else:
            self._input_level(event.name, event.active, event.mono_ms)

    def _read_input(self, name: str) -> None:
        try:
            active = self._devices.contacts.read(name)
        except KengdError as unreadable:
            self.tower.conditions.begin(condition("pin_unreadable", name, unreadable.vi, unreadable.en))
            return
        self._input_level(name, active, clock.now().mono_ms)

    def _input_level(self, name: str, active: bool, mono_ms: int) -> None:
        means = next((item.means for item in self.plan.inputs if item.name == name), None)
        if means == "proof_of_sound":
            self.tower.proof_level(active, mono_ms)
        elif means is not None and active:
            self.tower.conditions.begin(condition(means))
        elif means is not None:
            self.tower.conditions.end(means)

    def _fired(self, button: ButtonPlan, mono_ms: int) -> None:
        locked = self.tower.standing.locked(button.name, clock.now().wall_ms)
        if button.does == "hush" and locked:
            self.tower.note(Draft(EntryKind.REFUSED, source=Source.BUTTON, place=button.place, reason="locked"))
            return
        if button.does == "hush":
            self.tower.hush(HushOrder(Source.BUTTON, mono_ms, place=button.place))
            return
        trigger = Trigger(new_id(), button.does, Purpose.ACTUAL, Source.BUTTON, mono_ms, place=button.place)
        now = clock.now()
        if locked:
            self.tower.locked_out(trigger)
        else:
            self.tower.conditions.end("power_lost_ring")
            self.tower.ring(trigger, now)

    # ---- the office

    def _office_changed(self, up: bool) -> None:
        if up:
            self.tower.conditions.end("office_down")
            return
        self.tower.line_up = False
        self.tower.office_conditions = ()
        self.tower.conditions.begin(condition("office_down"))

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
        self._devices.factory.press(button.pin, hold_ms)
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
            except KengdError as wrong:
                self._inbox.post(Recompiled(replace(self._loaded, fell_back=wrong)))

        threading.Thread(target=work, name="compile", daemon=True).start()

    def _recompiled(self, event: Recompiled) -> None:
        """Other pins or another bell wait for a restart, with all that came along: a code laid out for another bell is not
        heard on this one, and an old button may ring a signal that the new codebook has no more. They are not good yet.
        """
        new = event.loaded
        if same_wiring(new.plan, self.plan):
            self.tower.conditions.end("restart_needed")
            self._loaded = new
            self.plan = new.plan
            self.tower.use(new.plan)
            load_plan.mark_good(new)
        else:
            self.tower.conditions.begin(condition("restart_needed"))
            self._loaded = replace(self._loaded, fell_back=new.fell_back)
        self._say_settings()
        self._line.say(intercom.ReloadOffice())
        log.info("settings read again")

    def _say_settings(self) -> None:
        wrong = self._loaded.fell_back
        if wrong is None:
            self.tower.conditions.end("settings_invalid")
        else:
            log.error("settings are invalid: %s", wrong)
            self.tower.conditions.begin(condition("settings_invalid", note_vi=wrong.vi, note_en=wrong.en))
