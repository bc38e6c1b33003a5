"""Why the book cannot be written, in words a person can act on; trying again later can help in every case (R41)."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from kengd.errors import KengdError

SQLITE_FAULTS: Final = (sqlite3.Error, UnicodeDecodeError, MemoryError)  # a rotten length asks for all the memory
_SMALLEST_ROOM = 64 * 1024
_PASSING: Final = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
    )
)


class BookBroken(KengdError):
    """The batch was not written, nothing of it. Code: `disk_full`, `disk_read_only`, `book_in_use` or `book_broken`.

    The caller keeps its records and calls `write` again later; the book recovers by itself.
    """


class Malformed(Exception):
    """The file is no whole book: to be set aside. Never leaves this room."""


def is_corrupt(error: BaseException) -> bool:
    """True when the file itself is damaged: SQLite or its driver complains, and not about the disk, memory or another process.

    Damage has many voices (a schema that cannot be parsed or decoded, an unknown file format …), the others are few.
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF) not in _PASSING
    return isinstance(cause, UnicodeDecodeError | MemoryError)


def broken(error: BaseException, directory: Path) -> BookBroken:
    """The fault behind an error of SQLite or the file system."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code != sqlite3.SQLITE_READONLY and _no_room(directory)):
        return BookBroken(
            "disk_full",
            "Thẻ nhớ đã đầy, chưa ghi được sổ kẻng.",
            cure="xoá bớt tệp trên thẻ nhớ; máy tự ghi tiếp các mục đang chờ",
            en=f"the disk is full, the duty book waits ({cause})",
        )
    if code == sqlite3.SQLITE_READONLY or _read_only(directory):
        return _disk_read_only(str(cause))
    if code == sqlite3.SQLITE_IOERR or getattr(cause, "errno", None) == errno.EIO:
        return BookBroken(
            "book_broken",
            "Thẻ nhớ báo lỗi đọc ghi, chưa ghi được sổ kẻng; máy sẽ tự thử lại.",
            cure="thẻ nhớ có thể đã hỏng: khởi động lại máy, không hết thì thay thẻ",
            en=f"the disk returns errors, the duty book waits ({type(cause).__name__}: {cause})",
        )
    return BookBroken(
        "book_broken",
        "Sổ kẻng đang hỏng, chưa ghi được; máy sẽ tự thử lại.",
        cure="chạy `kengd journal verify` và `kengd doctor`",
        en=f"the duty book cannot be written ({type(cause).__name__}: {cause})",
    )


def must_be_writable(directory: Path) -> None:
    """Raises BookBroken `disk_read_only` where the file system has become so beneath our open files.

    Linux (6.1 and 6.12: ext4_sync_file) then still takes every write into memory and calls fsync a success.
    """
    try:
        read_only = bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
    except OSError as error:
        raise broken(error, directory) from error
    if read_only:
        raise _disk_read_only("mounted so")


def _disk_read_only(why: str) -> BookBroken:
    return BookBroken(
        "disk_read_only",
        "Thẻ nhớ đang ở chế độ chỉ đọc, chưa ghi được sổ kẻng.",
        cure="kiểm tra thẻ nhớ (có thể đã hỏng) và quyền của thư mục sổ kẻng",
        en=f"the disk is read-only, the duty book waits ({why})",
    )


def in_use(directory: Path) -> BookBroken:
    """Another process holds the book."""
    return BookBroken(
        "book_in_use",
        "Một tiến trình khác đang giữ sổ kẻng.",
        cure="chỉ chạy một kengd cho mỗi thư mục state_dir",
        en=f"another process writes the duty book in {directory}",
    )


def unreadable(error: BaseException, path: Path) -> KengdError:
    """A look at the book failed: it is missing, forbidden or damaged."""
    if isinstance(error, FileNotFoundError):
        return KengdError(
            "book_missing",
            f"Không có sổ kẻng ở {path}.",
            cure="điểm kẻng này chưa chạy lần nào, hoặc --config chỉ sai chỗ",
            en=f"there is no duty book at {path}",
        )
    if isinstance(error, PermissionError):
        return KengdError(
            "book_forbidden",
            f"Không được phép đọc sổ kẻng {path}.",
            cure="chạy lại bằng sudo",
            en=f"not allowed to read {path}",
        )
    return KengdError(
        "book_broken",
        f"Không đọc được sổ kẻng {path}.",
        cure="chạy `kengd journal verify` để biết hỏng từ mục nào",
        en=f"the duty book cannot be read ({type(error).__name__}: {error})",
    )


def _no_room(directory: Path) -> bool:
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _SMALLEST_ROOM or (disk.f_files > 0 and disk.f_favail == 0)


def _read_only(directory: Path) -> bool:
    try:
        return bool(os.statvfs(directory).f_flag & os.ST_RDONLY) or not os.access(directory, os.W_OK)
    except OSError:
        return False
