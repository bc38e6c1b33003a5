"""A whole post for tests: settings file, belfry and office as real processes on simulated pins, and eyes on all of it."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from datetime import time as dt_time
from pathlib import Path
from typing import Any

from kengd.cli.local import ask
from kengd.errors import KengdError
from tests.broker import free_port
from tests.post.hub import COMMUNE, KID, Entry, Hub, until

_LIBC = ctypes.CDLL(None)
ROOT = Path(__file__).parents[2]
ALARM = "(1 tiếng; nghỉ 200 ms) đến khi dừng"
SHORT_CODES = """
[drill]
prefix = "2 tiếng đều"
[codebook.signals]
evacuation = { remove = true }
all_clear = { pattern = "2 tiếng đều" }
curfew = { pattern = "3 tiếng đều" }
"""
"""For posts whose hard limit is a few seconds."""
HOLD_MS = 300
RELEASE_MS = 120
VIETNAM = timezone(timedelta(hours=7))
ALARM_PIN, HUSH_PIN, PROOF_PIN, SECOND_PIN = 5, 6, 13, 19


@dataclass
class Wishes:
    """What differs from post to post; TOML texts go into the settings as they are."""

    id: str = "thon-1"
    hub: Hub | None = None
    broker_port: int | None = None
    clock: str = '[clock]\nassume = "ntp"'
    limits: str = "alarm_s = 60\nhard_limit_s = 90\nafter_alarm_min = 0\ncalm_per_hour = 120"
    timetable: str = ""
    inputs: str = ""
    buttons: str = ""
    web: str = ""
    extra: str = ""
    broker: str = ""
    pins: str = "simulated"
    bell: str = 'kind = "striker"\nhold_ms = 60'
    alarm: str = ALARM
    finger: tuple[str, ...] | None = None
    shim: bool = False
    env: dict[str, str] = field(default_factory=dict)

    def text(self, post: Post) -> str:
        """The settings file."""
        port = self.broker_port or (self.hub.port if self.hub else None)
        udp = f"edge_udp = {post.udp_port}" if self.pins == "simulated" else ""
        broker = f'[broker]\nhost = "127.0.0.1"\nport = {port}\n{self.broker}\n' if port else ""
        keys = f'[[hub.keys]]\nkid = "{KID}"\npublic = "{self.hub.public}"\n' if self.hub else ""
        return f"""state_dir = "{post.state}"
