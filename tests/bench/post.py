"""A whole post for the bench: a private mosquitto, `kengd run` on simulated pins, a hub's ears and a signing key.

Everything is started by `Post.start` and ended by `Post.stop`, to the last process; a killed bench leaves none behind
either, since each of them asks the kernel for a signal when the bench dies.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.cli.demo_commune import COMMUNE, KID, DemoPost, post_template
from kengd.settings.where import default_run_dir
from kengd.wire.signing import public_text, sign
from tests.bench.echo import ANSWER, ASK
from tests.bench.raw import Heard, Raw
from tests.broker import Broker, free_port

ROOT = Path(__file__).resolve().parents[2]
POST = "post-1"
COMMAND, STATUS, ENTRY = (f"kengd/1/{COMMUNE}/{POST}/{leaf}".encode() for leaf in ("command", "status", "entry"))
_libc = ctypes.CDLL(None)


def _die_with_us() -> None:
    _libc.prctl(1, signal.SIGTERM, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Word:
    """Something the post said: an entry or a status, and when the bench had it (CLOCK_MONOTONIC ns)."""

    leaf: str
    data: dict[str, Any]
    at_ns: int
    retain: bool


def _line_to_the_hub(port: int, public: str) -> str:
    return f"""
[post]
commune = "{COMMUNE}"
id = "{POST}"
name = "Điểm kẻng đo thử"
villages = ["Thôn 1"]

[broker]
host = "127.0.0.1"
port = {port}

