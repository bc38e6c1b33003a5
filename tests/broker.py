"""A real mosquitto for tests: start, stop, kill, freeze, thaw, on a free loopback port, with the demo's settings."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "mosquitto"


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """One mosquitto on 127.0.0.1. `extra`: further lines of its settings (TLS, ACL).

    Persistence is on and saved each second, messages in flight are not limited: as in `kengd demo`.
    """

    host = "127.0.0.1"

    def __init__(self, directory: Path, *, port: int | None = None, extra: str = "", anonymous: bool = True) -> None:
        self.directory = directory
        self.port = port or free_port()
        directory.mkdir(parents=True, exist_ok=True)
        self.settings = directory / "mosquitto.conf"
        self.log = directory / "mosquitto.log"
        self.settings.write_text(
            f"""listener {self.port} 127.0.0.1
allow_anonymous {"true" if anonymous else "false"}
set_tcp_nodelay true
persistence true
persistence_location {directory}/
autosave_interval 1
max_inflight_messages 0
max_queued_messages 20000
user root
{extra}
"""
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid

    def start(self, within_s: float = 10.0) -> Broker:
        """Start it and wait until it accepts connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self.settings)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"mosquitto ended: {self.log.read_text()}")
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self
        self.kill()
        raise RuntimeError(f"mosquitto did not listen within {within_s} s: {self.log.read_text()}")

    def stop(self) -> None:
        """SIGTERM: it saves its sessions and ends."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what was not saved in the last second is lost."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nobody answers, as on a half-open link."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def __enter__(self) -> Broker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
