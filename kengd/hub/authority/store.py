"""The directory `authority/` on disk: 0700, whole files only, one writer at a time.

index.json        what was issued, states of the signing keys
ca.pem            the CA's certificate, for everybody
private/ca.pem    the CA's key and certificate
private/server.pem, private/hub-1.pem …   key and certificate in one file each
signing/KID.pem   signing keys
crl.pem           the list of revoked certificates
lock
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import files
from kengd.hub.authority.certificates import Pair, broken_file, read_pair
from kengd.hub.authority.index import Index, from_json, to_json

INDEX, CA, CRL, LOCK = "index.json", "ca.pem", "crl.pem", "lock"
CA_PAIR, SERVER = "private/ca.pem", "private/server.pem"
ROOMS = ("private", "signing")


class Store:
    """Reads need no lock, since every file changes in one step; each change happens inside `turn()`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen: tuple[tuple[int, int, int], Index] | None = None

    def path(self, name: str) -> Path:
        """Where a file of this directory lies."""
        return self.directory / name

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None when it is not there."""
        return files.read(self.path(name))

    def write(self, name: str, content: bytes) -> None:
        """The whole file or the one before."""
        files.write(self.path(name), content)

    def remove(self, name: str) -> None:
        """Take a file away."""
        files.remove(self.path(name))

    def index(self) -> Index:
        """As it lies on disk now; read again only when it was replaced. Raises KengdError `no_authority`, `authority_broken`."""
        try:
            found = os.stat(self.path(INDEX))
        except OSError:
            raise no_authority(self.directory) from None
        mark = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._seen is None or self._seen[0] != mark:
            try:
                self._seen = (mark, from_json(self.read(INDEX) or b""))
            except ValueError:
                raise broken_file(INDEX) from None
        return self._seen[1]

    def keep(self, index: Index) -> None:
        """Write the index; inside `turn()`."""
        self.write(INDEX, to_json(index))

    def pair(self, name: str) -> Pair | None:
        """Key and certificate, None when the file is not there. Raises KengdError `authority_broken`."""
        pem = self.read(name)
        return None if pem is None else read_pair(pem, name)

    def ca(self) -> Pair:
        """The CA. Raises KengdError `authority_broken`."""
        found = self.pair(CA_PAIR)
        if found is None:
            raise broken_file(CA_PAIR)
        return found

    @contextlib.contextmanager
    def turn(self, within_s: float = files.LOCK_WITHIN_S) -> Iterator[Index]:
        """Hold the lock; the index as it is now. Raises KengdError `authority_busy`, `no_authority`."""
        if not self.path(INDEX).exists():
            raise no_authority(self.directory)
        with files.locked(self.path(LOCK), within_s):
            files.sweep(self.directory)
            yield self.index()

    def all_files(self) -> dict[str, bytes]:
        """Everything that matters, by name; inside `turn()`."""
        names = [INDEX, CA, CRL, *(f"{room}/{path.name}" for room in ROOMS for path in self.path(room).glob("*.pem"))]
        return {name: content for name in sorted(names) if (content := self.read(name)) is not None}


def lay_down(directory: Path, contents: Mapping[str, bytes]) -> Store:
    """A new directory with these files, all of it or nothing. Raises UsageError `authority_exists`, KengdError `authority_disk`."""
    place = Path(os.path.abspath(directory))
    if not place.parent.is_dir():
        raise UsageError(
            "no_directory",
            f"không có thư mục {place.parent}",
            cure="tạo thư mục ấy trước, hoặc sửa state_dir trong hub.toml",
            en=f"{place.parent} is no directory",
        )
    with files.locked(place.parent):
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UsageError(
                "authority_exists",
                f"{place} đã có khoá và chứng thư của một xã",
                cure="dùng tiếp bộ khoá ấy, hoặc chọn thư mục khác bằng --state; đừng xoá khi chưa có bản sao lưu",
                en=f"{place} is not empty",
            )
        new = place.with_name(f".{place.name}.new")
        shutil.rmtree(new, ignore_errors=True)  # what a power cut left of an earlier try; nothing of it was ever used
        files.make_directory(new)
        for room in ROOMS:
            files.make_directory(new / room)
        for name, content in contents.items():
            files.write(new / name, content)
        files.put_in_place(new, place)
    return Store(place)


def no_authority(directory: Path) -> KengdError:
    """There is none."""
    return UsageError(
        "no_authority",
        f"{directory} chưa có khoá và chứng thư của xã",
        cure="xem state_dir trong hub.toml; nếu thư mục ấy đã mất: dời hub.toml đi, rồi khôi phục từ bản sao lưu: "
        "kengd hub restore TỆP",
        en=f"no authority in {directory}",
    )
