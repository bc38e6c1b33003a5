"""`kengd office`: internal, started by the belfry with one end of the intercom."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

from kengd.errors import UsageError


def add_parser(subparsers: Any) -> None:
    """`kengd office`."""
    subparsers.add_parser("office", help="phần trực ban, do `kengd run` tự chạy")


def run(args: argparse.Namespace) -> int:
    """Serve until the belfry hangs up."""
    import os

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    end = os.environ.get("KENGD_INTERCOM_FD")
    if end is None:
        raise UsageError(
            "usage",
            "phần trực ban chỉ do `kengd run` khởi động",
            cure="chạy `kengd run`",
            en="started without a belfry",
        )
    from kengd.office.office import serve

    return serve(args.config, int(end), int(os.environ.get("KENGD_BELFRY_PID", "0")))
