"""`kengd doctor`: everything an installer should know, a line each, green or red with the cure. Exit code 1 when anything is red."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kengd.cli.findings import Colour, Finding, findings
from kengd.cli.probing import gather

MARKS: dict[Colour, tuple[str, str]] = {"green": ("✓", "32"), "yellow": ("!", "33"), "red": ("✗", "31")}


def add_parser(subparsers: Any) -> None:
    """Add `doctor`."""
    parser = subparsers.add_parser(
        "doctor", help="khám máy", description="Khám máy ở điểm kẻng: mỗi dòng xanh hoặc đỏ, kèm cách sửa."
    )
    parser.add_argument(
        "--boot", action="store_true", help="vừa bật máy: mạng, đồng hồ, dịch vụ chưa kịp lên thì chưa coi là đỏ"
    )


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError when the settings cannot be used: everything else depends on them."""
    from kengd.settings.find import load  # pydantic: not for `--help`

    loaded = load(args.config)
    facts = gather(loaded.plan, loaded.office_plan)
    found = findings(loaded.plan, loaded.office_plan, loaded.warnings, facts, boot=args.boot)
    colours = sys.stdout.isatty() and not args.boot
    for finding in found:
        print(written(finding, colours=colours))
    red = sum(finding.colour == "red" for finding in found)
    print("\nmọi thứ đều ổn" if not red else f"\n{red} chỗ phải sửa")
    return 1 if red else 0


def written(finding: Finding, *, colours: bool) -> str:
    """ "✓ đồng hồ: đúng giờ", and the cure on a second line."""
    mark, colour = MARKS[finding.colour]
    mark = f"\x1b[{colour}m{mark}\x1b[0m" if colours else mark
    line = f"{mark} {finding.what}: {finding.vi}"
    return f"{line}\n    → {finding.cure}" if finding.cure else line
