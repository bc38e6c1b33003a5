"""`kengd run`: the post daemon (belfry, which starts the office). Never uses the built-in example."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any


def add_parser(subparsers: Any) -> None:
    """`kengd run`."""
    subparsers.add_parser("run", help="chạy điểm kẻng")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    from kengd.belfry.belfry import Belfry
    from kengd.settings import where

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    return Belfry(str(where.required_config(args.config))).run()
