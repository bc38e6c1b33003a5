"""What `kengd demo` lays out in its directory: the hub's key, the broker's settings and five posts of Cộng Lạc.

The five villages and their bells are known from the newspapers, their names are not: the names here are examples.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kengd.errors import UsageError

COMMUNE = "cong-lac"
KID = "demo-1"
HOST = "127.0.0.1"
PLACES = ("nhà văn hóa", "sân đình", "trạm bơm", "cổng làng", "trường mầm non")


@dataclass(frozen=True, slots=True)
class DemoPost:
    """One post of the demo. `port`: of its page on 127.0.0.1."""

    id: str
    name: str
    village: str
    place: str
    directory: Path
    port: int

    @property
    def config(self) -> Path:
        return self.directory / "kengd.toml"

    @property
    def web(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class DemoCommune:
    """Everything that lies in the demo's directory."""

    directory: Path
    broker_port: int
    posts: tuple[DemoPost, ...]

    @property
    def broker_config(self) -> Path:
        return self.directory / "broker" / "mosquitto.conf"

    @property
    def hub_key(self) -> Path:
        return self.directory / "hub.pem"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def card(self) -> Path:
        """`demo.json`: there exactly while every post is ready."""
        return self.directory / "demo.json"

    def show_card(self) -> None:
        """Write `demo.json` (DESIGN section 8) in one step."""
        card: dict[str, Any] = {
            "broker": {"host": HOST, "port": self.broker_port},
            "hub_key": str(self.hub_key),
            "kid": KID,
            "posts": [{"post": post.id, "config": str(post.config), "web": post.web} for post in self.posts],
        }
        _write(self.card, json.dumps(card, ensure_ascii=False, indent=2) + "\n")


def demo_directory(given: str | None) -> Path:
    """`--dir`, else kengd-demo in the user's data directory. Raises UsageError on a name that settings files cannot hold."""
    if given is None:
        data = os.environ.get("XDG_DATA_HOME", "")
        given = os.path.join(data if os.path.isabs(data) else os.path.expanduser("~/.local/share"), "kengd-demo")
    path = os.path.abspath(given)
    if not path.isprintable():
        raise UsageError(
            "bad_dir",
            f"tên thư mục không dùng được: {path!r}",
            cure="chọn thư mục khác bằng --dir",
            en="bad directory name",
        )
    return Path(path)


def lay_out(directory: Path) -> DemoCommune:
    """Make or renew all files of the demo. Keys, books and what the broker holds stay from the last time. Raises OSError."""
    with ExitStack() as held:
        broker_port, *web_ports = (_free_port(held) for _ in range(1 + len(PLACES)))
    posts = tuple(_post(directory, number, port) for number, port in enumerate(web_ports, start=1))
    commune = DemoCommune(directory, broker_port, posts)
    for needed in (commune.broker_config.parent, commune.logs, *(post.directory for post in posts)):
        needed.mkdir(mode=0o700, exist_ok=True)
    public = _hub_key(commune.hub_key)
    _write(commune.broker_config, broker_settings(commune))
    for post in posts:
        _write(post.config, post_settings(post, broker_port, public))
    return commune


def broker_settings(commune: DemoCommune) -> str:
    """A private mosquitto: loopback only, nothing delayed, nothing that was confirmed lost when it is killed."""
    lines = [
        f"listener {commune.broker_port} {HOST}",
        "allow_anonymous true",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {commune.broker_config.parent}/",
        "autosave_interval 1",
        "max_queued_messages 100000",
        "max_inflight_messages 0",
        "log_dest stderr",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    if os.getuid() == 0:  # else it becomes the user `mosquitto`, who may not write here
        lines.append(f"user {pwd.getpwuid(0).pw_name}")
    return "\n".join(lines) + "\n"


def post_settings(post: DemoPost, broker_port: int, public: str) -> str:
    """The settings file of one post. `public`: the hub's key, raw, base64url."""
    return f"""\
# Điểm kẻng chạy thử, do `kengd demo` viết lại mỗi lần chạy. Tên thôn chỉ là ví dụ.
state_dir = {_text(post.directory / "state")}

[post]
commune = "{COMMUNE}"
id = "{post.id}"
name = {_text(post.name)}
villages = [{_text(post.village)}]

[codebook]
use = "cong_lac"

[bell]
kind = "striker"

[gpio]
pins = "simulated"                      # không có rơ-le nào kêu thật

[gpio.relay]
pin = 17

[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"
place = {_text(post.place)}
hold_ms = 1000

[[gpio.buttons]]
name = "hush"
pin = 6
does = "hush"
place = {_text(post.place)}

[gpio.lamps]
bell = 22
police = 23

[[timetable]]
at = "22:00"
days = "daily"
signal = "curfew"

[broker]
host = "{HOST}"
port = {broker_port}

[[hub.keys]]
kid = "{KID}"
public = "{public}"

[web]
host = "{HOST}"
port = {post.port}

[clock]
assume = "ntp"                          # máy chạy thử có thể chưa đồng bộ giờ; chỉ chân mô phỏng mới được ghi thế này
"""


def _post(directory: Path, number: int, port: int) -> DemoPost:
    place = PLACES[number - 1]
    post_id = f"{COMMUNE}-{number}"
    return DemoPost(post_id, f"Điểm kẻng thôn {number} – {place}", f"Thôn {number}", place, directory / post_id, port)


def _free_port(held: ExitStack) -> int:
    """A free loopback port; it stays taken until `held` closes, so that the next one is another."""
    taken = held.enter_context(socket.socket())
    taken.bind((HOST, 0))
    port: int = taken.getsockname()[1]
    return port


def _hub_key(path: Path) -> str:
    """Make the demo hub's Ed25519 key, or keep the one that is there; its public half, raw, base64url."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(path, pem.decode())
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _text(value: object) -> str:
    """A TOML string."""
    return json.dumps(str(value), ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it, from the first byte on."""
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)
