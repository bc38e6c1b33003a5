"""`kengd ring|hush|status|silence`: through the running daemon's local socket. Works while the office is dead."""

from __future__ import annotations

import argparse
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

from kengd.errors import KengdError, UsageError
from kengd.wire.said import PURPOSES, SOURCES

PATIENCE_S = 5.0
_SPAN = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_parser(subparsers: Any) -> None:
    """All four commands; the frame picks the one that was called."""
    ring = subparsers.add_parser("ring", help="đánh kẻng ở điểm này")
    ring.add_argument("signal", help="mã hiệu lệnh: alarm, all_clear, curfew …")
    ring.add_argument("--purpose", choices=["actual", "drill", "test"], default="actual")
    ring.add_argument("--why", help="lý do, ghi vào sổ kẻng")
    hush = subparsers.add_parser("hush", help="dừng kẻng ở điểm này (chỉ tắt tiếng, chưa hết báo động)")
    hush.add_argument("activation", nargs="?", help="chỉ dừng lần đánh này")
    hush.add_argument("--why", help="lý do, ghi vào sổ kẻng")
    status = subparsers.add_parser("status", help="kẻng đang thế nào")
    status.add_argument("--json", action="store_true")
    silence = subparsers.add_parser("silence", help="tạm ngừng kẻng thường lệ (báo động vẫn kêu)")
    silence.add_argument("span", metavar="BAO_LÂU", help="30m, 12h, 7d (nhiều nhất 31d); 0 = hết tạm ngừng")


def run(args: argparse.Namespace) -> int:
    """Ask the daemon and say what it answered."""
    match args.command:
        case "ring":
            return _ring(args)
        case "hush":
            return _hush(args)
        case "silence":
            return _silence(args)
    return _status(args)


def ask(config: str | None, request: dict[str, Any]) -> dict[str, Any]:
    """One question to the daemon. Raises KengdError `not_running`, `not_allowed` or `no_answer`."""
    from kengd.settings import where

    path = Path(where.run_dir(config)) / "control.sock"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE_S)
            line.connect(str(path))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = line.makefile("rb").readline()
    except PermissionError as forbidden:
        raise _not_allowed() from forbidden
    except (FileNotFoundError, ConnectionRefusedError) as nobody:
        raise KengdError(
            "not_running",
            "điểm kẻng này không chạy",
            cure="khởi động bằng `systemctl start kengd` (hoặc `kengd run`)",
            en=f"nobody answers at {path}",
        ) from nobody
    except OSError as broken:
        raise KengdError("no_answer", "điểm kẻng không trả lời", cure="xem `kengd doctor`", en=str(broken)) from broken
    if not answer:
        raise _not_allowed()
    return dict(json.loads(answer))


def _not_allowed() -> KengdError:
    return KengdError(
        "not_allowed",
        "bạn không có quyền điều khiển điểm kẻng",
        cure="chạy với sudo, hoặc thêm người dùng vào nhóm kengd",
        en="only root and group kengd may do this",
    )


def _ring(args: argparse.Namespace) -> int:
    request = {"do": "ring", "signal": args.signal, "purpose": args.purpose, "why": args.why}
    answer = ask(args.config, request)
    if not answer["ok"]:
        from kengd.wire.reasons import sentence

        reason = str(answer.get("reason"))
        print(f"Không đánh: {sentence(reason)} [{reason}]")
        return 1
    words = {
        "ring": "Đang đánh kẻng",
        "interrupt": "Đã ngắt tiếng trước, đang đánh kẻng",
        "join": "Kẻng đang kêu sẵn, đã gộp và kéo dài",
        "test": "Kiểm tra không kêu: đường đi tốt",
    }
    print(f"{words.get(answer['verdict'], answer['verdict'])} ({args.signal}).")
    if answer.get("activation"):
        print(f"Dừng lại bằng: kengd hush   (lần đánh {answer['activation']})")
    return 0


def _hush(args: argparse.Namespace) -> int:
    answer = ask(args.config, {"do": "hush", "activation": args.activation, "why": args.why})
    if answer.get("activation"):
        print(f"Đã dừng kẻng (lần đánh {answer['activation']}). Chỉ tắt tiếng, chưa phải hết báo động.")
    else:
        print("Không có kẻng nào đang kêu.")
    return 0


def _silence(args: argparse.Namespace) -> int:
    span_s = _span_s(args.span)
    until_s = int(time.time()) + span_s if span_s else 0
    answer = ask(args.config, {"do": "silence", "until": until_s})
    if not answer["ok"]:
        raise UsageError("lifetime", "chỉ tạm ngừng được nhiều nhất 31 ngày", cure="ghi 31d hoặc ít hơn")
    if until_s:
        from kengd import clock

        when = clock.local(until_s * 1000)
        print(f"Tạm ngừng kẻng thường lệ đến {when:%H:%M ngày %d/%m/%Y}. Báo động vẫn kêu.")
    else:
        print("Kẻng thường lệ đánh lại như cũ.")
    return 0


def _span_s(text: str) -> int:
    if text == "0":
        return 0
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError("usage", f"không hiểu “{text}”", cure="ghi như 30m, 12h, 7d; hoặc 0 để thôi tạm ngừng")
    return int(found[1]) * _SECONDS[found[2]]


def _status(args: argparse.Namespace) -> int:
    answer = ask(args.config, {"do": "status"})
    answer.pop("ok")
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    print(f"{answer['name']} ({answer['post']})")
    sounding = answer["sounding"]
    if sounding is None:
        print("  kẻng đang nghỉ, sẵn sàng")
    else:
        signal = f"{sounding['name']} ({sounding['signal']})"
        purpose, source = PURPOSES[sounding["purpose"]], SOURCES[sounding["source"]]
        print(f"  ĐANG ĐÁNH: {signal}, {purpose}, từ {source}; lần đánh {sounding['activation']}")
        if "proved" not in sounding:
            print("  rơ-le đã đóng, chưa kiểm được tiếng")
        elif not sounding["proved"]:
            print("  CHƯA nghe thấy tiếng kẻng")
    clocks = {"ntp": "đúng giờ (mạng)", "rtc": "đúng giờ (đồng hồ trong máy)", "untrusted": "CHƯA tin được"}
    print(f"  đồng hồ: {clocks[answer['clock']]}")
    print(
        f"  đường về xã: {'nối được với máy chủ của xã' if answer['line_up'] else 'không nối được với máy chủ của xã'}"
    )
    print(f"  đèn KẺNG: {answer['lamps']['bell']['vi']}")
    print(f"  đèn CÔNG AN: {answer['lamps']['police']['vi']}")
    if answer["silenced_until"]:
        from kengd import clock

        print(f"  tạm ngừng kẻng thường lệ đến {clock.local(answer['silenced_until'] * 1000):%H:%M %d/%m/%Y}")
    for item in answer["conditions"]:
        print(f"  ! {item['vi']} [{item['code']}]")
    for warning in answer["warnings"]:
        print(f"  chú ý: {warning}")
    return 0
