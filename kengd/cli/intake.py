"""`kengd intake`: take in the settings (and keys) that an installer dropped on the boot partition. Root; run before the bell starts.

Order, so that a power cut at any moment leaves the old or the new settings whole, and the file there or taken: keys, settings,
the note, the file renamed, overwritten, removed. Taking it in once more does no harm.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import grp
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kengd.cli import intake_notes as notes
from kengd.cli.firmware import write
from kengd.cli.intake_hands import Hands
from kengd.errors import KengdError
from kengd.firmware.config import CONFIG
from kengd.settings import credentials, where
from kengd.settings.plan import BelfryPlan
from kengd.settings.problems import Problem, SettingsError

BOOT = ("/boot/firmware", "/boot")
NAMES = ("kengd.toml", "kengd.toml.txt")
"""Windows hides the second half of the second."""
WIPING = "kengd-wipe.tmp"
IN_MEMORY = ("overlay", "tmpfs", "ramfs")
MOUNTS = "/proc/self/mountinfo"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie. `group`: gid that may read the settings."""

    boot: Path
    config: Path = Path(where.SYSTEM_CONFIG)
    keys: Path = Path(credentials.KEY_DIR)
    group: int | None = None


def add_parser(subparsers: Any) -> None:
    """`kengd intake`."""
    parser = subparsers.add_parser("intake", help="nhận tệp cài đặt chép vào phân vùng boot")
    parser.add_argument(
        "--boot-dir", type=Path, metavar="D", help="phân vùng boot (mặc định /boot/firmware, rồi /boot)"
    )


def run(args: argparse.Namespace) -> int:
    """0 taken or nothing to take, 1 not taken (the reason lies beside the file). Raises KengdError."""
    boot = args.boot_dir or next((Path(name) for name in BOOT if _found(Path(name))), Path(BOOT[0]))
    said = take_in(Places(boot, group=_group("kengd")), Hands())
    print(said.text, file=sys.stderr if said.code else sys.stdout)
    return said.code


@dataclass(frozen=True, slots=True)
class Said:
    """What became of it."""

    code: int
    text: str


def take_in(places: Places, hands: Hands, mounts: str = MOUNTS) -> Said:
    """Do it. Raises KengdError `intake_failed` when the card does not take what must be written (nothing is lost then)."""
    try:
        if (places.boot / WIPING).exists():
            _wipe(places.boot, hands)
        found = _found(places.boot)
        if not found:
            return Said(0, f"không có tệp cài đặt mới trong {places.boot}")
        return _take(found, places, hands, mounts)
    except OSError as broken:
        raise KengdError(
            "intake_failed",
            f"chưa nhận được tệp cài đặt: {broken.strerror or broken} ({broken.filename or places.boot})",
            cure="xem thẻ nhớ còn chỗ trống không, có bị khoá chỉ đọc không; cài đặt cũ vẫn dùng",
            en=f"intake: {broken}",
        ) from broken


def _take(found: list[Path], places: Places, hands: Hands, mounts: str) -> Said:
    file = found[0]
    if os.statvfs(places.boot).f_flag & os.ST_RDONLY:
        return Said(1, f"phân vùng boot đang chỉ đọc, không xoá được {file.name} sau khi nhận: chưa nhận")
    if len(found) > 1:
        why = f"có cả {found[0].name} và {found[1].name}, không biết tệp nào đúng"
        return _cannot(file, places, hands, why, "xoá một trong hai tệp, chỉ để lại tệp đúng")
    if _kept_in_memory(places.config.parent, mounts):
        why = "thẻ nhớ đang ở chế độ chỉ đọc (overlay), nhận vào thì khởi động lại là mất"
        cure = "bỏ overlayroot=… trong cmdline.txt trên phân vùng này, khởi động một lần cho máy nhận, rồi ghi lại"
        return _cannot(file, places, hands, why, cure)
    raw = b""
    try:
        raw = _read(file)
        note = places.boot / notes.REFUSED
        if note.exists() and notes.same_as_refused(note.read_bytes(), raw):
            return Said(1, f"tệp {file.name} vẫn là tệp đã bị từ chối, xem {notes.REFUSED}")
        return _accept(file, raw, places, hands)
    except SettingsError as wrong:
        hands.note(places.boot / notes.REFUSED, notes.refused(file.name, raw, wrong.problems))
        return Said(1, wrong.for_people())


def _read(file: Path) -> bytes:
    try:
        return where.read_bytes(file)
    except KengdError as wrong:
        raise SettingsError(file.name, [Problem("value", "", wrong.vi, wrong.cure)]) from wrong


