"""The backup's file: a zip, so that anybody can look what is in it, and nobody without the passphrase can change what is.

    about.json  hub.toml  authority.sealed  ledger.jsonl  sums.sealed

The last holds length and SHA-256 of each of the others under the passphrase: they are compared before anything of them is used.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import sealing

ABOUT: Final = "about.json"
SETTINGS: Final = "hub.toml"
AUTHORITY: Final = "authority.sealed"
LEDGER: Final = "ledger.jsonl"
SUMS: Final = "sums.sealed"
SUMMED: Final = (ABOUT, SETTINGS, AUTHORITY, LEDGER)
FORMAT: Final = 2
"""1 had no sums."""
LARGEST_PART: Final = 64 << 20
"""Of everything but the ledger, which is read line by line."""
LONGEST_LINE: Final = 16 << 20
HANDED_IN: Final = Path("vừa gửi lên")
"""How a file without a name is called in sentences."""
LATEST_MS: Final = 253_402_300_800_000
"""The year 10000."""
_CHUNK: Final = 1 << 20
_WAYS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others grow without bounds from a few bytes, and none of ours has them."""
_BAD: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)
"""What a spoilt or hostile zip raises: NotImplementedError and RecursionError are RuntimeErrors too."""


def write(
    out: IO[bytes], about: Mapping[str, Any], settings: bytes, authority: bytes, ledger: Iterable[str], passphrase: str
) -> int:
    """The whole file, the ledger line by line; how many rows that has. Raises UsageError `weak_passphrase`."""
    parts = {ABOUT: json.dumps({"kengd-hub-backup": FORMAT, **about}, ensure_ascii=False).encode()}
    parts |= {SETTINGS: settings, AUTHORITY: authority}
    sums = {name: (len(content), sha256(content).hexdigest()) for name, content in parts.items()}
    rows = size = 0
    digest = sha256()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in parts.items():
            pack.writestr(name, content)
        with pack.open(LEDGER, "w", force_zip64=True) as member:
            for line in ledger:
                content = line.encode() + b"\n"
                member.write(content)
                digest.update(content)
                size += len(content)
                rows += line.startswith("[")
        sums[LEDGER] = (size, digest.hexdigest())
        pack.writestr(SUMS, sealing.seal({SUMS: json.dumps(sums).encode()}, passphrase))
    return rows


class Packed:
    """A backup that is being read; only `opened` makes one."""

    def __init__(self, file: Path, pack: zipfile.ZipFile) -> None:
        self.file, self._pack = file, pack

    def prove(self, passphrase: str) -> None:
        """Every part is as it was written. Raises KengdError `backup_unproved`, `backup_broken`, `wrong_passphrase`, `not_a_backup`."""
        names = set(self._pack.namelist())
        if SUMS not in names and AUTHORITY in names:
            raise _unproved(self.file)
        said = sealing.unseal(self.part(SUMS), passphrase)
        try:
            sums = {str(name): (int(size), str(digest)) for name, (size, digest) in json.loads(said[SUMS]).items()}
        except (KeyError, TypeError, AttributeError, *_BAD):
            raise broken(self.file, "no sums") from None
        if sums.keys() != set(SUMMED):
            raise broken(self.file, "sums of something else")
        for name in SUMMED:
            if self._sum(name, sums[name][0]) != sums[name]:
                raise broken(self.file, f"{name} is not what was sealed")

    def _sum(self, name: str, size: int) -> tuple[int, str]:
        """Length and SHA-256 of a part; where the length is another than it should be, nothing of it is unpacked."""
        with self._bad_is_said():
            found = self._info(name).file_size
            digest = sha256()
            if found == size:
                with self._pack.open(name) as member:
                    while chunk := member.read(_CHUNK):
                        digest.update(chunk)
            return found, digest.hexdigest()

    def part(self, name: str) -> bytes:
        """One of the small parts. Raises KengdError `backup_broken`."""
        with self._bad_is_said():
            if self._info(name).file_size > LARGEST_PART:
                raise broken(self.file, f"{name} is too large")
            return self._pack.read(name)

    def about(self) -> dict[str, Any]:
        """`made_ms`, `by` whom, of which `commune`, with which `version`. Raises KengdError `backup_broken`."""
        try:
            said = json.loads(self.part(ABOUT))
            made_ms = said["made_ms"]
            if said["kengd-hub-backup"] == FORMAT and type(made_ms) is int and 0 <= made_ms < LATEST_MS:
                return {"made_ms": made_ms} | {key: str(said.get(key) or "") for key in ("by", "commune", "version")}
        except (KeyError, TypeError, AttributeError, *_BAD):
            pass
        raise broken(self.file, f"{ABOUT} is not a backup's of this kind")

    def made_ms(self) -> int:
        """When it was made. Raises KengdError `backup_broken`."""
        return int(self.about()["made_ms"])

    def lines(self) -> Iterator[str]:
        """Of the ledger. Raises KengdError `backup_broken`."""
        with self._bad_is_said():
            member = self._pack.open(self._info(LEDGER))
        with member:
            while True:
                with self._bad_is_said():
                    line = member.readline(LONGEST_LINE).decode()
                if not line:
                    return
                yield line

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            info = self._pack.getinfo(name)
        except KeyError:
            raise broken(self.file, f"no {name}") from None
        if info.compress_type not in _WAYS:
            raise broken(self.file, f"{name} is packed in another way")
        return info

    @contextlib.contextmanager
    def _bad_is_said(self) -> Iterator[None]:
        try:
            yield
        except KengdError:
            raise
        except _BAD as wrong:
            raise broken(self.file, f"{type(wrong).__name__}: {wrong}") from wrong


@contextlib.contextmanager
def opened(file: Path | IO[bytes]) -> Iterator[Packed]:
    """`file`: a path, or what somebody has just handed in. Raises UsageError `no_backup`, KengdError `backup_broken`."""
    shown = file if isinstance(file, Path) else HANDED_IN
    try:
        pack = zipfile.ZipFile(file)
    except OSError as wrong:
        raise UsageError(
            "no_backup",
            f"không đọc được {shown} ({wrong.strerror})",
            cure="xem lại tên tệp sao lưu",
            en=f"cannot read {shown}",
        ) from wrong
    except _BAD as wrong:
        raise broken(shown, str(wrong)) from wrong
    with pack:
        yield Packed(shown, pack)


def broken(file: Path, what: str) -> KengdError:
    """Nothing of it can be used. `what`: for the log."""
    return KengdError(
        "backup_broken",
        f"tệp {file} không phải bản sao lưu của máy trực ban, hoặc đã hỏng hay bị sửa; chưa khôi phục gì",
        cure="dùng bản sao lưu khác",
        en=f"{file}: {what}",
    )


def _unproved(file: Path) -> KengdError:
    """Refused, and no option lets it in: nobody can tell an old backup from one whose sums were taken out, while the release that
    made it still restores it."""
    return KengdError(
        "backup_unproved",
        f"bản sao lưu {file} do bản kengd cũ làm ra: không biết được sổ và hub.toml trong đó có bị ai sửa hay không",
        cure="dùng bản sao lưu mới hơn; nếu không có và tin chắc tệp này: cài đúng bản ghi ở mục “version” trong about.json của "
        "tệp, khôi phục, nâng cấp, rồi sao lưu lại",
        en=f"{file} has no {SUMS}",
    )
