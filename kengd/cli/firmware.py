"""`kengd firmware`: print kengd.txt for the boot partition, made for the settings of this post. Touches nothing."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kengd.firmware.fragment import fragment


def add_parser(subparsers: Any) -> None:
    """Add `firmware`."""
    subparsers.add_parser(
        "firmware",
        help="in tệp kengd.txt cho phân vùng khởi động",
        description="In tệp kengd.txt cho phân vùng khởi động, đúng với cài đặt của điểm kẻng này: "
        "kengd firmware | sudo tee /boot/firmware/kengd.txt",
    )


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError when the settings cannot be used."""
    from kengd.settings.find import load  # pydantic: not for `--help`

    sys.stdout.write(fragment(load(args.config).plan))
    return 0