def _accept(file: Path, raw: bytes, places: Places, hands: Hands) -> Said:
    """Check all of it, then put all of it in place. Raises SettingsError, with nothing changed, and OSError."""
    from kengd.settings.dropped import missing, read_dropped
    from kengd.settings.find import read_as
    from kengd.settings.lines import key_lines

    dropped = read_dropped(raw, file.name)
    stored = {name: places.keys / name for name in credentials.NAMES if (places.keys / name).is_file()}
    loaded = None
    if dropped.settings is not None:
        loaded = read_as(dropped.settings.encode(), places.config)
        if absent := missing(dropped, frozenset(stored), key_lines(dropped.settings)):
            raise SettingsError(file.name, absent)
    elif not places.config.exists():
        problem = Problem("missing", "", "tệp chỉ có khoá mà máy này chưa có cài đặt", "ghi cả cài đặt vào tệp này")
        raise SettingsError(file.name, [problem])
    if dropped.keys:
        from kengd.settings.keycheck import key_problems

        kept = {name: path.read_text("utf-8", "replace") for name, path in stored.items()}
        if wrong := key_problems(kept | dropped.keys, dropped.lines):
            raise SettingsError(file.name, wrong)

    _place(dropped.settings, dropped.keys, places, hands)
    if loaded is not None:
        from kengd.cli.time_source import follow

        follow(loaded.broker)
    post = None if loaded is None else f"{loaded.plan.name} ({loaded.plan.commune}/{loaded.plan.post_id})"
    warnings = (
        ()
        if loaded is None
        else (*loaded.warnings, *_deaf(loaded.plan.pins), *_firmware(places.boot, loaded.plan, hands))
    )
    with contextlib.suppress(OSError):  # a partition without room for words: the keys must go from it all the same
        hands.note(places.boot / notes.TAKEN, notes.taken(file.name, post, sorted(dropped.keys), warnings))
    hands.remove(places.boot / notes.REFUSED)
    hands.rename(file, places.boot / WIPING)
    _wipe(places.boot, hands)
    return Said(0, f"đã nhận {file.name}" + (f", khoá: {', '.join(sorted(dropped.keys))}" if dropped.keys else ""))


def _deaf(pins: str) -> tuple[Problem, ...]:
    """P11: they were asked for by name, but hardly meant for a card that goes into a machine with a bell."""
    if pins != "simulated":
        return ()
    vi = "đang là chân mô phỏng: nút thật bấm không ăn, kẻng thật không kêu"
    return (Problem("warning", "gpio.pins", vi, 'ở điểm kẻng thật thì ghi pins = "kengd"'),)


def _firmware(boot: Path, plan: BelfryPlan, hands: Hands) -> tuple[Problem, ...]:
    """The pins at rest before kengd is there, for these settings. The bell does not wait for it, nor do the keys."""
    if not (boot / CONFIG).is_file():
        return ()
    try:
        changed = write(boot, plan, hands)
    except KengdError as wrong:
        return (Problem("warning", "", wrong.vi, "làm lại: sudo kengd firmware --write"),)
    if not changed:
        return ()
    vi = f"đã sửa {', '.join(changed)} trên phân vùng này cho hợp với cài đặt mới"
    return (Problem("warning", "", vi, "khởi động lại một lần nữa thì có hiệu lực"),)


def _place(settings: str | None, keys: dict[str, str], places: Places, hands: Hands) -> None:
    """Keys first: settings must never ask for a key that is still on its way."""
    if not places.config.parent.is_dir():
        places.config.parent.mkdir()
        places.config.parent.chmod(0o755)  # whatever the umask: the post reads its settings in there
    places.keys.mkdir(mode=0o700, exist_ok=True)
    _room_for_all(settings, keys, places)
    for name, key in keys.items():
        hands.write(places.keys / name, key.encode(), 0o600)
    if settings is not None:
        hands.write(places.config, settings.encode(), 0o640, places.group)


def _room_for_all(settings: str | None, keys: dict[str, str], places: Places) -> None:
    """A new certificate beside an old key is worse than both old. Raises OSError ENOSPC before anything was written."""
    disk = os.statvfs(places.keys)
    blocks = sum(len(text.encode()) // disk.f_frsize + 2 for text in (*keys.values(), settings or ""))
    if disk.f_bfree < blocks:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(places.keys))


def _wipe(boot: Path, hands: Hands) -> None:
    """What was renamed is only to be got rid of, never to be read again."""
    hands.overwrite(boot / WIPING)
    hands.remove(boot / WIPING)


def _cannot(file: Path, places: Places, hands: Hands, why: str, cure: str) -> Said:
    hands.note(places.boot / notes.REFUSED, notes.impossible(file.name, why, cure))
    return Said(1, f"chưa nhận {file.name}: {why}\n  cách sửa: {cure}")


def _found(boot: Path) -> list[Path]:
    """The dropped files, by any spelling: a FAT has no upper and lower case."""
    try:
        names = sorted(os.listdir(boot))
    except OSError:
        return []
    return [boot / name for name in names if name.casefold() in NAMES and (boot / name).is_file()]


def _kept_in_memory(place: Path, mounts: str) -> bool:
    """Whether what is written there is gone after a restart. `mounts`: a file like /proc/self/mountinfo."""
    real = os.path.realpath(place)
    best, kind = "", ""
    with open(mounts, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split()
            point = words[4].encode().decode("unicode_escape")
            if (real + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
                best, kind = point, words[words.index("-") + 1]
    return kind in IN_MEMORY


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
