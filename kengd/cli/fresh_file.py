"""A file that a command writes for somebody: whole or not at all, and that it can be written is known beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path
from typing import BinaryIO, Final

from kengd.errors import KengdError

PRIVATE: Final = 0o600
SHARED: Final = 0o666
"""Less what the umask takes away, as for any document."""


@contextmanager
def fresh(path: Path, mode: int = SHARED) -> Iterator[BinaryIO]:
    """Write into it; the file that was there is replaced when the block has ended well. `mode`: from the first byte on.

    Raises KengdError `cannot_write`, before the block begins wherever that can be known.
    """
    new = path.with_name(f".{path.name}.new") if path.name else path
    try:
        if path.exists() and not path.is_file():
            raise FileExistsError(EEXIST, os.strerror(EEXIST))
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as wrong:
        raise unwritable(path, wrong) from wrong


def unwritable(path: Path, wrong: OSError) -> KengdError:
    """Why it cannot be written."""
    why = wrong.strerror or type(wrong).__name__
    return KengdError(
        "cannot_write", f"không ghi được {path} ({why})", cure="chọn nơi khác bằng --out", en=f"cannot write {path}"
    )
