"""`kengd hub backup|restore TỆP`: the whole hub in one file, and a hub from it. The nightly one reads its passphrase from a file.

`kengd hub restore --checked`: what was shut out after the backup is shut out again; the hub stops to remind of it.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
from pathlib import Path
from typing import Final

from kengd import clock
from kengd.cli.hub_open import actor, reading, say
from kengd.errors import UsageError
from kengd.hub import restored
from kengd.hub.authority.broker import CONF
from kengd.hub.founding import BROKER_DIR
from kengd.hub.keeping import Restored, backup, restore
from kengd.hub.settings import SYSTEM_CONFIG, VARIABLE, load_hub

LONGEST: Final = 4096


def run(args: argparse.Namespace) -> int:
    """Raises UsageError, KengdError."""
    config = Path(args.config or os.environ.get(VARIABLE) or SYSTEM_CONFIG).absolute()
    if args.act == "backup":
        return _backup(args, config)
    if args.checked == (args.file is not None):
        raise UsageError(
            "usage",
            "phải ghi tệp sao lưu, hoặc chỉ một mình --checked",
            cure="kengd hub restore TỆP; khi đã thu hồi lại xong: kengd hub restore --checked",
            en="either a file or --checked",
        )
    return _checked(args) if args.checked else _restore(args, config)


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
    print("Lệnh cũ không được phát lại; các máy phải đăng nhập lại; mọi mã truy cập (API token) đã bị thu hồi.")
    _say_what_to_check(made)
    print("Sau đó:")
    print(f"  khởi động lại máy chủ MQTT, với tệp {made.settings.state / BROKER_DIR / CONF}")
    if str(config) == SYSTEM_CONFIG:
        print("  sudo systemctl restart kengd-hub")
    else:
        say(
            f"  kengd --config {shlex.quote(str(config))} hub serve   (máy trực ban ở chỗ này; lệnh nào cũng phải kèm --config)"
        )
    return 0


def _say_what_to_check(made: Restored) -> None:
    """The backup knows nothing of what was revoked after it: only people do."""
    at = clock.local(made.made_ms)
    posts, readers, bridges = (
        ", ".join(sorted({one.subject for one in made.index.valid(kind)})) or "-"
        for kind in ("post", "reader", "bridge")
    )
    officers = ", ".join(one.login for one in made.officers if one.login is not None)
    keys = ", ".join(key.kid for key in made.index.usable_keys())
    print(f"TRƯỚC KHI CHẠY MÁY TRỰC BAN: ai, máy nào bị thu hồi sau {at:%H:%M %d/%m/%Y} nay LẠI VÀO ĐƯỢC.")
    print("Làm lại từng việc đã làm sau lúc đó:")
    say("  điểm kẻng bị mất, đã thay máy: kengd hub revoke MÃ")
    print(f"    đang vào được: {posts}")
    say("  cán bộ đã nghỉ: kengd hub users end TÊN; đã đổi mật khẩu: kengd hub users password TÊN")
    print(f"    đang vào được: {officers}")
    say("  khoá ký lệnh đã thôi dùng: kengd hub keys retire TÊN, kengd hub keys revoke TÊN")
    print(f"    đang dùng: {keys}")
    say("  máy chỉ xem, cầu nối: kengd hub keys reader TÊN --end, kengd hub keys bridge XÃ --end")
    print(f"    đang vào được: máy chỉ xem {readers}, cầu nối {bridges}")
    print("  vai trò, PIN của cán bộ và người giữ kẻng đã đổi: sửa lại trên trang của máy trực ban")
    print(
        "  tệp cấp cho điểm kẻng SAU lúc đó: sổ không biết, không thu hồi riêng được; máy ấy mà bị mất thì phải lập lại CA"
    )
    say("Xong thì gõ: kengd hub restore --checked (tới lúc đó bảng trực ban còn nhắc).")
    print(f"BEFORE THE HUB RUNS: whoever and whatever was revoked after {at:%Y-%m-%d %H:%M} is let in AGAIN.")
    print(
        "  Revoke once more, by the commands above: posts, officers, signing keys, readers, bridges; and change again"
    )
    print(
        "  passwords, PINs and roles. Files given to posts after that are unknown here: only a new CA shuts them out."
    )
    print("  Then confirm with restore --checked; until then the duty board says so. All API tokens were ended.")


def _checked(args: argparse.Namespace) -> int:
    with reading(args) as (_, ledger), ledger.write() as connection:
        found = restored.confirm(connection, str(actor().id), clock.now().wall_ms)
    if found is None:
        print("Không có lần khôi phục nào chờ xác nhận. / No restore waits to be confirmed.")
    else:
        print("Đã ghi: đã thu hồi lại xong sau lần khôi phục. / Recorded: all was revoked again after the restore.")
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
