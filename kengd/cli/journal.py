"""`kengd journal show | export | verify`: reads the duty book, never writes in it; works while the daemon runs or not.

What stands in an entry came from buttons, pages and networks: it is made harmless for terminals and spreadsheets here.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, TextIO

from kengd.errors import KengdError
from kengd.journal.proof import Proof, newest, prove, whole_book
from kengd.settings import where
from kengd.wire.entry import KEYS, Entry, parse_at, to_json
from kengd.wire.said import KINDS, PURPOSES, SIGNALS, SOURCES, harmless, reason_of

_VIETNAM: Final = timezone(timedelta(hours=7), "+07")  # Asia/Ho_Chi_Minh: no summer time since 1975
_WIDEST: Final = 44
_WIDEST_REASON: Final = 120  # the last column: nothing stands behind it
_WRONG: Final = {
    "its hash does not fit": "mục này đã bị sửa, mã không khớp",
    "does not fit in its archive": "mục này trong kho lưu đã bị sửa, mã không khớp",
    "holds what no entry can hold": "mục này chứa điều mà sổ không bao giờ ghi",
    "missing": "thiếu mục này",
    "the archive that holds it is missing": "thiếu tệp kho lưu chứa mục này",
    "the archives do not lead to the book": "kho lưu không nối liền với sổ",
    "the book does not end where it says it ends": "cuối sổ đã bị cắt hoặc ghi thêm",
    "the book does not say where it ends": "sổ không còn ghi mục cuối là mục nào",
}
_TITLES: Final = ("MỤC", "NGÀY GIỜ", "VIỆC", "HIỆU LỆNH", "TỪ", "NƠI", "NGƯỜI", "LÝ DO")


def add_parser(subparsers: Any) -> None:
    """Add `journal` with its three deeds."""
    parser = subparsers.add_parser("journal", help="xem, xuất, kiểm sổ kẻng")
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="show|export|verify")
    show = deeds.add_parser("show", help="các mục mới nhất")
    show.add_argument("--last", type=_count, default=50, metavar="N", help="số mục (mặc định 50)")
    export = deeds.add_parser("export", help="toàn bộ sổ, mỗi mục một dòng (mặc định JSON)")
    export.add_argument("--out", metavar="F", help="ghi vào tệp F (chỉ chủ tệp đọc được)")
    for form in (show, export):
        kind = form.add_mutually_exclusive_group()
        kind.add_argument("--json", action="store_true", help="mỗi mục một dòng JSON")
        kind.add_argument("--csv", action="store_true", help="bảng CSV")
    deeds.add_parser("verify", help="sổ có nguyên vẹn không: 0 nguyên vẹn, 1 hỏng (nói rõ từ mục nào)")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("từ 1 đến 1000000")
    return number


def run(args: argparse.Namespace) -> int:
    """0 done or whole, 1 broken. Raises KengdError `book_missing`, `book_forbidden`, `book_broken`."""
    path = _state_dir(args.config) / "book" / "book.db"
    if args.deed == "verify":
        return _verify(prove(path))
    if args.deed == "show":
        _write(_lines(newest(path, args.last), args, table=True), sys.stdout)
    elif args.out is None:
        _write(_lines(whole_book(path), args, table=False), sys.stdout)
    else:
        _export_to(Path(args.out), _lines(whole_book(path), args, table=False), excel=args.csv)
    return 0


def _state_dir(config: str | None) -> Path:
    """Without pydantic (seconds on a small Pi), and also while the settings are edited wrongly."""
    if where.config_path(config) is None:
        print(f"chưa có {where.SYSTEM_CONFIG}: xem sổ kẻng trong {where.SYSTEM_STATE}", file=sys.stderr)
        return Path(where.SYSTEM_STATE)
    return where.state_dir(config)


def _verify(proof: Proof) -> int:
    if proof.wrong is not None:
        print(f"sổ kẻng HỎNG từ mục {proof.wrong}: {_WRONG.get(proof.why, harmless(proof.why))}", file=sys.stderr)
        return 1
    assert proof.head is not None
    print(f"sổ kẻng nguyên vẹn: sổ {proof.head.book}, mục {proof.first} đến {proof.head.seq}, mã {proof.head.hash}")
    if proof.archived:
        print(f"  trong đó {proof.archived} mục đã chuyển vào kho lưu")
    if proof.first > 1:
        print(f"  các mục trước {proof.first} không còn ở máy này")
    return 0


def _lines(entries: Iterable[Entry], args: argparse.Namespace, *, table: bool) -> Iterator[str]:
    if args.csv:
        return csv_lines(entries)
    if args.json or not table:
        to_file = args.deed == "export" and args.out is not None
        return map(_json if to_file or not sys.stdout.isatty() else _json_for_terminal, entries)
    return table_lines(list(entries))


def _write(lines: Iterable[str], out: TextIO) -> None:
    for line in lines:
        out.write(line + "\n")
    out.flush()


def _export_to(target: Path, lines: Iterable[str], *, excel: bool) -> None:
    """Whole or not at all; an older file of that name is replaced only then."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8-sig" if excel else "utf-8", newline="") as out:
            _write(lines, out)
        unfinished.replace(target)
    except OSError as error:
        raise KengdError(
            "cannot_write",
            f"Không ghi được tệp {target} ({error.strerror}).",
            cure="chọn thư mục khác cho --out",
            en=str(error),
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _json(entry: Entry) -> str:
    """As on the wire; what a damaged book holds instead of UTF-8 becomes "?"."""
    return to_json(entry).encode("utf-8", "replace").decode()


def _json_for_terminal(entry: Entry) -> str:
    """The same JSON, with escapes instead of what a terminal would obey."""
    return "".join(
        char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else json.dumps(char)[1:-1]
        for char in to_json(entry)
    )


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """A title line and one line an entry; no cell can be taken for a formula (it then begins with an apostrophe)."""
    yield ",".join(KEYS)
    for entry in entries:
        cells = [json.dumps(c, ensure_ascii=False) if isinstance(c, dict) else c for c in _cells(entry)]
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow(
            [_no_formula(harmless(cell)) if isinstance(cell, str) else cell for cell in cells]
        )
        yield buffer.getvalue()


def _cells(entry: Entry) -> list[Any]:
    return [getattr(entry, key) for key in KEYS]


def _no_formula(cell: str) -> str:
    return "'" + cell if cell[:1] in ("=", "+", "-", "@") else cell


def table_lines(entries: list[Entry]) -> Iterator[str]:
    """A Vietnamese table, local time; "?" after a time that the post itself did not trust."""
    rows = [_TITLES, *(_row(entry) for entry in entries)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(c + " " * (wide - _width(c)) for c, wide in zip(row, widths, strict=True)).rstrip()


def _row(entry: Entry) -> tuple[str, ...]:
    local = datetime.fromtimestamp(parse_at(entry.at) / 1000, UTC).astimezone(_VIETNAM)
    signal = SIGNALS.get(entry.signal or "", entry.signal or "")
    if entry.purpose in ("drill", "test"):
        signal += f" ({PURPOSES[entry.purpose]})"
    told = (
        f"{local:%d/%m/%Y %H:%M:%S}{'?' if entry.clock == 'untrusted' else ''}",
        KINDS.get(entry.kind, entry.kind),
        signal,
        SOURCES.get(entry.source or "", entry.source or ""),
        entry.place or "",
        entry.by or "",
    )
    return (str(entry.seq), *(_cell(text, _WIDEST) for text in told), _cell(reason_of(entry), _WIDEST_REASON))


def _cell(text: str, widest: int) -> str:
    plain = unicodedata.normalize("NFC", harmless(text))
    return plain if len(plain) <= widest else plain[: widest - 1] + "…"


def _width(cell: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in cell if not unicodedata.combining(c))
