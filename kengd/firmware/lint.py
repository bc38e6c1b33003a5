"""Everything that is wrong with a boot partition for the settings of a post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kengd.firmware.boards import BOARDS, Board
from kengd.firmware.cmdline import cmdline_findings, lets_go
from kengd.firmware.config import CONFIG, FRAGMENT, Reading, read
from kengd.firmware.finding import Finding
from kengd.firmware.fragment import fragment
from kengd.firmware.pins import REWRITE, pin_findings
from kengd.firmware.taken import takers
from kengd.firmware.tree import Tree, tree_findings, tree_of
from kengd.firmware.watchdog import watchdog_findings
from kengd.firmware.wiring import uses
from kengd.settings.plan import BelfryPlan


@dataclass(frozen=True, slots=True)
class Boot:
    """What stands on the boot partition, and beside it. `files`: text by name; `overlays`: names in overlays/ without .dtbo.

    `own_partition`: has the state directory one?; `system_conf`: systemd's system.conf and drop-ins, in the order they are
    read. None = not looked at.
    """

    files: Mapping[str, str]
    overlays: frozenset[str] | None = None
    own_partition: bool | None = None
    system_conf: tuple[str, ...] | None = None


def lint(boot: Boot, plan: BelfryPlan, board: Board | None = None) -> tuple[Finding, ...]:
    """All findings, each once. `board` None: for each of the boards that a post is built on."""
    files = {name.lower(): text for name, text in boot.files.items()}
    if CONFIG not in files:
        missing = Finding(
            "red", "no_config", CONFIG, None, "không có tệp này: đây có phải phân vùng khởi động không?",
            "chỉ đúng chỗ: kengd doctor --boot THƯ_MỤC", "no config.txt: is this the boot partition?",
        )  # fmt: skip
        return (missing,)
    found: dict[Finding, None] = {}
    for one in (board,) if board is not None else BOARDS:
        found.update(dict.fromkeys(_for_board(files, boot, plan, one)))
    return tuple(found)


def releases_pins(files: Mapping[str, str], board: Board | None = None) -> bool:
    """Whether the kernel is told to let go of the relay when kengd dies (P1)."""
    lowered = {name.lower(): text for name, text in files.items()}
    return all(
        _releases(lowered, reading, tree_of(reading), one)
        for one in ((board,) if board is not None else BOARDS)
        for reading in (read(lowered, one),)
    )


def _for_board(files: Mapping[str, str], boot: Boot, plan: BelfryPlan, board: Board) -> Iterator[Finding]:
    reading = read(files, board)
    tree = tree_of(reading)
    yield from reading.findings
    yield from _fragment(files, reading, plan)
    yield from tree_findings(tree, boot.overlays)
    yield from _strict(files, reading, tree, board)
    yield from pin_findings(reading, uses(plan), tuple(takers(reading, tree, board)))
    yield from watchdog_findings(reading, tree, boot.system_conf)
    yield from cmdline_findings(files, reading, plan.state_dir, boot.own_partition)


def _fragment(files: Mapping[str, str], reading: Reading, plan: BelfryPlan) -> Iterator[Finding]:
    """Is our fragment read, and made from these settings?"""
    read_in = reading.included.get(FRAGMENT)
    if read_in == "no":
        yield Finding(
            "red", "fragment_skipped", CONFIG, None,
            f'dòng "include {FRAGMENT}" nằm trong mục của máy khác nên không được đọc', 'viết dòng "[all]" ngay trước dòng include',
            f"the line include {FRAGMENT} stands in a section of another board",
        )  # fmt: skip
    elif read_in is None and not any(finding.code == "include_missing" for finding in reading.findings):
        yield Finding(
            "yellow", "no_fragment", CONFIG, None, f"chưa đọc {FRAGMENT}",
            f'{REWRITE}; thêm hai dòng "[all]" và "include {FRAGMENT}" vào cuối {CONFIG}', f"{FRAGMENT} is not included",
        )  # fmt: skip
    elif read_in is not None and files.get(FRAGMENT, "").split() != fragment(plan).split():
        yield Finding(
            "yellow", "fragment_stale", FRAGMENT, None, "không khớp với cài đặt hiện nay của điểm kẻng", REWRITE,
            "not what `kengd firmware` prints for these settings",
        )  # fmt: skip


def _strict(files: Mapping[str, str], reading: Reading, tree: Tree, board: Board) -> Iterator[Finding]:
    if not _releases(files, reading, tree, board) and not any(param.name == "strict_gpiod" for param, _ in tree.lost):
        yield Finding(
            "red", "no_strict_gpiod", CONFIG, None,
            'thiếu "dtparam=strict_gpiod": kengd bị giết khi đang đánh thì rơ-le vẫn đóng', REWRITE,
            "dtparam=strict_gpiod is missing: a killed kengd leaves the relay closed",
        )  # fmt: skip


def _releases(files: Mapping[str, str], reading: Reading, tree: Tree, board: Board) -> bool:
    return tree.switched_on("strict_gpiod") or lets_go(files, reading, rp1=board.rp1)
