"""`kengd off`: relay to rest now. Imports little, so that it works when much is broken."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kengd.belfry.off import off, read_pin_file
from kengd.errors import UsageError
from kengd.settings import where


def add_parser(subparsers: Any) -> None:
    """Add `off`."""
    subparsers.add_parser(
        "off",
        help="đưa rơ-le về nghỉ ngay",
        description="Đưa rơ-le về nghỉ ngay. Nếu kengd đang chạy: dừng mọi tiếng kẻng. Chỉ tắt tiếng, chưa hết báo động.",
    )


def run(args: argparse.Namespace) -> int:
    """0 when the relay is at rest (or simulated); raises KengdError otherwise, UsageError without a settings file."""
    config: str | None = args.config
    directories = [where.run_dir(config)]
    try:
        directories.append(where.state_dir(config))
    except UsageError:
        pass  # only the copy lives there
    print(off(read_pin_file(*directories)), file=sys.stdout)
    return 0
