"""`kengd demo`: the commune of Cộng Lạc on one machine. A private broker, the hub, and five posts on simulated pins."""

from __future__ import annotations

import argparse
import fcntl
import http.client
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import kengd
from kengd.cli.demo_commune import HOST, DemoCommune, DemoPost, demo_directory, lay_out
from kengd.cli.demo_ending import StopAsked
from kengd.cli.demo_family import Child, Family
from kengd.cli.demo_greeting import greeting
from kengd.errors import KengdError

READY_WITHIN_S = 180.0
"""Five posts at once on the slowest Pi."""
SOON_S = 10.0
"""A process that ends sooner than this after its start is started again more slowly."""
LONGEST_PAUSE_S = 30.0

_HOME = Path(kengd.__file__).resolve().parents[1]  # `-m kengd` finds our code from here, installed or not


def add_parser(subparsers: Any) -> None:
    """Add `demo`."""
    parser = subparsers.add_parser("demo", help="chạy thử cả xã Cộng Lạc trên một máy, chân mô phỏng")
    parser.add_argument("--dir", metavar="D", help="thư mục của bản chạy thử (mặc định ~/.local/share/kengd-demo)")
    opens = "mở trang trực ban và trang điểm kẻng đầu tiên bằng trình duyệt (mặc định: mở nếu máy có màn hình)"
    parser.add_argument("--open", action=argparse.BooleanOptionalAction, help=opens)


