"""`kengd hub begin`: a commune's hub from nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from kengd import clock
from kengd.errors import UsageError
from kengd.hub.founding import MOST_WORKERS, Wish, found
from kengd.hub.settings import SYSTEM_CONFIG
from kengd.wire.topics import check_slug


def run(args: argparse.Namespace) -> int:
    """Make it and say what comes next. Raises UsageError, KengdError."""
    host, _, port = args.web.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError("usage", "--web phải là MÁY:CỔNG", cure="ví dụ 0.0.0.0:8080", en="bad --web")
    if not 1 <= args.workers <= MOST_WORKERS:
        raise UsageError("usage", f"--workers là số từ 1 đến {MOST_WORKERS}", cure="thường là 2", en="bad --workers")
    wish = Wish(
        check_slug(args.commune), args.name, tuple(args.address), Path(args.state).absolute(), args.port,
        args.broker or args.listen or "127.0.0.1", host, int(port), args.login, args.database, args.listen,
        workers=args.workers,
    )  # fmt: skip
    made = found(wish, Path(args.config or SYSTEM_CONFIG), clock.now().wall_ms)
    print(f"Đã lập máy trực ban xã {args.name}.")
    print(f"  cài đặt:       {made.config}")
    print(f"  dữ liệu, khoá: {made.settings.state}")
    print(f"  máy chủ MQTT:  mosquitto -c {made.broker_config}")
    print(f"  đăng nhập:     {made.login}   mật khẩu lần đầu: {made.password}")
    print("Mật khẩu này chỉ hiện một lần và phải đổi khi đăng nhập. Tiếp theo:")
    print("  kengd hub enrol MÃ_ĐIỂM --name … --villages …    (mỗi điểm kẻng một tệp)")
    print("  kengd hub backup TỆP                              (cất bản sao khoá ở nơi khác)")
    return 0
