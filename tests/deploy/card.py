"""A boot partition, the system's directories, and hands from which the power can be taken: for the tests of the intake."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from kengd.cli.intake import Places, Said, take_in
from kengd.cli.intake_hands import Hands
from kengd.wire.pin import pin_hash, write_pins
from tests.deploy.pem import pair

SETTINGS = """\
# Kẻng thôn 1
state_dir = "{state}"

[post]
commune = "cong-lac"
id = "thon-1"
name = "{name}"

[gpio]
pins = "simulated"
relay = {{ pin = 17 }}

[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"
"""
BROKER = """
# Đường dây tới xã
[broker]
host = "127.0.0.1"
ca = "credential:ca.pem"
cert = "credential:broker.pem"
key = "credential:broker.key"
username = "thon-1"
password_file = "credential:broker.password"

[[hub.keys]]
kid = "xa-2026"
public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"""
MOUNTS = "25 1 179:2 / / rw,noatime - ext4 /dev/root rw\n26 25 179:1 / /boot/firmware rw - vfat /dev/mmcblk0p1 rw\n"
WEB = """
[web]
host = "0.0.0.0"
tls_port = 8443
cert = "credential:web.pem"
key = "credential:web.key"
pins = "credential:web.pins"
"""
PASSWORD = "mat-khau-thu"
PINS = write_pins({"Ông Thái": pin_hash("204865", bytes(16)), "Bà Hoà": pin_hash("591730", bytes(16))})


def key_table(**changed: str | None) -> str:
    """`[keys]` with the line's four keys, and others that are given; None leaves one out. Underscores stand for dots."""
    certificate, private = pair("thon-1")
    keys = {
        "ca.pem": pair("xa")[0],
        "broker.pem": certificate,
        "broker.key": private,
        "broker.password": PASSWORD,
    }
    for name, value in changed.items():
        keys[name.replace("_", ".")] = value  # type: ignore[assignment]
    rows = [f'"{name}" = """\n{value}"""' for name, value in keys.items() if value is not None]
    return "\n[keys]\n" + "\n".join(rows) + "\n"


class PowerCut(Exception):
    """There is no power any more."""


@dataclass
class CutHands(Hands):
    """The power goes at the `cut_at`-th deed: before it (`when` 0), with half of its bytes written (1), or just after it (2)."""

    cut_at: int = -1
    when: int = 0
    done: list[str] = field(default_factory=list)

    def _deed(self, name: str, path: Path) -> bool:
        self.done.append(f"{name} {path.name}")
        return len(self.done) - 1 == self.cut_at

    def write(self, path: Path, data: bytes, mode: int, group: int | None = None) -> None:
        cut = self._deed("write", path)
        if cut and self.when < 2:
            if self.when == 1:  # all that can be seen of half a write is the unfinished file beside it
                path.with_name(f".{path.name}.new").write_bytes(data[: len(data) // 2])
            raise PowerCut
        super().write(path, data, mode, group)
        if cut:
            raise PowerCut

    def note(self, path: Path, data: bytes) -> None:
        cut = self._deed("note", path)
        if cut and self.when < 2:
            if self.when == 1:
                path.write_bytes(data[: len(data) // 2])
            raise PowerCut
        super().note(path, data)
        if cut:
            raise PowerCut

    def rename(self, source: Path, target: Path) -> None:
        cut = self._deed("rename", source)
        if cut and self.when < 2:
            raise PowerCut
        super().rename(source, target)
        if cut:
            raise PowerCut

    def overwrite(self, path: Path) -> None:
        cut = self._deed("overwrite", path)
        if cut and self.when < 2:
            if self.when == 1:
                with open(path, "r+b") as file:
                    file.write(bytes(path.stat().st_size // 2))
            raise PowerCut
        super().overwrite(path)
        if cut:
            raise PowerCut

    def remove(self, path: Path) -> None:
        cut = self._deed("remove", path)
        if cut and self.when < 2:
            raise PowerCut
        super().remove(path)
        if cut:
            raise PowerCut


class Card:
    """The card in a PC, and then in the machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.boot = root / "boot"
        self.etc = root / "etc/kengd"
        self.boot.mkdir(parents=True)
        self.etc.mkdir(parents=True)
        self.mounts = root / "mountinfo"
        self.mounts.write_text(MOUNTS)
        self.places = Places(self.boot, self.etc / "kengd.toml", self.etc / "keys", os.getgid())

    def settings(self, name: str = "Kẻng thôn 1", broker: str = "") -> str:
        """A good settings file."""
        return SETTINGS.format(state=self.root / "state", name=name) + broker

    def drop(self, text: str | bytes, name: str = "kengd.toml") -> Path:
        """As from a PC."""
        file = self.boot / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def take(self, hands: Hands | None = None) -> Said:
        """The machine starts."""
        return take_in(self.places, hands or Hands(), str(self.mounts))

    def said(self, name: str) -> str:
        """A note on the partition, as Windows shows it."""
        raw = (self.boot / name).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf") and b"\n" not in raw.replace(b"\r\n", b"")
        return raw.decode("utf-8-sig").replace("\r\n", "\n")

    def on_boot(self) -> list[str]:
        """What lies on the partition."""
        return sorted(path.name for path in self.boot.iterdir())

    def kept(self) -> dict[str, tuple[str, int]]:
        """Text and mode of everything below /etc/kengd."""
        return {
            str(path.relative_to(self.etc)): (path.read_text(), path.stat().st_mode & 0o777)
            for path in sorted(self.etc.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
