"""`kengd command`: make a signed command, send it, wait for the entries that answer it and print them.

A hub's smallest form. Exit code 0 when every post has answered and none refused, 1 else, 2 for wrong usage. With --json one
entry a line: for one post exactly what the post published, for several with the key `post` before it.
"""

from __future__ import annotations

import argparse
import getpass
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from kengd import clock
from kengd.cli.command_round import Answer, Outcome, Round
from kengd.errors import UsageError
from kengd.uplink.shell import ShellLink
from kengd.wire.entry import Entry, parse_at
from kengd.wire.orders import is_text
from kengd.wire.reasons import sentence
from kengd.wire.said import harmless, ordered
from kengd.wire.signing import read_private_key
from kengd.wire.topics import check_slug

LARGEST_FILE = 1 << 20
_KINDS = {
    "received": "máy đã nhận lệnh",
    "ringing": "đang đánh",
    "finished": "đánh xong",
    "cut": "bị ngắt",
    "failed": "hỏng, không đánh được",
    "tested": "đã kiểm tra cả đường, không kêu",
    "settings_changed": "đã đổi cài đặt",
    "started": "khởi động",
    "stopped": "dừng máy",
    "missed": "bỏ lỡ",
    "condition_raised": "có sự cố",
    "condition_cleared": "hết sự cố",
    "clock_stepped": "đồng hồ nhảy",
}


def add_parser(subparsers: Any) -> None:
    """Add `command` with one sub-command for each `do` of the wire."""
    parser = subparsers.add_parser("command", help="gửi một lệnh đã ký tới các điểm kẻng")
    parser.add_argument("--key", required=True, metavar="TỆP", help="khóa bí mật của máy trực ban (PKCS8 PEM)")
    parser.add_argument("--kid", required=True, metavar="TÊN", help="tên khóa, như trong cài đặt của điểm kẻng")
    parser.add_argument("--post", required=True, action="append", metavar="MÃ", help="mã điểm kẻng; ghi nhiều lần được")
    parser.add_argument("--broker", metavar="MÁY:CỔNG", help="máy chủ MQTT; không ghi thì lấy trong tệp cài đặt")
    parser.add_argument("--commune", metavar="MÃ", help="mã xã; không ghi thì lấy trong tệp cài đặt")
    parser.add_argument("--ca", metavar="TỆP", help="chứng thư gốc, khi --broker dùng TLS")
    parser.add_argument("--cert", metavar="TỆP", help="chứng thư của máy này, khi --broker đòi")
    parser.add_argument("--cert-key", metavar="TỆP", help="khóa của chứng thư đó")
    _common(parser, top=True)
    orders = parser.add_subparsers(dest="do", required=True, metavar="LỆNH")
    ring = _order(orders, "ring", "đánh một hiệu lệnh", "why")
    ring.add_argument("signal", metavar="HIỆU_LỆNH")
    ring.add_argument(
        "--purpose", choices=("actual", "drill", "test"), default="actual", help="thật, diễn tập, kiểm tra"
    )
    ring.add_argument("--at", type=int, metavar="GIÂY_UNIX", help="giờ đánh hẹn trước")
    hush = _order(orders, "hush", "dừng kẻng (chỉ tắt tiếng, chưa hết báo động)", "why")
    hush.add_argument("--activation", metavar="MÃ", help="chỉ dừng lần đánh này")
    _order(orders, "taken", "báo đã có người nhận xử lý").add_argument("activation", metavar="MÃ_LẦN_ĐÁNH")
    silence = _order(orders, "silence", "tạm ngừng kẻng thường lệ (báo động vẫn kêu)", "why")
    silence.add_argument("until", type=int, metavar="ĐẾN_GIÂY_UNIX", help="0 là thôi tạm ngừng")
    lock = _order(orders, "lock_input", "khóa một nút bị chập", "why")
    lock.add_argument("button", metavar="NÚT")
    lock.add_argument("--unlock", action="store_true", help="mở khóa")
    for do, what in (("codebook", "bảng hiệu lệnh"), ("timetable", "giờ kẻng")):
        order = _order(orders, do, f"gửi {what} mới", by=False)
        order.add_argument("version", type=int, metavar="SỐ_BẢN")
        order.add_argument("file", metavar="TỆP_JSON")
    replay = _order(orders, "replay", "xin gửi lại các mục của sổ kẻng", by=False)
    replay.add_argument("book", metavar="MÃ_SỔ")
    replay.add_argument("after_seq", type=int, metavar="SAU_SỐ")


def run(args: argparse.Namespace) -> int:
    """Send it and print the answers. Raises UsageError for wrong usage, KengdError when the broker cannot be reached."""
    key = read_private_key(_read(args.key))
    posts = list(dict.fromkeys(check_slug(post) for post in args.post))
    cmd = _cmd(args)
    if not (math.isfinite(args.timeout) and 0 < args.timeout <= 3600):
        raise UsageError("usage", "--timeout phải từ 0 đến 3600 giây", cure="ví dụ --timeout 15", en="bad --timeout")
    link, commune = _link(args)
    with link:
        link.connect()
        this_round = Round(link, commune, posts, args.kid, key, wall_s=time.time, mono_s=time.monotonic)
        code = 0
        for outcome in this_round.run(cmd, args.timeout):
            if isinstance(outcome, Answer):
                print(_line(outcome, as_json=args.json, several=len(posts) > 1, old=args.do == "replay"), flush=True)
                failed = outcome.entry.kind in ("refused", "failed") and args.do != "replay"  # those are of long ago
                code = 1 if failed else code
            else:
                print(_unanswered(outcome, args.timeout), file=sys.stderr)
                code = 1
        return code


