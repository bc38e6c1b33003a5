"""A restore on a running hub: the hub of the backup is made whole beside the one that runs, and takes its place at the next start.

    restore-next/                 ready to be taken: authority, ledger.sqlite, plan.json
    before-restore-<moment>/      what was there before, whole; the way back puts it beside again

Nothing is ever deleted here but what was only half made. A power cut at any moment ends in one of the two hubs, whole: `take` goes on
where it stopped. hub.toml stays as it is.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from kengd.clock import local
from kengd.errors import KengdError, UsageError
from kengd.hub import packing
from kengd.hub.authority.files import sync
from kengd.hub.founding import BROKER_DIR
from kengd.hub.keeping import LEDGER_FILE, Restored, restore
from kengd.hub.settings import HubSettings, read_hub

log = logging.getLogger("kengd.hub")

CODE: Final = "restore_staged"
NEXT: Final = "restore-next"
ASIDE: Final = "before-restore-"
PLAN: Final = "plan.json"
MOVED: Final = "moved.json"
HALF: Final = "restore-half-"
PARTS: Final = ("authority", LEDGER_FILE, f"{LEDGER_FILE}-wal", f"{LEDGER_FILE}-shm")
"""What makes a hub but for its settings; the ledger's companions go with it, or SQLite would mix two hubs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`made_ms`: what is put in place is of then. `asked_ms`, `by`: when and by whom it was asked for. `aside`: where the old one goes.
    `back`: it is the way back."""

    made_ms: int
    asked_ms: int
    by: str
    aside: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """A hub that was put aside, as it was at `asked_ms`."""

    name: str
    asked_ms: int


def check_possible(settings: HubSettings) -> None:
    """Raises UsageError `restore_by_shell` where the ledger is not a file of ours."""
    if settings.database.url is not None:
        raise UsageError(
            "restore_by_shell",
            "sổ nằm trong PostgreSQL: không khôi phục được từ trang",
            cure="dừng dịch vụ (sudo systemctl stop kengd-hub), tạo cơ sở dữ liệu trống, rồi ở máy trực ban: "
            "kengd --config TỆP_HUB_TOML_MỚI hub restore TỆP --state THƯ_MỤC_MỚI",
            en="the ledger is in PostgreSQL: restore at the shell",
        )


def stage(settings: HubSettings, file: Path | IO[bytes], passphrase: str, by: str, now_ms: int) -> Restored:
    """Make the backup's hub beside ours, ready for the next start. What was staged before is dropped.

    Raises UsageError `restore_by_shell`, KengdError `backup_other_commune`, and what `keeping.restore` raises.
    """
    check_possible(settings)
    with packing.opened(file) as pack:
        pack.prove(passphrase)
        theirs = read_hub(pack.part(packing.SETTINGS), settings.state / "hub.toml")
    if theirs.commune.id != settings.commune.id:
        raise KengdError(
            "backup_other_commune",
            f"bản sao lưu này là của xã khác ({theirs.commune.name})",
            cure="chọn đúng bản sao lưu của xã mình",
            en=f"a backup of another commune: {theirs.commune.id}",
        )
    check_possible(theirs)
    half = Path(tempfile.mkdtemp(prefix=HALF, dir=settings.state))
    try:
        made = restore(file, half / "hub.toml", passphrase, by, now_ms, half)
        shutil.rmtree(half / BROKER_DIR)  # made anew at the start, with our own settings
        _write(half / PLAN, Plan(made.made_ms, now_ms, by, _aside(now_ms)))
        unstage(settings.state)
        _move(half, settings.state / NEXT)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return made


def stage_back(state: Path, name: str, by: str, now_ms: int) -> None:
    """The hub that was put aside takes its place again at the next start. Raises KengdError `nothing_aside`."""
    found = next((one for one in earlier(state) if one.name == name), None)
    if found is None:
        raise KengdError(
            "nothing_aside", "không còn dữ liệu cũ này", cure="tải lại trang", en="nothing of this name was put aside"
        )
    unstage(state)
    _write(state / name / PLAN, Plan(found.asked_ms, now_ms, by, _aside(now_ms), back=True))
    _move(state / name, state / NEXT)


def staged(state: Path) -> Plan | None:
    """What the next start will put in place."""
    for name in (MOVED, PLAN):
        try:
            return Plan(**json.loads((state / NEXT / name).read_bytes()))
        except FileNotFoundError:
            continue
    return None


def waiting(state: Path) -> Plan | None:
    """As `staged`, for whoever only shows it: what cannot be read says nothing, and breaks no page."""
    try:
        return staged(state)
    except (OSError, ValueError, TypeError):
        return None


def condition(plan: Plan) -> dict[str, Any]:
    """The condition of a hub whose next start puts another one in its place, for pages and machines. `by`: an officer's id."""
    made, asked = local(plan.made_ms), local(plan.asked_ms)
    return {
        "code": CODE,
        "severity": "critical",
        "vi": f"lần khởi động tới của máy trực ban sẽ thay toàn bộ dữ liệu bằng dữ liệu lúc {made:%H:%M %d/%m/%Y} "
        f"(yêu cầu lúc {asked:%H:%M %d/%m/%Y})",
        "en": f"the hub's next start will replace all data by those of {made:%Y-%m-%d %H:%M} (asked for at {asked:%Y-%m-%d %H:%M})",
        "cure": "không muốn thay nữa: quản trị mở trang Sao lưu, bấm “Thôi, không thay”",
        "since_ms": plan.asked_ms,
        "by": plan.by,
    }


