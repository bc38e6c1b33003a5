"""`kengd hub backup|restore TỆP`: the whole hub in one file, and a hub from it. The nightly one reads its passphrase from a file."""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
from pathlib import Path
from typing import Final

from kengd import clock
from kengd.cli.hub_open import actor, say
from kengd.errors import UsageError
from kengd.hub.authority.broker import CONF
from kengd.hub.founding import BROKER_DIR
from kengd.hub.keeping import backup, restore
from kengd.hub.settings import SYSTEM_CONFIG, VARIABLE, load_hub

LONGEST: Final = 4096


def run(args: argparse.Namespace) -> int:
    """Raises UsageError, KengdError."""
    config = Path(args.config or os.environ.get(VARIABLE) or SYSTEM_CONFIG).absolute()
    return _backup(args, config) if args.act == "backup" else _restore(args, config)


def _backup(args: argparse.Namespace, config: Path) -> int:
    settings = load_hub(str(config))
    passphrase = _passphrase(args, twice=True)
    path = Path(args.file).absolute()
    if (
        path.parent.parent == settings.state
    ):  # its own place for backups; anywhere else a slip of the pen makes no directories
        path.parent.mkdir(0o700, exist_ok=True)
    made = backup(settings, config, path, passphrase, str(actor().id), clock.now().wall_ms)
    print(f"Đã sao lưu {made.path}: {made.rows} dòng sổ, {made.bytes / 1e6:.1f} MB.")
    for outside in made.outside:
        print(f"  không nằm trong bản sao lưu, hãy cất riêng: {outside}")
    print("Khoá trong tệp được mã hoá bằng câu mật khẩu; số điện thoại và sổ thì không: cất tệp ở nơi an toàn.")
    return 0


def _restore(args: argparse.Namespace, config: Path) -> int:
    passphrase = _passphrase(args, twice=False)
    state = None if args.state is None else Path(args.state).absolute()
    made = restore(Path(args.file).absolute(), config, passphrase, str(actor().id), clock.now().wall_ms, state)
    print(f"Đã khôi phục bản sao lưu lúc {clock.local(made.made_ms):%H:%M %d/%m/%Y}: {made.rows} dòng sổ.")
    print(f"  cài đặt: {config}")
    print(f"  dữ liệu: {made.settings.state}")
    if made.settings.database.url is not None:
        print("  sổ:      trong PostgreSQL, như [database] url của tệp cài đặt")
    print("Lệnh cũ không được phát lại; các máy phải đăng nhập lại. Tiếp theo:")
    print(f"  khởi động lại máy chủ MQTT, với tệp {made.settings.state / BROKER_DIR / CONF}")
    if str(config) == SYSTEM_CONFIG:
        print("  sudo systemctl restart kengd-hub")
    else:
        say(
            f"  kengd --config {shlex.quote(str(config))} hub serve   (máy trực ban ở chỗ này; lệnh nào cũng phải kèm --config)"
        )
    return 0


def _passphrase(args: argparse.Namespace, *, twice: bool) -> str:
    if args.passphrase_file is not None:
        return _from_file(args.passphrase_file)
    try:
        first = getpass.getpass("Câu mật khẩu của bản sao lưu: ")
        if twice and getpass.getpass("Nhập lại: ") != first:
            raise UsageError(
                "passphrases_differ", "hai lần nhập không giống nhau", cure="làm lại", en="the two do not match"
            )
    except EOFError:
        raise UsageError(
            "no_passphrase",
            "chưa có câu mật khẩu",
            cure="nhập ở bàn phím, hoặc dùng --passphrase-file TỆP",
            en="no passphrase",
        ) from None
    return first


def _from_file(path: str) -> str:
    """The file's first line."""
    try:
        with open(path, encoding="utf-8") as file:
            line = file.readline(LONGEST).strip("\r\n")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(
            "no_passphrase",
            f"không đọc được câu mật khẩu trong {path}",
            cure="xem lại --passphrase-file; tệp phải đọc được bởi người chạy lệnh",
            en=f"cannot read {path}",
        ) from wrong
    if not line:
        raise UsageError("no_passphrase", f"{path} trống", cure="ghi câu mật khẩu vào dòng đầu", en="empty file")
    return line
