"""`kengd rehearse --from T --days N [--json]`: when the timetable would ring, in virtual time, by the code that rings for real."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kengd import clock
from kengd.bellcode.signal import Signal
from kengd.duty.lunar import lunar_of, lunar_text
from kengd.duty.rehearsing import Skipped, rehearsal, skipped
from kengd.duty.timetable import Due, Missed
from kengd.errors import UsageError

MOST_DAYS = 3_660
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def add_parser(subparsers: Any) -> None:
    """Add `rehearse`."""
    parser = subparsers.add_parser("rehearse", help="giờ kẻng sẽ đánh những lúc nào")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="T",
        help="từ ngày giờ nào: 2026-12-01 hoặc 2026-12-01T21:00 (mặc định: bây giờ)",
    )
    parser.add_argument("--days", type=int, default=7, metavar="N", help="trong bao nhiêu ngày (mặc định 7)")
    parser.add_argument("--json", action="store_true", help="in JSON")


def run(args: argparse.Namespace) -> int:
    """Raises UsageError on a bad date or number of days, and what reading the settings raises."""
    from kengd.settings.find import load

    start = (
        read_start(args.start) if args.start is not None else clock.local(clock.now().wall_ms).replace(microsecond=0)
    )
    if not 1 <= args.days <= MOST_DAYS:
        raise UsageError(
            "bad_days",
            f"--days {args.days} không dùng được",
            cure=f"từ 1 đến {MOST_DAYS}",
            en=f"--days must be 1 to {MOST_DAYS}",
        )
    loaded = load(args.config)
    end = start + timedelta(days=args.days)
    items = list(rehearsal(loaded.timetable, start, end))
    if args.json:
        print(json.dumps(as_json(items), ensure_ascii=False))
        return 0
    for text in as_table(items, list(skipped(loaded.timetable, start, end)), loaded.codebook.signals, start, args.days):
        print(text)
    return 0


def read_start(text: str) -> datetime:
    """A date or a date and time; without an offset it is local time. Raises UsageError `bad_date`."""
    try:
        found = datetime.fromisoformat(text)
        local = found.replace(tzinfo=clock.zone()) if found.tzinfo is None else found.astimezone(clock.zone())
        if not 1976 <= local.year <= 2199:
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(
            "bad_date",
            f'không đọc được ngày giờ: "{text}"',
            cure="viết như 2026-12-01 hoặc 2026-12-01T21:00, từ năm 1976 đến 2199",
            en=f"not a date or date and time: {text!r}",
        ) from None
    return local


def as_json(items: Sequence[Due | Missed]) -> dict[str, list[dict[str, object]]]:
    """DESIGN section 8."""
    return {
        "rings": [
            {"due": item.due.isoformat(timespec="seconds"), "signal": item.line.signal}
            for item in items
            if isinstance(item, Due)
        ],
        "missed": [
            {
                "due": item.due.isoformat(timespec="seconds"),
                "signal": item.line.signal,
                "reason": item.reason,
                "count": item.count,
            }
            for item in items
            if isinstance(item, Missed)
        ],
    }


def as_table(
    items: Sequence[Due | Missed],
    left_out: Sequence[Skipped],
    signals: Mapping[str, Signal],
    start: datetime,
    days: int,
) -> Iterator[str]:
    """What people read."""
    yield f"Giờ kẻng từ {start:%H:%M ngày %d/%m/%Y}, {days} ngày:"
    for item in items:
        lost = "" if isinstance(item, Due) else "   LỠ"
        yield f"  {_moment(item.due)}   {_name(item.line.signal, signals)}{lost}"
    if not items:
        yield "  không có lần nào"
    if left_out:
        yield "Nghỉ theo ngoại lệ:"
    for one in left_out:
        lunar = lunar_text(lunar_of(one.due.date()))
        yield f'  {_moment(one.due)}   {_name(one.signal, signals)}   ({lunar}; theo "{one.rule}")'


def _moment(due: datetime) -> str:
    return f"{_WEEKDAYS[due.weekday()]:<8}  {due:%d/%m/%Y  %H:%M}"


def _name(signal_id: str, signals: Mapping[str, Signal]) -> str:
    signal = signals.get(signal_id)
    return f"{signal.name_vi} ({signal_id})" if signal is not None else signal_id
