"""The hub of a commune in the guest: a broker with TLS, the wire that leads to it, an ear that writes down what posts say, orders."""

from __future__ import annotations

import json
from typing import Any

from tests.machine.machine import Machine, MachineError
from tests.machine.post import KENGD, THERE

PYTHON = "/opt/kengd/current/bin/python"
KEYS = "/root/pki"
PLACE = "/run/hub"
PORT, WIRE_PORT = 8884, 8883
"""Of the broker, and where the post finds it: at the end of the wire."""
BROKER = f"""user root
listener {PORT} 127.0.0.1
cafile {KEYS}/ca.pem
certfile {KEYS}/server.pem
keyfile {KEYS}/server.key
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {PLACE}/acl
persistence true
persistence_location {PLACE}/
autosave_interval 1
max_queued_messages 0
"""
ACL = """user hub
topic readwrite kengd/1/cong-lac/#

user desk
topic readwrite kengd/1/cong-lac/#

pattern read kengd/1/cong-lac/%u/command
pattern read kengd/1/cong-lac/all/command
pattern write kengd/1/cong-lac/%u/status
pattern write kengd/1/cong-lac/%u/entry
"""
POST_SETTINGS = f"""
[broker]
host = "127.0.0.1"
port = {WIRE_PORT}
ca = "credential:ca.pem"
cert = "credential:broker.pem"
key = "credential:broker.key"

[[hub.keys]]
kid = "xa-1"
public = "{{public}}"
"""


class Hub:
    """Everything but the post. The post's certificate has to be laid out (`lay_keys`) before the service starts."""

    def __init__(self, machine: Machine) -> None:
        """Makes keys and settings; `THERE` must have been filled (by `Unit`)."""
        self._machine = machine
        self._public = machine.must(f"{PYTHON} -I {THERE}/pki.py {KEYS}", 120)
        machine.put(PLACE, {"mosquitto.conf": BROKER.encode(), "acl": ACL.encode()})
        machine.must(f"chmod 600 {PLACE}/acl")

    @property
    def post_settings(self) -> str:
        """For the end of the post's settings."""
        return POST_SETTINGS.format(public=self._public)

    def lay_keys(self, *, ca: str = "ca", cert: str = "post") -> None:
        """What the installer brings: the post's keys, where only root can read them. Read at the service's start."""
        put = " && ".join(
            f"install -m 600 {KEYS}/{source} /etc/kengd/keys/{target}"
            for source, target in (
                (f"{ca}.pem", "ca.pem"),
                (f"{cert}.pem", "broker.pem"),
                (f"{cert}.key", "broker.key"),
            )
        )
        self._machine.must(put)

    # ---- broker, wire, ear

    def start_broker(self) -> None:
        """As it was before, with what it kept."""
        self._run("broker", f"/usr/sbin/mosquitto -c {PLACE}/mosquitto.conf")

    def kill_broker(self) -> None:
        """SIGKILL."""
        self._kill("broker")

    def lay_wire(self) -> None:
        """Let the post reach the broker."""
        self._run("wire", f"/usr/bin/python3 -I {THERE}/wire.py {WIRE_PORT} {PORT}")

    def cut_wire(self) -> None:
        """It breaks."""
        self._kill("wire")

    def freeze_wire(self) -> None:
        """It swallows everything, and neither end is told."""
        self._machine.must("systemctl kill -s STOP wire")

    def listen(self) -> None:
        """The hub hears from now on, also what was said while it did not."""
        keys = f"{KEYS}/ca.pem {KEYS}/hub.pem {KEYS}/hub.key"
        self._run("ear", f"{PYTHON} -I {THERE}/ear.py {PORT} {PLACE}/heard {keys}")

    def heard(self, leaf: str = "entry") -> list[dict[str, Any]]:
        """What was said, in the order in which it came, twice what came twice."""
        ran = self._machine.run(f"cat {PLACE}/heard")
        notes = [json.loads(line) for line in ran.output.splitlines()] if ran.code == 0 else []
        return [note["said"] for note in notes if note["leaf"] == leaf]

    # ---- orders

    def order(self, words: str, timeout_s: float = 15) -> tuple[int, list[dict[str, Any]]]:
        """`kengd command … WORDS` at the broker itself; its exit code, and the entries that answered. Raises MachineError."""
        keys = f"--ca {KEYS}/ca.pem --cert {KEYS}/desk.pem --cert-key {KEYS}/desk.key"
        where = f"--broker 127.0.0.1:{PORT} --commune cong-lac {keys} --key {KEYS}/order.pem --kid xa-1 --post thon-1"
        ran = self._machine.run(f"{KENGD} command {where} --json --timeout {timeout_s} {words} 2>{PLACE}/said", 120)
        if ran.code not in (0, 1):
            raise MachineError(self._machine.run(f"cat {PLACE}/said").output)
        return ran.code, [json.loads(line) for line in ran.output.splitlines() if line.startswith("{")]

    def _run(self, name: str, command: str) -> None:
        self._machine.must(f"systemd-run -q --collect --unit={name} {command}")

    def _kill(self, name: str) -> None:
        self._machine.must(
            f"systemctl kill -s KILL {name}; while systemctl is-active -q {name}; do sleep 0.05; done; true", 30
        )
