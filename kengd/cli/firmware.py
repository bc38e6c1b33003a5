"""`kengd firmware`: kengd.txt for the boot partition, made for the settings of this post; with --write, put in place."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kengd.cli.booting import own_boot_dir
from kengd.cli.intake_hands import Hands
from kengd.errors import KengdError, UsageError
from kengd.firmware.cmdline import ALWAYS, CMDLINE
from kengd.firmware.config import CONFIG, FRAGMENT
from kengd.firmware.editing import with_include, with_words
from kengd.firmware.fragment import fragment
from kengd.settings.plan import BelfryPlan

BEFORE = ".truoc-kengd"
"""The file as it was before kengd first changed it lies beside it under its name and this."""


def add_parser(subparsers: Any) -> None:
    """Add `firmware`."""
    parser = subparsers.add_parser(
        "firmware",
        help="in tệp kengd.txt cho phân vùng khởi động",
        description="In tệp kengd.txt cho phân vùng khởi động, đúng với cài đặt của điểm kẻng này. Với --write: ghi tệp đó "
        "vào phân vùng khởi động, cho config.txt đọc nó và thêm vài chữ vào cmdline.txt.",
    )
    parser.add_argument(
        "--write",
        nargs="?",
        const="",
        metavar="THƯ_MỤC",
        help="ghi vào phân vùng khởi động (mặc định /boot/firmware, rồi /boot)",
    )


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError when the settings cannot be used, UsageError and KengdError when the partition cannot."""
    from kengd.settings.find import load  # pydantic: not for `--help`

    plan = load(args.config).plan
    if args.write is None:
        sys.stdout.write(fragment(plan))
        return 0
    place = Path(args.write) if args.write else own_boot_dir()
    if place is None or not (place / CONFIG).is_file():
        raise UsageError(
            "no_boot_dir",
            f"không thấy {CONFIG}{f' trong {place}' if place else ''}: đây không phải phân vùng khởi động của Raspberry Pi",
            cure="kengd firmware --write THƯ_MỤC, nơi có tệp config.txt",
            en="no boot partition there",
        )
    changed = write(place, plan, Hands())
    if changed:
        print(f"đã ghi {', '.join(changed)} trong {place}; khởi động lại thì có hiệu lực")
    else:
        print(f"phân vùng khởi động {place} đã đúng")
    return 0


def write(place: Path, plan: BelfryPlan, hands: Hands) -> list[str]:
    """What the firmware and the kernel are told, made to fit these settings; the names of the files that were changed.

    kengd.txt first: config.txt must never name a file that is not there. Raises KengdError `boot_unwritable`; each file is
    then whole, as it was or as it should be.
    """
    wanted: tuple[tuple[str, Callable[[str], str]], ...] = (
        (FRAGMENT, lambda _: fragment(plan)),
        (CONFIG, with_include),
        (CMDLINE, lambda text: with_words(text, ALWAYS)),
    )
    changed = []
    try:
        for name, change in wanted:
            path = place / name
            old = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None
            if old is None and name != FRAGMENT:
                continue
            new = change(old or "")
            if new == old:
                continue
            if old is not None and name != FRAGMENT and not (kept := place / (name + BEFORE)).exists():
                hands.write(kept, old.encode("utf-8", "surrogateescape"), 0o644)
            hands.write(path, new.encode("utf-8", "surrogateescape"), 0o644)
            changed.append(name)
    except OSError as broken:
        raise KengdError(
            "boot_unwritable",
            f"không ghi được phân vùng khởi động ({broken.strerror or broken}: {broken.filename or place})",
            cure="chạy với sudo; xem phân vùng có bị khoá chỉ đọc, có còn chỗ trống không",
            en=f"boot partition: {broken}",
        ) from broken
    return changed
