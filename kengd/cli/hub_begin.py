"""`kengd hub begin`: a commune's hub from nothing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kengd import clock
from kengd.cli.hub_open import say
from kengd.errors import UsageError
from kengd.hub.founding import MOST_WORKERS, Founded, Wish, found
from kengd.hub.settings import SYSTEM_CONFIG, VARIABLE
from kengd.settings.crosscheck import LOOPBACK
from kengd.settings.problems import SettingsError
from kengd.wire.topics import check_slug

OPTIONS: Final[Mapping[str, str]] = {
    "state_dir": "--state",
    "commune.id": "--commune",
    "commune.name": "--name",
    "database.url": "--database",
    "broker.names": "--address",
    "broker.host": "--broker",
    "broker.port": "--port",
    "broker.listen": "--listen",
    "web.host": "--web",
    "web.port": "--web",
}
"""Setting of hub.toml → the option that it is made from: nobody has written the line that would be named otherwise."""


def run(args: argparse.Namespace) -> int:
    """Make it and say what comes next. Raises UsageError, KengdError."""
    host, _, port = args.web.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise UsageError("usage", "--web phải là MÁY:CỔNG", cure="ví dụ 0.0.0.0:8080", en="bad --web")
    if not 1 <= args.workers <= MOST_WORKERS:
        raise UsageError("usage", f"--workers là số từ 1 đến {MOST_WORKERS}", cure="thường là 2", en="bad --workers")
    wish = Wish(
        check_slug(args.commune), args.name, tuple(args.address), Path(args.state).absolute(), args.port,
        args.broker or args.listen or "127.0.0.1", host, int(port), login=args.login, database_url=args.database,
        listen=args.listen, workers=args.workers, own_cert=not (args.plain_http or host.startswith(LOOPBACK)),
    )  # fmt: skip
    made = _found(wish, Path(args.config or os.environ.get(VARIABLE) or SYSTEM_CONFIG))
    print(f"Đã lập máy trực ban xã {args.name}.")
    print(f"  cài đặt:       {made.config}")
    print(f"  dữ liệu, khoá: {made.settings.state}")
    print(f"  máy chủ MQTT:  mosquitto -c {made.broker_config}")
    print(f"  trang:         {'https' if wish.own_cert else 'http'}://{_seen_as(host, wish)}:{port}")
    print(f"  đăng nhập:     {made.login}   mật khẩu lần đầu: {made.password}")
    print("Mật khẩu này chỉ hiện một lần và phải đổi khi đăng nhập. Tiếp theo:")
    say("  kengd hub enrol MÃ_ĐIỂM --name … --villages …    (mỗi điểm kẻng một tệp)")
    say("  kengd hub backup TỆP                              (cất bản sao khoá ở nơi khác)")
    return 0


def _seen_as(host: str, wish: Wish) -> str:
    """What a browser is told for "all addresses of this machine"."""
    return wish.addresses[0] if host in ("0.0.0.0", "::", "[::]") else host


def _found(wish: Wish, config: Path) -> Founded:
    try:
        return found(wish, config, clock.now().wall_ms)
    except SettingsError as wrong:
        rows = [(_option(problem.where), problem) for problem in wrong.problems]
        raise UsageError(
            "usage",
            "; ".join(f"{option}: {problem.vi}" for option, problem in rows),
            cure="; ".join(f"{option}: {problem.cure}" for option, problem in rows if problem.cure),
            en=", ".join(f"bad {option}" for option, _ in rows),
        ) from None


def _option(where: str) -> str:
    """ "broker.names[2]" as "--address"."""
    return OPTIONS.get(where.partition("[")[0], where)