[[hub.keys]]
kid = "{KID}"
public = "{public}"
"""


class Post:
    """One post under test. `port` of its broker, `web` of its page. Use `with Post(directory) as post`."""

    def __init__(self, directory: Path, state: Path | None = None) -> None:
        """`state`: where the book is kept; by default below `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.broker = Broker(directory / "broker")
        self.web_port = free_port()
        self._key = Ed25519PrivateKey.generate()
        self._edges = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._edges.bind(("127.0.0.1", 0))
        self._ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ready_at = str(directory / "notify")
        self._ready.bind(self._ready_at)
        self._process: subprocess.Popen[bytes] | None = None
        self._echo: subprocess.Popen[bytes] | None = None
        self._ids = 0
        self.hub: Raw
        self.config = directory / "kengd.toml"
        self.state = state or directory / "state"
        no_tls = 1  # nobody has enrolled it: there is no certificate for its page
        demo = DemoPost(POST, "Điểm kẻng đo thử", "Thôn 1", "nhà văn hóa", directory, self.web_port, no_tls, "Ông Thử")
        settings = post_template(demo).replace(f"tls_port = {no_tls}\n", "") + _line_to_the_hub(
            self.broker.port, public_text(self._key)
        )
        settings = settings.replace("[gpio]\n", f"[gpio]\nedge_udp = {self._edges.getsockname()[1]}\n")
        settings = settings.replace(
            f"state_dir = {json.dumps(str(directory / 'state'))}", f"state_dir = {json.dumps(str(self.state))}"
        )
        self.config.write_text(settings)

    # ---- begin and end

    def __enter__(self) -> Post:
        try:
            self.broker.start()
            self.start()
            self.await_office()
            self.listen()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Start `kengd run`; seconds from the start of the process to READY=1."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("KENGD_", "WATCHDOG_"))}
        environment |= {"NOTIFY_SOCKET": self._ready_at}
        self._ready.settimeout(60)
        with (self.directory / "post.log").open("ab") as log:
            begun = time.monotonic()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kengd", "--config", str(self.config), "run"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_us,
            )
        while b"READY=1" not in self._ready.recv(4096):
            pass
        armed_s = time.monotonic() - begun
        self._ready.setblocking(False)
        return armed_s

    def await_office(self, within_s: float = 60.0) -> None:
        """Until the page is up: it is loaded last, so line and book are there too."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with socket.socket() as page:
                page.settimeout(2)
                try:
                    page.connect(("127.0.0.1", self.web_port))
                    page.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                    if b" 200 " in page.recv(4096).split(b"\r\n")[0]:
                        return
                except OSError:
                    pass
            time.sleep(0.05)
        raise RuntimeError(f"the post did not come up:\n{(self.directory / 'post.log').read_text()[-2000:]}")

    def listen(self) -> None:
        """Become the hub: subscribe to entries and statuses; let what is said at a start pass."""
        self.hub = Raw(self.broker.port, b"bench-hub")
        self.hub.subscribe(STATUS, ENTRY)
        self.words(1.5)

    def end_post(self) -> None:
        """SIGTERM to the belfry, which ends the office."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """End everything."""
        self.end_post()
        if self._echo is not None:
            self._echo.kill()
            self._echo.wait()
        self.broker.stop()
        self._edges.close()
        self._ready.close()
        shutil.rmtree(default_run_dir(self.state, simulated=True), ignore_errors=True)

    # ---- its processes

    @property
    def belfry(self) -> int:
        """pid."""
        assert self._process is not None
        return self._process.pid

    @property
    def office(self) -> int:
        """pid of the belfry's child."""
        children = Path(f"/proc/{self.belfry}/task/{self.belfry}/children").read_text().split()
        return int(children[0])

    # ---- the hub

    def sign(self, **cmd: Any) -> bytes:
        """A signed command for this post, fresh for a minute."""
        now_s = int(time.time())
        self._ids += 1
        claims = {
            "iss": f"hub:{COMMUNE}",
            "aud": f"{COMMUNE}/{POST}",
            "jti": self._id(self._ids),
            "iat": now_s,
            "exp": now_s + 60,
            "cmd": {**cmd, "by": "Trực ban", "why": "đo thử"},
        }
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return sign(payload, KID, self._key)

    def newest_ids(self, count: int) -> list[str]:
        """The ids of the commands signed last, oldest first."""
        return [self._id(number) for number in range(self._ids - count + 1, self._ids + 1)]

    @staticmethod
    def _id(number: int) -> str:
        return f"bench-{os.getpid()}-{number:08d}"

    def words(self, timeout_s: float) -> list[Word]:
        """What the post says within this time (all of it, not the first only)."""
        deadline, words = time.monotonic() + timeout_s, []
        while (left := deadline - time.monotonic()) > 0:
            words += [word(heard) for heard in self.hub.messages(left)]
        return words

    def edge(self, timeout_s: float) -> bool | None:
        """The next relay edge; None when there was none."""
        self._edges.settimeout(timeout_s)
        try:
            return self._edges.recv(1) == b"1"
        except TimeoutError:
            return None

    def edge_fd(self) -> socket.socket:
        """For select."""
        return self._edges

    # ---- the floor

    def start_echo(self) -> Raw:
        """Start the echo client as a process; the connection on which its answers come."""
        self._echo = subprocess.Popen(
            [sys.executable, "-S", "-E", str(ROOT / "tests/bench/echo.py"), str(self.broker.port)],
            stdout=subprocess.PIPE,
            preexec_fn=_die_with_us,
        )
        assert self._echo.stdout is not None
        self._echo.stdout.readline()
        asker = Raw(self.broker.port, b"bench-floor")
        asker.subscribe(ANSWER)
        return asker


def echo_us(asker: Raw, payload: bytes) -> float:
    """One round of the floor in µs."""
    begun = time.monotonic_ns()
    asker.publish(ASK, payload)
    while not asker.messages(2.0):
        if time.monotonic_ns() - begun > 2e9:
            raise RuntimeError("the echo client does not answer")
    return (time.monotonic_ns() - begun) / 1000


def word(heard: Heard) -> Word:
    """A message of the post, read."""
    leaf = heard.topic.rsplit(b"/", 1)[1].decode()
    return Word(leaf, json.loads(heard.payload), time.monotonic_ns(), heard.retain)
