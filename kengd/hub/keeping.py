"""The backup: one file with the ledger, the authority under a passphrase, and hub.toml; and a hub made from it again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final

from kengd import __version__
from kengd.clock import local
from kengd.errors import KengdError, UsageError
from kengd.hub import backups, packing, restored
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.files import PART, PRIVATE, sync
from kengd.hub.authority.index import Index
from kengd.hub.founding import BROKER_DIR, write_broker
from kengd.hub.ledger import audits, copying, people
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.words import Officer
from kengd.hub.settings import HubSettings, read_hub

LEDGER_FILE: Final = "ledger.sqlite"
KEPT: Final = 14
"""Nightly backups in one directory; older ones of the same commune are removed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was made. `rows`: of the ledger; `outside`: files that hub.toml names and that are not in it."""

    path: Path
    rows: int
    bytes: int
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """A hub made from a backup. `made_ms`: when that was made; `index`, `officers`: who had been let in by then, and now is again."""

    settings: HubSettings
    rows: int
    made_ms: int
    index: Index
    officers: tuple[Officer, ...]


def backup(settings: HubSettings, config: Path, into: Path, passphrase: str, by: str, now_ms: int) -> Kept:
    """Write it: a file, or one named by the day in an existing directory, which then keeps the newest 14.

    Raises UsageError `weak_passphrase`, KengdError `backup_unwritable` and what ledger and authority raise.
    """
    nightly = into.is_dir()
    path = into / file_name(settings, now_ms) if nightly else into
    authority = Authority.open(settings.authority)
    ledger = Ledger(settings.database_url)
    try:
        with _fresh(path) as out:
            rows = pack(out, settings, config, (authority, ledger), passphrase, by, now_ms)
        with ledger.write() as connection:
            backups.note(connection, by, str(path), rows, now_ms)
        if nightly:
            for old in sorted(into.glob(f"{_prefix(settings)}[0-9]*.zip"))[:-KEPT]:
                old.unlink()
    except OSError as wrong:
        raise unwritable(path, wrong) from wrong
    finally:
        ledger.close()
    outside = tuple(one for one in (settings.web.cert, settings.web.key) if one is not None)
    return Kept(path, rows, path.stat().st_size, outside)


def pack(
    out: IO[bytes],
    settings: HubSettings,
    config: Path,
    hub: tuple[Authority, Ledger],
    passphrase: str,
    by: str,
    now_ms: int,
) -> int:
    """The backup of this hub into an open file; how many rows of the ledger. `by`: who makes it. Raises as `backup`, and OSError."""
    authority, ledger = hub
    sealed = authority.seal(passphrase)
    about = {"commune": settings.commune.id, "made_ms": now_ms, "version": __version__, "by": by}
    return packing.write(out, about, config.read_bytes(), sealed, copying.lines(ledger), passphrase)


def file_name(settings: HubSettings, now_ms: int) -> str:
    """By commune and moment."""
    return f"{_prefix(settings)}{local(now_ms):%Y-%m-%d-%H%M%S}.zip"


def unwritable(path: Path, wrong: OSError) -> KengdError:
    """The disk is full, or nobody may write there."""
    return KengdError(
        "backup_unwritable",
        f"không ghi được bản sao lưu {path} ({wrong.strerror})",
        cure="xem đĩa còn chỗ và quyền ghi không, hoặc chọn nơi khác",
        en=f"cannot write {path}",
    )


def _prefix(settings: HubSettings) -> str:
    return f"kengd-{settings.commune.id}-"


@contextlib.contextmanager
def _fresh(path: Path) -> Iterator[BinaryIO]:
    """The whole file or none, for its owner only from the first byte on."""
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(handle, "w+b") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def restore(
    file: Path | IO[bytes], config: Path, passphrase: str, by: str, now_ms: int, state: Path | None = None
) -> Restored:
    """Make the hub of this backup where there is none; all or nothing. What had been ordered before is not sent again.

    `state`: its state directory from now on, written into the new hub.toml; None: where the backup's hub.toml has it. Raises
    UsageError `hub_exists`, KengdError `no_backup`, `backup_broken`, `backup_unproved`, `backup_other_release`, `wrong_passphrase`,
    `no_directory`, `bad_state`, SettingsError, and what ledger and authority raise.
    """
    with packing.opened(file) as pack:
        pack.prove(passphrase)  # before anything in it is believed
        made_ms, text, sealed = pack.made_ms(), pack.part(packing.SETTINGS), pack.part(packing.AUTHORITY)
        if state is not None:
            text = _moved(text, state, config)
        settings = read_hub(text, config)
        _nothing_there(settings, config)
        _make_room(settings.state, config.parent)
        made_here = [settings.authority, *(one for one in [settings.state / BROKER_DIR] if not one.exists())]
        authority = Authority.unseal(sealed, passphrase, settings.authority)
        try:
            with _empty_ledger(settings) as ledger:
                rows = copying.fill(ledger, pack.lines(), now_ms)
                with ledger.write() as connection:
                    restored.note(connection, made_ms, now_ms)
                    audits.write(connection, by, "restore", {"rows": rows, "made_ms": made_ms}, now_ms)
                    officers = tuple(people.officers(connection))
                write_broker(authority, settings)
                _write_new(config, text)
        except BaseException:
            for place in made_here:
                shutil.rmtree(place, ignore_errors=True)
            raise
    return Restored(settings, rows, made_ms, authority.index, officers)


@contextlib.contextmanager
def _empty_ledger(settings: HubSettings) -> Iterator[Ledger]:
    """One that nothing was written into, and is so again when the block raises; a file that was not there is not there then.

    Raises UsageError `hub_exists`.
    """
    file = settings.state / LEDGER_FILE if settings.database.url is None else None
    new = file is not None and not file.exists()
    ledger = Ledger(settings.database_url)
    try:
        if not copying.is_empty(ledger):
            raise _exists("cơ sở dữ liệu", "the database")
        try:
            yield ledger
        except BaseException:
            copying.wipe(ledger)
            if file is not None and new:
                ledger.close()
                for beside in ("", "-wal", "-shm", "-journal"):  # what SQLite keeps beside it too
                    file.with_name(LEDGER_FILE + beside).unlink(missing_ok=True)
            raise
    finally:
        ledger.close()


def _nothing_there(settings: HubSettings, config: Path) -> None:
    if config.exists():
        raise _exists(str(config), str(config))
    if settings.authority.exists() and any(settings.authority.iterdir()):
        raise _exists(str(settings.authority), str(settings.authority))


def _moved(text: bytes, state: Path, config: Path) -> bytes:
    """This hub.toml with its state in another directory. Raises KengdError `bad_state`, SettingsError."""
    read_hub(text, config)
    here = f"state_dir = {json.dumps(str(state), ensure_ascii=False)}"
    said = text.decode("utf-8-sig").replace("\r\n", "\n")
    tables = re.search(r"^[ \t]*\[", said, re.MULTILINE)  # what stands before the first of them is at the top
    head, rest = (said[: tables.start()], said[tables.start() :]) if tables else (said, "")
    head, changed = re.subn(r"^[ \t]*state_dir[ \t]*=.*$", lambda _: here, head, flags=re.MULTILINE)
    moved = (head if changed else f"{here}\n{head}") + rest
    if read_hub(moved.encode(), config).state != state:
        raise KengdError(
            "bad_state",
            "không đổi được state_dir trong hub.toml của bản sao lưu",
            cure="khôi phục không kèm --state, rồi sửa hub.toml bằng tay",
            en="state_dir in the backup's hub.toml cannot be changed",
        )
    return moved.encode()


def _make_room(state: Path, beside: Path) -> None:
    """Raises KengdError `no_directory`; nothing has been made then but empty directories."""
    for place in (state, beside):
        try:
            place.mkdir(mode=0o750, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as wrong:
            raise KengdError(
                "no_directory",
                f"không ghi được vào {place} ({wrong.strerror})",
                cure="chạy bằng người dùng ghi được ở đó (thường là sudo -u kengd-hub), hoặc chọn nơi khác: "
                "kengd --config TỆP_HUB_TOML hub restore TỆP --state THƯ_MỤC",
                en=f"cannot write into {place}",
            ) from wrong


def _write_new(path: Path, text: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _exists(what_vi: str, what: str) -> UsageError:
    return UsageError(
        "hub_exists",
        f"đã có {what_vi}: không ghi đè lên máy trực ban đang có",
        cure="khôi phục vào máy mới; hoặc dời hub.toml, thư mục dữ liệu (và cơ sở dữ liệu) cũ đi trước; hoặc để chỗ khác: "
        "kengd --config TỆP_HUB_TOML hub restore TỆP --state THƯ_MỤC",
        en=f"{what} is there already",
    )
