"""A whole commune for tests: authority, mosquitto with TLS, the hub in this process, posts as real processes with their own
certificates, made by the same calls as in a village."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kengd.clock import local
from kengd.hub.act_ground import Actor
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.enrolment import PostWish
from kengd.hub.confirmations import NeedsConfirming
from kengd.hub.dispatching import Target
from kengd.hub.founding import Wish, found, write_broker
from kengd.hub.ledger import dispatches, rosters
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Post as RosterPost
from kengd.hub.roster import Village
from kengd.hub.service import Hub
from kengd.hub.settings import load_hub
from tests.broker import MOSQUITTO, free_port

ROOT = Path(__file__).parents[2]
COMMUNE = "cong-lac"
OFFICER = Actor("cb-0001", "đồng chí An")
HOLD_MS = 300


def now_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000


def until(true: Callable[[], Any], within_s: float, what: str) -> Any:
    """Wait for it; what it answered. AssertionError after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (found := _told(true)):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.01)
    return found


def _told(true: Callable[[], Any]) -> Any:
    """A post that starts has no page yet."""
    try:
        return true()
    except ConnectionError:
        return None


class Bell:
    """One post: its files, and its process."""

    def __init__(self, directory: Path, post_id: str, settings: str, keys: dict[str, str], web: int) -> None:
        self.id, self.directory, self.web = post_id, directory, web
        (directory / "keys").mkdir(parents=True)
        self.config = directory / "kengd.toml"
        self.config.write_text(settings)
        for name, text in keys.items():
            (directory / "keys" / name).write_text(text)
        self.environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Bell:
        """Run it; it is ready some seconds later."""
        command = [sys.executable, "-m", "kengd", "--config", str(self.config), "run"]
        keys = str(self.directory / "keys")
        environment = {**os.environ, "CREDENTIALS_DIRECTORY": keys, "PYTHONPATH": str(ROOT), **self.environment}
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def press(self, button: str = "alarm", hold_ms: int = HOLD_MS * 2) -> None:
        """A finger on the button."""
        self._ask("POST", "/sim/press", {"button": button, "hold_ms": hold_ms})

    def edges(self) -> list[int]:
        """The relay's edges since the start of the post: 1 on, 0 off."""
        return [edge["on"] for edge in self._ask("GET", "/sim/edges?after=0")["edges"]]

    def book(self) -> list[dict[str, Any]]:
        """Its newest entries, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/api/entries?limit=1000")
        return found

    def rings(self) -> list[dict[str, Any]]:
        """Entries that say that a ring began."""
        return [entry for entry in self.book() if entry["kind"] == "ringing"]

    def freeze(self) -> None:
        """Everything of it stands still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """SIGTERM, and wait."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        for how in (signal.SIGTERM, signal.SIGCONT):
            os.killpg(process.pid, how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def _signal(self, how: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, how)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self.web, timeout=5)
        try:
            raw = None if body is None else json.dumps(body)
            line.request(method, path, raw, {"Content-Type": "application/json"} if raw else {})
            answer = line.getresponse()
            said = answer.read()
            assert answer.status < 300, f"{path}: {answer.status} {said[:300]!r}"
            return json.loads(said)
        finally:
            line.close()


class Service:
    """`kengd hub serve` as systemd would run it, by this settings file."""

    def __init__(self, config: Path) -> None:
        self._command = [sys.executable, "-m", "kengd", "--config", str(config), "hub", "serve"]
        self.log = config.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )  # fmt: skip

    def freeze(self) -> None:
        """It stands still: what it is given lies about."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def end(self, how: signal.Signals) -> int:
        """Its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(20)


HALF_DAY_MS = 43_200_000
"""From now: the night's silent test comes into no test that has not asked for it, whatever the hour."""


