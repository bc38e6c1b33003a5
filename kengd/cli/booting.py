"""The boot partition for `kengd doctor --boot`: the only place where it is read. Nothing is changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kengd.errors import UsageError
from kengd.firmware.boards import Board, board_of
from kengd.firmware.config import CONFIG
from kengd.firmware.finding import Finding
from kengd.firmware.lint import Boot, lint, releases_pins
from kengd.settings.plan import BelfryPlan

BOOT_DIRS = ("/boot/firmware", "/boot")
MODEL = "/proc/device-tree/model"
PERSIST = "/sys/module/pinctrl_{}/parameters/persist_gpio_outputs"
SYSTEM_CONF = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
"""From the weakest to the strongest: a drop-in of the same name in a later one replaces the earlier."""
LARGEST_TEXT_BYTES = 256 * 1024


def boot_findings(
    plan: BelfryPlan,
    given: str,
    board: Board | None,
    *,
    dirs: Iterable[str] = BOOT_DIRS,
    conf_dirs: tuple[str, ...] = SYSTEM_CONF,
) -> tuple[Path, tuple[Finding, ...]]:
    """Where the partition is, and what is to be said of it. `given` "": this machine's own; `board` None: any.

    Raises UsageError when there is no such directory.
    """
    own = own_boot_dir(dirs)
    place = Path(given) if given else own
    if place is None or not place.is_dir():
        raise UsageError(
            "no_boot_dir",
            f"không thấy phân vùng khởi động{f': {given}' if given else ''}",
            cure="kengd doctor --boot THƯ_MỤC, nơi có tệp config.txt",
            en="no boot partition there",
        )
    here = own is not None and place.samefile(own)
    return place, lint(gather_boot(place, plan.state_dir if here else None, conf_dirs), plan, board)


def own_boot_dir(dirs: Iterable[str] = BOOT_DIRS) -> Path | None:
    """Where this machine's config.txt is."""
    return next((Path(name) for name in dirs if Path(name, CONFIG).is_file()), None)


def this_board(model: str = MODEL) -> Board | None:
    """The board this runs on, or None."""
    with contextlib.suppress(OSError):
        return board_of(Path(model).read_text(encoding="utf-8", errors="replace"))
    return None


def gather_boot(place: Path, state_dir: str | None, conf_dirs: tuple[str, ...] = SYSTEM_CONF) -> Boot:
    """All that `lint` wants to know. `state_dir` None: the partition belongs to another machine, which is not here to be asked."""
    overlays = frozenset(path.stem for path in place.glob("overlays/*.dtbo"))
    return Boot(
        files=boot_texts(place),
        overlays=overlays or None,
        own_partition=None if state_dir is None else os.path.ismount(state_dir),
        system_conf=None if state_dir is None else tuple(system_conf(conf_dirs)),
    )


def boot_texts(place: Path) -> dict[str, str]:
    """Every text file at the top of the partition, and one level below, by its name from there."""
    found: dict[str, str] = {}
    for path in sorted((*place.glob("*"), *place.glob("*/*"))):
        with contextlib.suppress(OSError):
            if path.suffix.lower() == ".txt" and path.stat().st_size <= LARGEST_TEXT_BYTES:
                text = path.read_text(encoding="utf-8", errors="replace")
                found[str(path.relative_to(place)).lower()] = text
    return found


def system_conf(roots: tuple[str, ...] = SYSTEM_CONF) -> Iterator[str]:
    """systemd's system.conf and its drop-ins, in the order in which they count (systemd-system.conf(5))."""
    main = [Path(root, "system.conf") for root in roots]
    drop_ins = {path.name: path for root in roots for path in Path(root, "system.conf.d").glob("*.conf")}
    strongest = [path for path in main if path.is_file()][-1:]
    for path in (*strongest, *(drop_ins[name] for name in sorted(drop_ins))):
        with contextlib.suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")


def strict_gpiod(dirs: Iterable[str] = BOOT_DIRS, persist: str = PERSIST, model: str = MODEL) -> bool | None:
    """Whether the kernel lets go of the relay when the daemon is killed (P1): asked of the kernel that runs, else of config.txt.

    None: neither is there, so this is no Raspberry Pi.
    """
    board = this_board(model)
    for driver in ("rp1",) if board is not None and board.rp1 else ("bcm2835",):
        with contextlib.suppress(OSError):
            return Path(persist.format(driver)).read_text(encoding="ascii").strip() == "N"
    place = own_boot_dir(dirs)
    return None if place is None else releases_pins(boot_texts(place), board)
