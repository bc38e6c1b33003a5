"""`kengd score`: draw, list or sound a signal of the codebook, or any pattern in the notation, for this post's bell."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from kengd.bellcode.drawing import draw
from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import parse, write
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.bellcode.sounding import TAIL_MS, wav_bytes
from kengd.errors import KengdError, UsageError

DEFAULT_FOR_S = 60.0
LONGEST_FOR_S = 3600.0
WIDEST = 120

KIND_VI = {
    Kind.ALARM: "báo động",
    Kind.SUPPORT: "chi viện",
    Kind.ALL_CLEAR: "hết báo động",
    Kind.CURFEW: "báo yên",
    Kind.ROUTINE: "thường lệ",
}


def add_parser(subparsers: Any) -> None:
    """Add `score`."""
    parser = subparsers.add_parser("score", help="vẽ hoặc ghi âm một hiệu lệnh", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("signal", nargs="?", metavar="HIỆU_LỆNH", help="tên mã trong bảng hiệu lệnh, như alarm")
    what.add_argument("--pattern", metavar="CÁCH_ĐÁNH", help='một cách đánh bất kỳ, như "3 tiếng dồn dập"')
    parser.add_argument("--json", action="store_true", help="in các cạnh rơ-le dạng JSON")
    parser.add_argument(
        "--for", dest="for_s", metavar="GIÂY", help="cách đánh không dứt thì lấy bao nhiêu giây (mặc định 60)"
    )
    parser.add_argument("--wav", metavar="TỆP", help="ghi tiếng nghe thử vào tệp WAV")
    parser.add_argument(
        "--bell", choices=("striker", "siren"), help="tính cho búa gõ hoặc còi hú thay vì chuông trong cài đặt"
    )


def run(args: argparse.Namespace) -> int:
    """Raises UsageError (unknown signal, bad notation, --for), CannotPlay, KengdError (the WAV cannot be written)."""
    for_ms = _for_ms(args.for_s)
    from kengd.settings.find import load

    loaded = load(args.config)
    profile = _bell(args.bell, loaded.profile)
    signal = None if args.signal is None else _signal(args.signal, loaded.codebook)
    pattern = signal.pattern if signal else parse(args.pattern)
    score = lay_out(pattern, profile, limit_ms=loaded.limits.hard_limit_ms)
    if args.wav:
        _write_wav(Path(args.wav), score, profile, for_ms)
    if args.json:
        print(json.dumps(as_json(signal, score, for_ms), ensure_ascii=False))
        return 0
    print(_heading(signal, write(pattern)))
    print(draw(score, width=_width()))
    if args.wav:
        print(f"  đã ghi tiếng nghe thử vào {args.wav}")
    return 0


def as_json(signal: Signal | None, score: Score, for_ms: int) -> dict[str, Any]:
    """The shape other people's tools read: all edges of a finite score, those up to `for_ms` of an endless one."""
    until_ms = for_ms if score.duration_ms is None else score.duration_ms
    return {
        "signal": signal.id if signal else None,
        "kind": signal.kind.value if signal else None,
        "duration_ms": score.duration_ms,
        "edges": [[at_ms, int(on)] for at_ms, on in score.edges(until_ms)],
    }


def _signal(signal_id: str, codebook: Codebook) -> Signal:
    signal = codebook.signals.get(signal_id)
    if signal is None:
        known = ", ".join(f"{known.id} ({known.name_vi})" for known in codebook.signals.values())
        vi = f"bảng hiệu lệnh {codebook.name} không có “{signal_id}”"
        raise UsageError("unknown_signal", vi, cure=f"chọn một trong: {known}", en=f"unknown signal {signal_id!r}")
    return signal


def _bell(wanted: str | None, own: Profile) -> Profile:
    """The post's own bell, or one with default figures when the other sort is asked for."""
    if wanted in (None, own.kind):
        return own
    return SirenProfile() if wanted == "siren" else StrikerProfile()


def _for_ms(text: str | None) -> int:
    try:
        seconds = DEFAULT_FOR_S if text is None else float(text.replace(",", "."))
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= LONGEST_FOR_S:  # nan is not within either
        vi = f"--for {text}: cần số giây lớn hơn 0, nhiều nhất {LONGEST_FOR_S:.0f}"
        raise UsageError("usage", vi, cure="viết như --for 60", en="--for: seconds wanted")
    return round(seconds * 1000)


def _write_wav(path: Path, score: Score, profile: Profile, for_ms: int) -> None:
    length_ms = for_ms if score.duration_ms is None else score.duration_ms + TAIL_MS
    try:
        path.write_bytes(wav_bytes(score, profile, length_ms))
    except OSError as wrong:
        vi = f"không ghi được {path}: {os.strerror(wrong.errno or 0)}"
        raise KengdError("wav", vi, cure="chọn tệp khác, kiểm tra quyền ghi và chỗ trống", en=str(wrong)) from None


def _heading(signal: Signal | None, notation: str) -> str:
    if signal is None:
        return f"Cách đánh: {notation}\n"
    return f"{signal.name_vi} ({signal.id}, {KIND_VI[signal.kind]}): {signal.meaning_vi}\nCách đánh: {notation}\n"


def _width() -> int:
    try:
        return min(os.get_terminal_size().columns, WIDEST)
    except OSError:  # not a terminal
        return 80
