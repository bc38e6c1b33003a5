"""A picture that somebody uploads: of which kind it is by its own bytes, and how large. Nothing is decoded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kengd.errors import KengdError, UsageError

LARGEST: Final = 2 * 1024 * 1024
SMALLEST_PX: Final = 16
LARGEST_PX: Final = 8_000
MOST_PX: Final = 40_000_000
"""More than this a cheap phone cannot show."""
_NO_SIZE: Final = frozenset((0xC4, 0xC8, 0xCC))
"""Markers of a JPEG among its frames' that carry no size."""


@dataclass(frozen=True, slots=True)
class Size:
    """`kind`: its media type; pixels."""

    kind: str
    width: int
    height: int


def size_of(data: bytes) -> Size:
    """Of a PNG, JPEG or WebP. Raises UsageError `not_a_picture`, KengdError `too_large`."""
    if len(data) > LARGEST:
        raise KengdError("too_large", "ảnh nặng quá 2 MB", cure="dùng ảnh nhỏ hơn", en="the picture is over 2 MiB")
    found = _png(data) or _webp(data) or _jpeg(data)
    if found is None:
        raise _not_one()
    width, height = found.width, found.height
    if not (min(width, height) >= SMALLEST_PX and max(width, height) <= LARGEST_PX and width * height <= MOST_PX):
        raise UsageError(
            "not_a_picture",
            f"ảnh {width} × {height} điểm không dùng được",
            cure=f"mỗi chiều từ {SMALLEST_PX} đến {LARGEST_PX} điểm ảnh",
            en=f"{width} by {height} pixels are too few or too many",
        )
    return found


def _png(data: bytes) -> Size | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") or len(data) < 33:
        return None
    return Size("image/png", int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))


def _webp(data: bytes) -> Size | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return Size("image/webp", int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return Size("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return Size("image/webp", width, height)
    return None


def _jpeg(data: bytes) -> Size | None:
    """The first frame's header, walking from marker to marker."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # filling
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            return Size("image/jpeg", int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7]))
        if length < 2:
            return None
        at += 2 + length
    return None


def _not_one() -> UsageError:
    return UsageError(
        "not_a_picture",
        "tệp này không phải ảnh PNG, JPEG hay WebP",
        cure="chụp hoặc lưu lại thành ảnh JPEG",
        en="neither PNG, JPEG nor WebP",
    )
