"""`kengd trial`: what install.sh and rollback.sh ask a release before and while they change over. Not for people.

`post`    a whole post of this release on simulated pins rings, is hushed and writes its book; nothing of the real post is touched
`book`    would this release go on with the real book? Tried on a copy. Exit code 0 yes, 3 it would set it aside
`keep`    a copy of the real book as it is now, into --dir
`since`   what was written since that copy: one word for the script (`same`, `newer`, `older`), then a sentence; changes nothing
`back`    the post is stopped and an older release is about to start: see `kengd.journal.copying.bring_back`

All take `--dir`. Run as the user of the post.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

SET_ASIDE = 3


def add_parser(subparsers: Any) -> None:
    """`kengd trial DEED --dir D`."""
    parser = subparsers.add_parser("trial", help="thử bản này trước khi dùng (do install.sh gọi)")
    parser.add_argument("deed", choices=["post", "book", "keep", "since", "back"])
    parser.add_argument("--dir", required=True, type=Path, metavar="D")


def run(args: argparse.Namespace) -> int:
    """0 good, 1 not, 3 the book would be set aside. Raises KengdError."""
    if args.deed == "post":
        from kengd.cli.trial_post import try_post

        try_post(args.dir)
        return 0
    from kengd.journal.copying import FILE, bring_back, copy_book, since
    from kengd.settings import where

    book = where.state_dir(args.config) / "book" / FILE
    if not book.exists():
        print("chưa có sổ kẻng")
        return 0
    if args.deed == "book":
        return _try(book, args.dir)
    if args.deed == "keep":
        copy_book(book, args.dir / FILE)
        return 0
    before = args.dir / FILE
    if args.deed == "since":
        found = since(book, before)
    else:
        found = bring_back(book.parent, before, time.time_ns() // 1_000_000)
    print(found.shape)
    print(_told(found.new_entries, found.unsent))
    return 0


def _try(book: Path, scratch: Path) -> int:
    from kengd import clock
    from kengd.journal.trying import try_book

    tried = try_book(book, scratch, clock.now())
    if not tried.whole:
        print("chú ý: sổ kẻng đã hỏng từ trước, xem `kengd journal verify`")
    if tried.goes_on:
        print(f"đọc và ghi tiếp được sổ kẻng ({tried.entries} mục)")
        return 0
    print(f"không dùng tiếp được sổ kẻng này ({tried.why})")
    return SET_ASIDE


def _told(new_entries: int | None, unsent: int | None) -> str:
    parts = [
        "không rõ đã ghi thêm bao nhiêu mục" if new_entries is None else f"{new_entries} mục ghi từ lúc nâng cấp",
        "" if not unsent else f"{unsent} mục có thể chưa gửi về xã",
    ]
    return "; ".join(part for part in parts if part)
