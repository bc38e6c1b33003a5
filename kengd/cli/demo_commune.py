"""What `kengd demo` lays out in its directory: the hub, its broker and five enrolled posts of Cộng Lạc.

The five villages and their bells are known from the newspapers, their names are not: the names here are examples.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kengd.cli.demo_hub import DemoHub, Enrolled, lay_out_hub
from kengd.errors import UsageError

COMMUNE = "cong-lac"
NAME = "Cộng Lạc"
KID = "demo-1"
HOST = "127.0.0.1"
KEEPERS = ("Ông Thái", "Bà Hoà", "Ông Lộc", "Bà Mận", "Ông Tẩm")
PLACES = ("nhà văn hóa", "sân đình", "trạm bơm", "cổng làng", "trường mầm non")


@dataclass(frozen=True, slots=True)
class DemoPost:
    """One post of the demo. `port`, `tls_port`: of its page on 127.0.0.1; `keeper`: who signs in there."""

    id: str
    name: str
    village: str
    place: str
    directory: Path
    port: int
    tls_port: int
    keeper: str

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
    hub: DemoHub
    hub_key: Path
    posts: tuple[DemoPost, ...]

    @property
    def broker_port(self) -> int:
        """Without TLS: for tools of others on this machine."""
        return self.hub.open_port

    @property
    def broker_config(self) -> Path:
        return self.hub.broker_config

    @property
    def web(self) -> str:
        """The hub's desk."""
        return f"http://{HOST}:{self.hub.web_port}"

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
            "hub": {
                "web": self.web,
                "config": str(self.hub.config),
                "first_login": str(self.hub.first_login),
                "keeper_pin": str(self.hub.keeper_pin),
            },
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
    """Make or renew all files of the demo. The hub, its key, all books and what the broker holds stay from the last time.

    Raises OSError, KengdError.
    """
    with ExitStack() as held:
        open_port, tls_port, hub_port, *web_ports = (_free_port(held) for _ in range(3 + 2 * len(PLACES)))
    pairs = zip(web_ports[::2], web_ports[1::2], strict=True)
    posts = tuple(_post(directory, number, *ports) for number, ports in enumerate(pairs, start=1))
    hub = DemoHub(directory / "hub", tls_port, open_port, hub_port)
    for needed in (hub.directory, directory / "logs", *(post.directory for post in posts)):
        needed.mkdir(mode=0o700, exist_ok=True)
    wishes = [
        Enrolled(post.id, post.name, post.village, post.directory, post_template(post), post.keeper) for post in posts
    ]
    key = directory / "hub.pem"  # one short name for what people copy into a command line
    key.unlink(missing_ok=True)
    key.symlink_to(os.path.relpath(lay_out_hub(hub, COMMUNE, NAME, KID, HOST, wishes), directory))
    return DemoCommune(directory, hub, key, posts)


def post_template(post: DemoPost) -> str:
    """What an installer knows of a post: pins, bell, hours. The hub adds who it is and whom it believes."""
    return f"""\
# Điểm kẻng chạy thử, do `kengd demo` viết lại mỗi lần chạy. Tên thôn chỉ là ví dụ.
state_dir = {_text(post.directory / "state")}

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

[web]
host = "{HOST}"
port = {post.port}
tls_port = {post.tls_port}

[clock]
assume = "ntp"                          # máy chạy thử có thể chưa đồng bộ giờ; chỉ chân mô phỏng mới được ghi thế này
"""


def _post(directory: Path, number: int, port: int, tls_port: int) -> DemoPost:
    place, keeper = PLACES[number - 1], KEEPERS[number - 1]
    post_id = f"{COMMUNE}-{number}"
    name = f"Điểm kẻng thôn {number} – {place}"
    return DemoPost(post_id, name, f"Thôn {number}", place, directory / post_id, port, tls_port, keeper)


def _free_port(held: ExitStack) -> int:
    """A free loopback port; it stays taken until `held` closes, so that the next one is another."""
    taken = held.enter_context(socket.socket())
    taken.bind((HOST, 0))
    port: int = taken.getsockname()[1]
    return port


def _text(value: object) -> str:
    """A TOML string."""
    return json.dumps(str(value), ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it, from the first byte on."""
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)