def unstage(state: Path) -> bool:
    """Do not, after all: a restore that waits is dropped; one that was the way back is put aside again. False: nothing waited.
    Raises KengdError `restore_stuck`."""
    try:
        plan = staged(state)
    except (OSError, ValueError, TypeError):
        _keep_unread(state)
        return True
    if plan is None:
        shutil.rmtree(state / NEXT, ignore_errors=True)
    elif plan.back:
        (state / NEXT / PLAN).unlink()
        _move(state / NEXT, state / _aside(plan.made_ms))
    else:
        half = state / f"{HALF}dropped"
        shutil.rmtree(half, ignore_errors=True)
        _move(state / NEXT, half)
        shutil.rmtree(half, ignore_errors=True)
    return plan is not None


def earlier(state: Path) -> list[Earlier]:
    """Hubs that were put aside, newest first."""
    found = []
    for place in state.glob(f"{ASIDE}*"):
        moment = place.name.removeprefix(ASIDE)
        if moment.isascii() and moment.isdigit() and (place / LEDGER_FILE).exists():
            found.append(Earlier(place.name, int(moment)))
    return sorted(found, key=lambda one: -one.asked_ms)


def take(state: Path) -> Plan | None:
    """Before the hub is opened: what was staged takes its place. Begun and broken off, it goes on. Raises KengdError `restore_stuck`."""
    for half in state.glob(f"{HALF}*"):
        shutil.rmtree(half, ignore_errors=True)
    try:
        plan = staged(state)
    except (OSError, ValueError, TypeError) as wrong:
        log.error("what was to be put in place is left aside: its plan cannot be read (%s)", wrong)
        _keep_unread(state)
        return None
    if plan is None:
        return None
    following, aside = state / NEXT, state / plan.aside
    try:
        if not (following / MOVED).exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            for part in PARTS:
                if (state / part).exists():
                    _move(state / part, aside / part)
            os.rename(following / PLAN, following / MOVED)
            sync(following)
        for part in PARTS:
            if (following / part).exists():
                _move(following / part, state / part)
        shutil.rmtree(following)
        sync(state)
    except OSError as wrong:
        raise KengdError(
            "restore_stuck",
            f"chưa đổi xong sang bản khôi phục ({wrong.strerror})",
            cure=f"xem đĩa và quyền ghi trong {state}; khởi động lại thì làm tiếp; dữ liệu cũ ở {aside}",
            en=f"the restore could not be put in place: {wrong}",
        ) from wrong
    return plan


def _keep_unread(state: Path) -> None:
    """A disk has damaged the plan. The hub that runs goes on, and the other one is kept among those aside, as of its last change: it
    may be the only copy of what was there. Raises KengdError `restore_stuck` when it has been put in place in part."""
    following = state / NEXT
    if (following / MOVED).exists() or not all((state / part).exists() for part in PARTS[:2]):
        raise KengdError(
            "restore_stuck",
            "chưa đổi xong sang bản khôi phục, và tệp ghi việc đang làm bị hỏng",
            cure=f"dữ liệu cũ ở thư mục {ASIDE}… mới nhất trong {state}, dữ liệu mới ở {NEXT} và {state}: "
            f"chép lại cho đủ authority và {LEDGER_FILE}, rồi xoá {NEXT}",
            en="a restore that was begun cannot be read any more",
        )
    kept = following / LEDGER_FILE
    changed_s = (kept if kept.exists() else following).stat().st_mtime
    (following / PLAN).unlink()
    _move(following, state / _aside(int(changed_s * 1000)))


def _aside(now_ms: int) -> str:
    return f"{ASIDE}{now_ms}"


def _move(old: Path, new: Path) -> None:
    os.rename(old, new)
    sync(new.parent)
    if old.parent != new.parent:
        sync(old.parent)


def _write(path: Path, plan: Plan) -> None:
    with open(path, "w", encoding="utf-8") as out:
        json.dump(asdict(plan), out)
        out.flush()
        os.fsync(out.fileno())
    sync(path.parent)