def run(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM. Raises KengdError `no_mosquitto`, `demo_running`, `demo_dir`, `demo_failed`."""
    opens = _is_before_a_screen() if args.open is None else args.open
    return run_demo(demo_directory(args.dir), post_argv, open_pages if opens else lambda commune: None)


def post_argv(post: DemoPost) -> list[str]:
    """The command that runs one post."""
    return [sys.executable, "-m", "kengd", "--config", str(post.config), "run"]


def hub_argv(commune: DemoCommune) -> list[str]:
    """The command that runs the hub."""
    return [sys.executable, "-m", "kengd", "--config", str(commune.hub.config), "hub", "serve"]


def open_pages(commune: DemoCommune) -> None:
    """Desk and first post, a window each: how they lie on the screen is the browser's affair. Without a screen, a word."""
    if not _has_display():
        _say("Máy này không có màn hình để mở trình duyệt: mở hai địa chỉ trên ở máy có màn hình (ssh -L).")
        return
    import webbrowser

    for address in (commune.web, f"{commune.posts[0].web}/"):
        webbrowser.open_new(address)


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _is_before_a_screen() -> bool:
    """Somebody sits there and has typed it; root has no browser."""
    return _has_display() and sys.stdout.isatty() and os.geteuid() != 0


def run_demo(
    directory: Path,
    post_argv: Callable[[DemoPost], list[str]],
    ready: Callable[[DemoCommune], None] = lambda commune: None,
) -> int:
    """The whole demo in this directory; `post_argv` says what is run as a post, `ready` is called when all of it runs.

    Ends every process it started.
    """
    mosquitto = find_mosquitto()
    stop = StopAsked()
    with _alone_in(directory):
        family = Family(directory)
        (directory / "demo.json").unlink(missing_ok=True)
        strays = family.end_strays()
        if strays:
            _say(f"Lần chạy trước bị tắt ngang: đã dọn {strays} tiến trình còn sót.")
        try:
            commune = lay_out(directory)
        except OSError as wrong:
            raise _no_room(directory, wrong) from wrong
        try:
            broker = [mosquitto, "-c", str(commune.broker_config)]
            return _live(commune, family, stop, broker, post_argv, ready)
        finally:
            _end(directory, family, stop)


def find_mosquitto() -> str:
    """The broker's program; Debian keeps it where only root looks. Raises KengdError `no_mosquitto`."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise KengdError(
            "no_mosquitto",
            "máy này chưa có mosquitto (máy chủ MQTT)",
            cure="chạy: sudo apt-get install mosquitto   hoặc chạy deploy/demo.sh bằng quyền root",
            en="mosquitto is not installed",
        )
    return found


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Hold the directory for as long as the demo lives; the kernel lets go of it whatever becomes of us."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / "lock").open("a")
    except OSError as wrong:
        raise _no_room(directory, wrong) from wrong
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KengdError(
                "demo_running",
                f"đang có một bản chạy thử khác trong {directory}",
                cure="dừng bản kia bằng Ctrl-C, hoặc chọn thư mục khác: kengd demo --dir THƯ_MỤC",
                en="another demo runs in this directory",
            ) from None
        yield


def _live(
    commune: DemoCommune,
    family: Family,
    stop: StopAsked,
    broker_argv: list[str],
    post_argv: Callable[[DemoPost], list[str]],
    ready: Callable[[DemoCommune], None],
) -> int:
    """Start all, greet, keep all alive until the end is asked for."""
    broker = Child("mosquitto", broker_argv, commune.logs / "mosquitto.log", commune.directory)
    family.start(broker)
    if not _await_ready([(broker, partial(_listens, commune.broker_port))], family, stop):
        return 0
    _say("Đang mở máy trực ban và 5 điểm kẻng …")
    hub = Child("máy trực ban", hub_argv(commune), commune.logs / "hub.log", _HOME)
    family.start(hub)
    waiting: list[tuple[Child, Callable[[], bool]]] = [(hub, partial(_is_ready, commune.hub.web_port))]
    for post in commune.posts:
        child = Child(post.name, post_argv(post), commune.logs / f"{post.id}.log", _HOME)
        family.start(child)
        waiting.append((child, partial(_is_ready, post.port)))
    if not _await_ready(waiting, family, stop):
        return 0
    commune.show_card()
    _say(greeting(commune))
    ready(commune)
    pauses: dict[str, float] = {}
    again: list[tuple[float, Child]] = []
    while not stop.wait(1.0 if not again else 0.2):
        for child in family.reap():
            pauses[child.name] = pause = _pause(child, pauses.get(child.name, 1.0))
            _say(f"{child.name} đã dừng (mã {child.code}), mở lại sau {pause:.0f} giây. Nhật ký: {child.log}")
            again.append((time.monotonic() + pause, child))
        for due in [row for row in again if row[0] <= time.monotonic()]:
            again.remove(due)
            family.start(due[1])
            _say(f"{due[1].name} đã được mở lại.")
    return 0


def _pause(child: Child, last_s: float) -> float:
    """As systemd would: again after a second, more slowly when it ends again and again."""
    return 1.0 if time.monotonic() - child.started_s > SOON_S else min(2 * last_s, LONGEST_PAUSE_S)


def _await_ready(waiting: list[tuple[Child, Callable[[], bool]]], family: Family, stop: StopAsked) -> bool:
    """False when the end was asked for meanwhile. Raises KengdError `demo_failed` when one ends or is not ready in time."""
    deadline = time.monotonic() + READY_WITHIN_S
    while waiting:
        if stop.wait(0.05):
            return False
        for child in family.reap():
            raise _failed(child, f"{child.name} tự dừng lúc khởi động (mã {child.code})")
        waiting = [(child, ready) for child, ready in waiting if not ready()]
        if waiting and time.monotonic() > deadline:
            raise _failed(waiting[0][0], f"{waiting[0][0].name} không sẵn sàng sau {READY_WITHIN_S:.0f} giây")
    return True


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_ready(port: int) -> bool:
    """`GET /healthz` answers 200."""
    line = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _end(directory: Path, family: Family, stop: StopAsked) -> None:
    """Posts first, so that they can still say goodbye to the broker. Asked a second time, it is done at once."""

    def hurry() -> bool:
        return stop.times > 1

    (directory / "demo.json").unlink(missing_ok=True)
    family.end(family.children[1:], hurry)
    family.end(family.children, hurry)
    family.end_everything(hurry)
    if stop.times:
        _say("Đã dừng tất cả.")


def _failed(child: Child, vi: str) -> KengdError:
    tail = child.last_lines()
    return KengdError(
        "demo_failed",
        vi + (f"; cuối nhật ký:\n{tail}" if tail else ""),
        cure=f"xem {child.log}",
        en=f"{child.name} failed",
    )


def _no_room(directory: Path, wrong: OSError) -> KengdError:
    return KengdError(
        "demo_dir",
        f"không dùng được thư mục {directory} ({wrong.strerror or wrong})",
        cure="xem quyền ghi và chỗ trống, hoặc chọn thư mục khác: kengd demo --dir THƯ_MỤC",
        en=f"cannot use {directory}: {wrong}",
    )


def _say(text: str) -> None:
    print(text, flush=True)