def _common(parser: argparse.ArgumentParser, *, top: bool = False) -> None:
    """--json and --timeout are understood before and behind the order."""
    left_out: Any = argparse.SUPPRESS
    parser.add_argument("--json", action="store_true", default=False if top else left_out, help="mỗi mục một dòng JSON")
    parser.add_argument(
        "--timeout", type=float, default=15.0 if top else left_out, metavar="GIÂY", help="chờ trả lời bao lâu (15)"
    )


def _order(orders: Any, do: str, what: str, *more: str, by: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = orders.add_parser(do, help=what)
    if by:
        parser.add_argument("--by", metavar="TÊN", help="ai ra lệnh; không ghi thì là tên đăng nhập")
    for name in more:
        parser.add_argument(f"--{name}", metavar="LÝ_DO", help="vì sao")
    _common(parser)
    return parser


def _cmd(args: argparse.Namespace) -> dict[str, Any]:
    """The `cmd` claim. What is out of bounds is left to the posts to refuse, but for what cannot be sent at all."""
    cmd: dict[str, Any] = {"do": args.do}
    for name in ("signal", "purpose", "at", "activation", "until", "button", "version", "book", "after_seq", "why"):
        if getattr(args, name, None) is not None:
            cmd[name] = getattr(args, name)
    if args.do == "lock_input":
        cmd["locked"] = not args.unlock
    if args.do in ("codebook", "timetable"):
        cmd[args.do] = _json_file(args.file)
    if hasattr(args, "by"):
        cmd["by"] = args.by or _login()
    for name in ("by", "why"):
        if name in cmd and not is_text(cmd[name]):
            raise UsageError(
                "usage",
                f"--{name} phải có 1–200 ký tự, không có ký tự điều khiển",
                cure="viết ngắn lại, trên một dòng",
                en=f"--{name}: 1 to 200 printable characters",
            )
    return cmd


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("usage", "không biết ai ra lệnh", cure="ghi thêm --by TÊN", en="--by is needed") from None


def _link(args: argparse.Namespace) -> tuple[ShellLink, str]:
    """The link to the broker and the commune, from --broker and --commune or from the settings."""
    if args.broker is not None:
        if args.commune is None:
            raise UsageError(
                "usage", "có --broker thì phải có --commune", cure="ghi thêm --commune MÃ_XÃ", en="--commune is needed"
            )
        host, port = _address(args.broker)
        return ShellLink(host, port, ca=args.ca, cert=args.cert, key=args.cert_key), check_slug(args.commune)
    from kengd.settings.credentials import at_hand
    from kengd.settings.find import load  # pydantic: only when asked for

    loaded = load(args.config)
    broker = loaded.broker
    if broker is None:
        raise UsageError(
            "no_broker",
            "tệp cài đặt không có mục [broker]",
            cure="ghi --broker MÁY:CỔNG và --commune MÃ_XÃ",
            en="the settings name no broker",
        )
    broker = at_hand(broker)
    password = None if broker.password_file is None else _read(broker.password_file).decode("utf-8", "replace").strip()
    link = ShellLink(
        broker.host,
        broker.port,
        ca=broker.ca,
        cert=broker.cert,
        key=broker.key,
        username=broker.username,
        password=password,
    )
    return link, check_slug(args.commune or loaded.plan.commune)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(
            "usage", f"--broker {text} không phải MÁY:CỔNG", cure="ví dụ --broker 127.0.0.1:1883", en="bad --broker"
        )
    return host, int(port)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as wrong:
        raise UsageError(
            "file_unreadable",
            f"không đọc được tệp {path} ({wrong.strerror})",
            cure="xem lại đường dẫn và quyền đọc",
            en=f"cannot read {path}: {wrong.strerror}",
        ) from wrong


def _json_file(path: str) -> Any:
    try:
        return json.loads(_read(path))
    except (ValueError, RecursionError) as wrong:
        raise UsageError("usage", f"tệp {path} không phải JSON", cure="sửa lại tệp", en=f"{path}: {wrong}") from wrong


def _line(answer: Answer, *, as_json: bool, several: bool, old: bool) -> str:
    entry = answer.entry
    if as_json:
        text = answer.raw.decode()
        return f'{{"post":{json.dumps(answer.post)},{text[1:]}' if several else text
    when = f"mục {entry.seq}, {clock.local(parse_at(entry.at)):%d/%m/%Y %H:%M:%S}, " if old else ""
    return f"{answer.post}: {when}{_sentence(entry)}"


def _sentence(entry: Entry) -> str:
    detail = entry.detail or {}
    if entry.kind == "refused":
        found = detail.get("vi")  # what the post found wrong with a codebook or timetable
        more = f"\n    {harmless(found)}" if isinstance(found, str) else ""
        reason = harmless(f"{sentence(entry.reason or '')} [{entry.reason}]")
        return f"từ chối: {reason}{more}"
    words = _KINDS.get(entry.kind, entry.kind)
    if entry.kind == "received":
        return harmless(f"{words}: {asked}" if (asked := ordered(detail)) else words)
    return harmless(f"{words} ({entry.signal})" if entry.signal else words)


def _unanswered(outcome: Outcome, timeout_s: float) -> str:
    if outcome.unseen:
        more = " (chưa thấy điểm kẻng này ở máy chủ bao giờ: xem lại mã điểm kẻng và mã xã)"
    else:
        more = " (điểm kẻng đang mất liên lạc)" if outcome.absent else ""
    return f"{outcome.post}: chưa trả lời sau {timeout_s:g} giây{more}"
