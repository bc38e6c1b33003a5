"""`kengd hub report KỲ`: the report of a month, quarter or year as a workbook or a page to be printed; and the rules sheet.

It only reads, so the service may be running.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kengd import clock
from kengd.cli.fresh_file import fresh
from kengd.cli.hub_open import reading
from kengd.cli.hub_posts import unknown_post
from kengd.errors import UsageError
from kengd.hub.ledger.report_facts import ground_of
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.ledger.store import Ledger
from kengd.hub.reports.figures import figures_of
from kengd.hub.reports.period import Period, begun, parse
from kengd.hub.reports.printed import Heading, printed
from kengd.hub.reports.workbook import workbook
from kengd.hub.roster import Roster
from kengd.hub.settings import HubSettings
from kengd.hub.sheet import settings_of, sheet_of

WORKBOOK, PAGE = ".xlsx", ".html"
LONGEST: Final = 200
"""Characters of what is printed in the page's head, as at the desk."""
_PHONE = re.compile(r"[0-9 +().-]{0,40}")


def run(args: argparse.Namespace) -> int:
    """A report, or with --rules a rules sheet. Raises UsageError, KengdError; nothing is written then."""
    if (args.rules is None) == (args.period is None):
        raise UsageError(
            "usage",
            "phải ghi kỳ báo cáo, hoặc --rules MÃ_ĐIỂM để in tờ nội quy (chỉ một trong hai)",
            cure="ví dụ: kengd hub report 2026-11 --out bao-cao.xlsx",
            en="a period, or --rules POST, and not both",
        )
    return _report(args) if args.rules is None else _rules(args)


def _report(args: argparse.Namespace) -> int:
    now_ms = clock.now().wall_ms
    period = begun(parse(args.period), now_ms)
    path = _path(args.out or f"bao-cao-keng-{period.id}{WORKBOOK}", WORKBOOK, PAGE)
    superior, number = (
        _words(given, name) for given, name in ((args.superior, "--superior"), (args.number, "--number"))
    )
    with reading(args) as (settings, ledger), fresh(path) as out:
        with ledger.read() as connection:
            roster = read_roster(connection)
            villages = _chosen(roster, args.villages)
            ground = ground_of(connection, roster, period.from_ms, period.to_ms, now_ms)
        if path.suffix.lower() == WORKBOOK:
            out.write(workbook(ground, period, villages))
        else:
            office = settings.commune.office.upper()
            heading = Heading(superior, office, settings.commune.name, now_ms, number or None)
            out.write(printed(ground, period, heading, villages).encode())
        rings = figures_of(ground, period, villages).rings
    whose = "cả xã" if villages is None else f"{len(villages)} thôn"
    print(f"Đã ghi {path}: {_named(period, now_ms)}, {whose}, {rings} lần đánh kẻng.")
    return 0


def _rules(args: argparse.Namespace) -> int:
    if args.villages is not None or args.superior or args.number:
        raise UsageError(
            "usage", "--villages, --superior, --number chỉ dùng cho báo cáo", cure="bỏ đi", en="for reports only"
        )
    if _PHONE.fullmatch(args.phone) is None:
        raise UsageError("usage", "--phone không phải số điện thoại", cure="ví dụ 0220 3 123 456", en="bad --phone")
    path = _path(args.out or f"noi-quy-keng-{args.rules}{PAGE}", PAGE)
    with reading(args) as (settings, ledger):
        made = _sheet(settings, ledger, args.rules, args.phone)
        with fresh(path) as out:
            out.write(made.encode())
    print(f"Đã ghi {path}: mở bằng trình duyệt rồi in ra giấy A4.")
    return 0


def _sheet(settings: HubSettings, ledger: Ledger, post: str, phone: str) -> str:
    with ledger.read() as connection:
        roster = read_roster(connection)
        known = roster.post(post)
        if known is None:
            raise unknown_post(post)
        loaded = settings_of(connection, post)
    return sheet_of(known, roster, loaded, settings.commune.name, phone, clock.now().wall_ms)


def _chosen(roster: Roster, given: str | None) -> list[str] | None:
    """Ids of the villages that were named by name or id; None: all."""
    if given is None:
        return None
    ids = {village.name: village.id for village in roster.villages} | {
        village.id: village.id for village in roster.villages
    }
    wanted = [name for part in given.split(",") if (name := part.strip())]
    strange = [name for name in wanted if name not in ids]
    if strange or not wanted:
        raise UsageError(
            "unknown_village",
            f"không có thôn “{strange[0][:60]}”" if strange else "--villages không nêu thôn nào",
            cure=f"các thôn đang có: {_listed([village.name for village in roster.villages])}",
            en=f"no such village: {strange[0][:60]!r}" if strange else "--villages is empty",
        )
    return list(dict.fromkeys(ids[name] for name in wanted))


def _path(given: str, *suffixes: str) -> Path:
    path = Path(given)
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            "usage",
            f"tên tệp phải có đuôi {' hoặc '.join(suffixes)}: {given[:100]}",
            cure="ví dụ: --out bao-cao.xlsx" if WORKBOOK in suffixes else "ví dụ: --out noi-quy.html",
            en=f"--out must end in {' or '.join(suffixes)}",
        )
    return path


def _words(given: str, option: str) -> str:
    if len(given) > LONGEST or not (given.isprintable() or not given):
        raise UsageError(
            "usage",
            f"{option} phải viết trên một dòng, nhiều nhất {LONGEST} ký tự",
            cure="viết gọn lại",
            en=f"bad {option}",
        )
    return given


def _named(period: Period, now_ms: int) -> str:
    return (
        f"{period.name_vi} (tính đến {clock.local(now_ms):%H:%M %d/%m/%Y})" if period.holds(now_ms) else period.name_vi
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "chưa có thôn nào"
