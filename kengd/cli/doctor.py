"""`kengd doctor`: everything an installer should know, a line each, green or red with the cure. Exit code 1 when anything is red."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kengd.cli.booting import boot_findings, this_board
from kengd.cli.findings import Colour, Finding, findings
from kengd.cli.probing import gather
from kengd.firmware.boards import BOARDS, board_named
from kengd.settings.plan import BelfryPlan

MARKS: dict[Colour, tuple[str, str]] = {"green": ("✓", "32"), "yellow": ("!", "33"), "red": ("✗", "31")}


def add_parser(subparsers: Any) -> None:
    """Add `doctor`."""
    parser = subparsers.add_parser(
        "doctor", help="khám máy", description="Khám máy ở điểm kẻng: mỗi dòng xanh hoặc đỏ, kèm cách sửa."
    )
    parser.add_argument(
        "--boot",
        nargs="?",
        const="",
        metavar="THƯ_MỤC",
        help="khám cả phân vùng khởi động (config.txt, cmdline.txt); không ghi thư mục thì là /boot/firmware của máy này",
    )
    parser.add_argument(
        "--board",
        choices=[board.name for board in BOARDS],
        help="phân vùng khởi động ấy dành cho máy nào; không ghi thì là máy này, không phải Raspberry Pi thì mọi loại",
    )


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError when the settings cannot be used: everything else depends on them. UsageError: no boot partition."""
    from kengd.settings.find import load  # pydantic: not for `--help`

    loaded = load(args.config)
    booted = [] if args.boot is None else booting(loaded.plan, args.boot, args.board)
    facts = gather(loaded.plan, loaded.office_plan)
    found = [*findings(loaded.plan, loaded.office_plan, loaded.warnings, facts), *booted]
    for finding in found:
        print(written(finding, colours=sys.stdout.isatty()))
    red = sum(finding.colour == "red" for finding in found)
    print("\nmọi thứ đều ổn" if not red else f"\n{red} chỗ phải sửa")
    return 1 if red else 0


def booting(plan: BelfryPlan, given: str, board: str | None) -> list[Finding]:
    """Lines about the boot partition: its ills, or one green line. Raises UsageError when it is not there."""
    kind = board_named(board) if board is not None else this_board()
    place, ills = boot_findings(plan, given, kind)
    what = f"Raspberry Pi {kind.title}" if kind is not None else "mọi loại Raspberry Pi"
    well = Finding("green", "config.txt", f"{place}: khớp với cài đặt ({what})")
    return [Finding(ill.colour, ill.where, ill.vi, ill.cure, ill.en) for ill in ills] or [well]


def written(finding: Finding, *, colours: bool) -> str:
    """ "✓ đồng hồ: đúng giờ"; then the cure, then the same in English, on lines of their own."""
    mark, colour = MARKS[finding.colour]
    mark = f"\x1b[{colour}m{mark}\x1b[0m" if colours else mark
    lines = [f"{mark} {finding.what}: {finding.vi}"]
    lines += [f"    → {finding.cure}"] if finding.cure else []
    lines += [f"    ({finding.en})"] if finding.en else []
    return "\n".join(lines)