run_dir = "{post.run_dir}"
[post]
commune = "{COMMUNE}"
id = "{self.id}"
name = "Điểm kẻng thử"
[bell]
{self.bell}
[codebook.signals.alarm]
pattern = "{self.alarm}"
[codebook.signals.meeting]
pattern = "3 tiếng đều"
[limits]
{self.limits}
[gpio]
pins = "{self.pins}"
{udp}
[gpio.relay]
pin = 17
[[gpio.buttons]]
name = "alarm"
pin = {ALARM_PIN}
does = "alarm"
place = "nhà văn hóa"
hold_ms = {HOLD_MS}
[[gpio.buttons]]
name = "hush"
pin = {HUSH_PIN}
does = "hush"
{self.buttons}
{self.inputs}
{self.timetable}
{broker}
{keys}
[web]
host = "127.0.0.1"
port = {post.web_port}
{self.web}
{self.clock}
{self.extra}
"""


class Post:
    """One post. Edges are (CLOCK_MONOTONIC ns, on) as they came over `gpio.edge_udp`."""

    def __init__(self, directory: Path, **wishes: Any) -> None:
        self.wishes = Wishes(**wishes)
        self.id = self.wishes.id
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.state = directory / "state"
        self.config = directory / "kengd.toml"
        self.run_dir = Path(tempfile.mkdtemp(prefix="kengd-post-", dir="/dev/shm"))
        self.web_port = free_port()
        self._shift = directory / "shift"
        self._shift.write_text("0")
        if self.wishes.shim:
            path = f"{ROOT / 'tests/post/shim'}:{ROOT}"
            self.wishes.env = {"PYTHONPATH": path, "KENGD_TEST_SHIFT": str(self._shift)} | self.wishes.env
        self._ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ear.bind(("127.0.0.1", 0))
        self.udp_port: int = self._ear.getsockname()[1]
        self.edges: list[tuple[int, bool]] = []
        self.log: list[str] = []
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.trouble_expected = False
        self._let_go_ns: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        self.write_settings()

    def write_settings(self, **changes: Any) -> None:
        """Write the settings file, with these wishes changed."""
        for name, value in changes.items():
            setattr(self.wishes, name, value)
        self.config.write_text(self.wishes.text(self))

    # ---- processes

    def spawn(self) -> subprocess.Popen[str]:
        """Start the belfry as a service manager would: a session of its own, output read."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("KENGD_", "GPIOZERO_"))}
        argv = [sys.executable, "-m", "kengd", "--config", str(self.config), "run"]
        if self.wishes.finger is not None:
            argv = [sys.executable, str(ROOT / "tests/post/finger.py"), str(self.config), *self.wishes.finger]
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=env | {"PYTHONPATH": str(ROOT)} | self.wishes.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_us,
        )
        threading.Thread(target=self._read, args=(process.stderr, self.log), daemon=True).start()
        threading.Thread(target=self._read, args=(process.stdout, self.said), daemon=True).start()
        return process

    def start(self, *, ready: bool = True, within_s: float = 30.0) -> Post:
        """Start and wait until it is armed (control socket answers) and, with `ready`, until /healthz says 200."""
        self.process = self.spawn()
        until(self._armed, within_s, "armed")
        if ready:
            until(self.healthy, within_s, "ready")
        return self

    def _armed(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the belfry ended: {''.join(self.log)}"
        with contextlib.suppress(KengdError):
            return bool(self.shell(do="status")["ok"])
        return False

    def healthy(self) -> bool:
        """True when /healthz says 200."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.http("GET", "/healthz")[0] == 200
        return False

    @property
    def pid(self) -> int:
        """The belfry's."""
        assert self.process is not None
        return self.process.pid

    def office_pid(self) -> int | None:
        """The office's; None while there is none."""
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    with contextlib.suppress(OSError):
                        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                        if b"office" in words:
                            return int(child)
        return None

    def kill_office(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Kill it; the pid it had."""
        pid: int = until(self.office_pid, 10, "an office")
        os.kill(pid, how)
        return pid

    def kill(self) -> None:
        """kill -9 of the belfry; the office must follow by itself."""
        assert self.process is not None
        office = self.office_pid()
        self.process.kill()
        self.process.wait(10)
        if office is not None:
            until(
                lambda: not Path(f"/proc/{office}").exists() or _is_dead(office), 5, "the office dies with the belfry"
            )

    def lose_power(self) -> None:
        """Both processes and all of tmpfs are gone at one moment (what the book has synced stays)."""
        assert self.process is not None
        office = self.office_pid()
        for pid in (office, self.process.pid):
            if pid is not None:
                freeze(pid)
        self.process.kill()
        self.process.wait(10)
        if office is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(office, signal.SIGKILL)
            until(lambda: not Path(f"/proc/{office}").exists() or _is_dead(office), 5, "dead")
        for each in self.run_dir.iterdir():
            each.unlink()

    def freeze_office(self) -> int:
        """SIGSTOP, and wait until each of its threads stands still; its pid."""
        office: int = until(self.office_pid, 10, "an office")
        freeze(office)
        return office

    def renew_office(self) -> None:
        """kill -9 of the office, and a new one that is ready."""
        gone = self.kill_office()
        until(lambda: self.office_pid() not in (None, gone), 15, "a new office")
        until(self.healthy, 20, "healthy")

    def set_clock(self, local: str, *, days: int = 0) -> None:
        """With the shim: put the wall clock to this time of day (HH:MM:SS) in the village, so many days from today."""
        now = datetime.now(VIETNAM)
        wanted = datetime.combine(now.date(), dt_time.fromisoformat(local), VIETNAM) + timedelta(days=days)
        fresh = self._shift.with_suffix(".new")
        fresh.write_text(str(round((wanted - now).total_seconds() * 1000)))
        fresh.replace(self._shift)

    def signal(self, number: signal.Signals) -> None:
        """To the belfry."""
        os.kill(self.pid, number)

    def stop(self, within_s: float = 15.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)
        return self.process.wait(within_s)

    def end(self) -> None:
        """After a test: nothing of it is left behind, and nothing in the log that nobody expected."""
        office = None
        try:
            if self.process is not None and self.process.poll() is None:
                office = self.office_pid()
                if office is not None:
                    os.kill(office, signal.SIGCONT)
                try:
                    self.stop()
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                    raise
        finally:
            self._ear.close()
            shutil.rmtree(self.run_dir, ignore_errors=True)
        if not self.trouble_expected:
            assert "Traceback" not in "".join(self.log), "".join(self.log)

    def _read(self, stream: Any, lines: list[str]) -> None:
        lines.extend(iter(stream.readline, ""))

    # ---- people

    def shell(self, **request: Any) -> dict[str, Any]:
        """Ask over the control socket. Raises KengdError."""
        return ask(str(self.config), request)

    def kengd(self, *words: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of ours against this post."""
        return subprocess.run(
            [sys.executable, "-m", "kengd", "--config", str(self.config), *words],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            **kwargs,
        )

    def http(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """(status, JSON or text)."""
        link = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=5)
        try:
            data = None if body is None else json.dumps(body)
            link.request(method, path, data, {"Content-Type": "application/json", **headers})
            answer = link.getresponse()
            raw = answer.read().decode()
            is_json = answer.getheader("content-type", "").startswith("application/json")
            return answer.status, json.loads(raw) if is_json else raw
        finally:
            link.close()

    def press(self, button: str = "alarm", hold_ms: int = HOLD_MS + 200) -> int:
        """Press through /sim/press, or with the finger; CLOCK_MONOTONIC ns at or before the press."""
        while (now_ns := time.monotonic_ns()) < self._let_go_ns.get(button, 0):
            time.sleep(0.005)  # one finger: the press before must be over
        self._let_go_ns[button] = now_ns + (hold_ms + RELEASE_MS) * 1_000_000
        if self.wishes.finger is not None:
            pin = {"alarm": ALARM_PIN, "hush": HUSH_PIN, "second": SECOND_PIN}[button]
            before = len(self.said)
            self.tell_finger(f"press {pin} {hold_ms}")
            until(lambda: len(self.said) > before, 5, "pressed")
            return int(self.said[-1].split()[1])
        assert self.http("POST", "/sim/press", {"button": button, "hold_ms": hold_ms})[0] == 202
        self._let_go_ns[button] = time.monotonic_ns() + (hold_ms + RELEASE_MS) * 1_000_000
        return now_ns

    def tell_finger(self, line: str) -> None:
        """A line to finger.py."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    # ---- eyes

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = self._ear.recv(16)
                self.edges.append((time.monotonic_ns(), data == b"1"))

    def strokes(self, since_ns: int = 0) -> int:
        """How often the relay closed since then."""
        return sum(on and t_ns >= since_ns for t_ns, on in list(self.edges))

    @property
    def relay_on(self) -> bool:
        """Is it closed now?"""
        return bool(self.edges) and self.edges[-1][1]

    def status(self) -> dict[str, Any]:
        """`kengd status --json`, over the control socket."""
        return self.shell(do="status")

    def sounding(self) -> dict[str, Any] | None:
        """What sounds, or None."""
        found: dict[str, Any] | None = self.status()["sounding"]
        return found

    def conditions(self) -> set[str]:
        """Codes of all that ails it."""
        return {item["code"] for item in self.status()["conditions"]}

    def rings(self, within_s: float = 3.0, since_ns: int = 0) -> None:
        """Wait until the relay strikes."""
        until(lambda: self.strokes(since_ns), within_s, "a stroke")

    def rests(self, within_s: float = 3.0) -> None:
        """Wait until nothing sounds and the relay is at rest."""
        until(lambda: self.sounding() is None and not self.relay_on, within_s, "rest")

    def entries(self) -> list[Entry]:
        """The whole book, over the API."""
        code, found = self.http("GET", "/api/entries?after=0&limit=1000")
        assert code == 200
        return list(found)

    def kinds(self, after_seq: int = 0) -> list[tuple[str, str | None]]:
        """(kind, reason) of the book's entries."""
        return [(each["kind"], each["reason"]) for each in self.entries() if each["seq"] > after_seq]

    def head(self) -> int:
        """The newest seq."""
        return int(self.http("GET", "/api/status")[1]["seq"])

    def wrote(self, kind: str, reason: str | None = None, after_seq: int = 0, within_s: float = 5.0) -> Entry:
        """Wait for an entry of this kind and reason."""

        def found() -> Entry | None:
            return next(
                (e for e in self.entries() if (e["kind"], e["reason"]) == (kind, reason) and e["seq"] > after_seq), None
            )

        entry: Entry = until(found, within_s, f"entry {kind} {reason}")
        return entry


def freeze(pid: int) -> None:
    """SIGSTOP; a busy machine takes a moment until every thread stands still, and one may still answer in it."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: all(_state(task) in "TZX" for task in Path(f"/proc/{pid}/task").iterdir()), 10, "it stands still")


def _state(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _die_with_us() -> None:
    """In the child: SIGKILL when the tests are killed (prctl(2), PR_SET_PDEATHSIG), so that no post outlives them."""
    _LIBC.prctl(1, int(signal.SIGKILL), 0, 0, 0)


def _is_dead(pid: int) -> bool:
    return _state(Path(f"/proc/{pid}")) in "ZX"