class Commune:
    """Everything of it; a context manager. `hub` runs in this process unless `serve` is False. `change`: alters hub.toml."""

    def __init__(
        self,
        directory: Path,
        *,
        alarm_s: int = 20,
        serve: bool = True,
        database: str | None = None,
        change: Callable[[str], str] = str,
    ) -> None:
        self.directory, self._alarm_s = directory, alarm_s
        self.port = free_port()
        wish = Wish(
            COMMUNE, "Cộng Lạc", ("127.0.0.1",), directory / "state", broker_port=self.port, listen="127.0.0.1",
            web_port=0, database_url=database,
        )  # fmt: skip
        self.founded = found(wish, directory / "hub.toml", now_ms())
        text = change(self.founded.config.read_text())
        if "silent_test_at" not in text:
            assert "[duty]\n" in text
            text = text.replace("[duty]\n", f'[duty]\nsilent_test_at = "{local(now_ms() + HALF_DAY_MS):%H:%M}"\n', 1)
        self.founded.config.write_text(text)
        self.settings = load_hub(str(self.founded.config))
        self.authority = Authority.open(self.settings.authority)
        self.bells: dict[str, Bell] = {}
        self._serve = serve
        self._ends = ExitStack()
        self._broker: subprocess.Popen[bytes] | None = None
        self.hub = Hub(self.settings)

    def enrol(
        self, post_id: str, villages: Iterable[str], *, change: Callable[[str], str] = str, pins: str = ""
    ) -> Bell:
        """A post in the roster with its file taken in. `change`: alters its settings. `pins`: its keepers', as its file has them."""
        web = free_port()
        names = tuple(villages)
        template = self.template(self.directory / post_id, web)
        made = self.authority.enrol(
            PostWish(post_id, f"Điểm {post_id}", names, "127.0.0.1", self.port, template, pins=pins), now_ms()
        )
        with self.hub.ledger.write() as connection:
            for name in names:
                rosters.put_village(connection, Village(name.lower().replace(" ", "-").replace("ô", "o"), name, 120))
            ids = tuple(name.lower().replace(" ", "-").replace("ô", "o") for name in names)
            rosters.put_post(connection, RosterPost(post_id, f"Điểm {post_id}", ids, enrolled_ms=now_ms()))
        self.hub.forget_roster()
        bell = Bell(self.directory / post_id, post_id, change(made.settings), dict(made.keys), web)
        self.bells[post_id] = bell
        self._ends.callback(bell.end)
        return bell

    def start_broker(self) -> None:
        """With everybody who is enrolled by now."""
        write_broker(self.authority, self.settings)
        with (self.directory / "mosquitto.log").open("ab") as log:
            command = [MOSQUITTO, "-c", self.founded.broker_config]
            self._broker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._ends.callback(self._end_broker, signal.SIGTERM)

    def kill_broker(self) -> None:
        """SIGKILL: what it had not saved is gone."""
        self._end_broker(signal.SIGKILL)

    def start(self) -> Commune:
        """Broker, hub, posts; returns when every post is present."""
        self.start_broker()
        for bell in self.bells.values():
            bell.start()
        if self._serve:
            self.hub.start()
            until(lambda: all(self.present(post) for post in self.bells), 60, "every post is present")
        return self

    def present(self, post: str) -> bool:
        """Does the hub know that it is there?"""
        return self.hub.watch.seen(post).is_present(now_ms())

    def ring(self, act: str, posts: Iterable[str], purpose: str = "actual") -> None:
        """As an officer who is sure of it."""
        wish = RingWish(act, "alarm", purpose, tuple(posts), "trộm")
        try:
            self.hub.acts.ring(OFFICER, wish)
        except NeedsConfirming as asked:
            self.hub.acts.ring(OFFICER, RingWish(act, "alarm", purpose, tuple(posts), "trộm", confirm=asked.token))

    def targets(self, act: str) -> dict[str, Target]:
        """By post."""
        with self.hub.ledger.read() as connection:
            return {target.post: target for target in dispatches.targets_of(connection, [act])}

    def states(self, act: str) -> dict[str, str]:
        """By post: the state's name."""
        return {post: target.state.value for post, target in self.targets(act).items()}

    def close(self) -> None:
        """End everything, posts first."""
        if self._serve:
            self.hub.stop()
        self._ends.close()

    def __enter__(self) -> Commune:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_broker(self, how: signal.Signals) -> None:
        process, self._broker = self._broker, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait(10)

    def template(self, directory: Path, web: int) -> str:
        """What an installer knows of a post of this commune: bell, pins, hours."""
        return f"""state_dir = "{directory}/state"
[codebook]
use = "cong_lac"
[bell]
kind = "striker"
[limits]
alarm_s = {self._alarm_s}
[gpio]
pins = "simulated"
[gpio.relay]
pin = 17
[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"
place = "nhà văn hóa"
hold_ms = {HOLD_MS}
[[gpio.buttons]]
name = "hush"
pin = 6
does = "hush"
[[timetable]]
at = "22:00"
days = "daily"
signal = "curfew"
[web]
host = "127.0.0.1"
port = {web}
tls_port = {free_port()}
[clock]
assume = "ntp"
"""
