"""The commune's plan: latitude and longitude to metres on it, and where a picture lies under it. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from kengd.errors import KengdError, UsageError

EARTH_M: Final = 6_371_008.8
FARTHEST_M: Final = 100_000.0
"""From the plan's origin: a commune is never so wide, and the projection is good to a metre in a thousand up to here."""
LONGEST_PLACE: Final = 300
CROOKED: Final = 0.2
"""Two points that were touched may lie this share of their distance beside where they should be; more is another place."""
_NUMBER: Final = r"[-+]?\d{1,3}(?:\.\d+)?"
_PAIR: Final = re.compile(rf"(?:^|[@=:/(\s])({_NUMBER})\s*[,;\s]\s*({_NUMBER})(?![\d.])")
_PARTS: Final = re.compile(
    r"""(\d{1,3})\s*°\s*(\d{1,2})\s*['’′]\s*(\d{1,2}(?:[.,]\d+)?)\s*["”″]?\s*([NSEWBĐT])""", re.IGNORECASE
)
_SOUTH_WEST: Final = frozenset("SWT")  # tây; "N" is north in both (nam is never written alone on a Vietnamese phone)


@dataclass(frozen=True, slots=True)
class Origin:
    """Degrees (WGS 84) of the plan's point (0, 0)."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture under the plan, north up. `width`, `height`: pixels; `x`, `y`: metres of its north-west corner; `width_m`: from its
    left to its right edge; `digest`: of its bytes."""

    kind: str
    width: int
    height: int
    digest: str
    x: float
    y: float
    width_m: float

    @property
    def height_m(self) -> float:
        """From its upper to its lower edge."""
        return self.width_m * self.height / self.width


@dataclass(frozen=True, slots=True)
class Plan:
    """`origin` None: metres were only ever entered as metres, or by touch."""

    origin: Origin | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A pixel of the picture (from its upper left corner) and where it lies on the plan, metres."""

    px: float
    py: float
    x: float
    y: float


def to_plan(origin: Origin, lat: float, lon: float) -> tuple[float, float]:
    """Metres east and north of the origin, to a tenth. Raises UsageError `far_place`."""
    x = EARTH_M * math.radians(lon - origin.lon) * math.cos(math.radians(origin.lat))
    y = EARTH_M * math.radians(lat - origin.lat)
    if math.hypot(x, y) > FARTHEST_M:
        raise UsageError(
            "far_place",
            f"chỗ này cách bản đồ của xã {round(math.hypot(x, y) / 1000)} km",
            cure="xem lại vĩ độ và kinh độ vừa gõ",
            en="this place is far off the commune's plan",
        )
    return round(x, 1), round(y, 1)


def origin_of(lat: float, lon: float, x: float, y: float) -> Origin:
    """The origin with which this place lies at x, y (metres)."""
    lat0 = lat - math.degrees(y / EARTH_M)
    return Origin(lat0, lon - math.degrees(x / (EARTH_M * math.cos(math.radians(lat0)))))


def from_plan(origin: Origin, x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude in degrees, to about a tenth of a metre."""
    lat = origin.lat + math.degrees(y / EARTH_M)
    lon = origin.lon + math.degrees(x / (EARTH_M * math.cos(math.radians(origin.lat))))
    return round(lat, 6), round(lon, 6)


def read_place(text: str) -> tuple[float, float]:
    """Latitude and longitude from what people type or paste: "21.03, 105.85", "21,03; 105,85", 21°01'48"N 105°51'0"E, or a link
    with such a pair. The other way round is understood where only one reading can be. Raises UsageError `bad_place`."""
    text = text.strip()
    if len(text) > LONGEST_PLACE:
        raise _bad_place()
    found = _of_parts(text) or _of_numbers(text)
    if found is None:
        raise _bad_place()
    lat, lon = found
    if abs(lat) > 90 >= abs(lon):
        lat, lon = lon, lat
    if abs(lat) > 85 or abs(lon) > 180:
        raise _bad_place()
    return lat, lon


def _of_numbers(text: str) -> tuple[float, float] | None:
    if "." not in text:  # "21,03; 105,85": commas of a Vietnamese keyboard
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    match = _PAIR.search(text)
    return None if match is None else (float(match[1]), float(match[2]))


def _of_parts(text: str) -> tuple[float, float] | None:
    found = _PARTS.findall(text)
    if len(found) != 2:
        return None
    degrees = []
    for whole, minutes, seconds, side in found:
        minute, second = int(minutes), float(seconds.replace(",", "."))
        if minute >= 60 or second >= 60:
            return None  # a slip of the finger, and nobody knows of which digit
        value = int(whole) + minute / 60 + second / 3600
        degrees.append(-value if side.upper() in _SOUTH_WEST else value)
    east_first = found[0][3].upper() in "EWĐT"
    return (degrees[1], degrees[0]) if east_first else (degrees[0], degrees[1])


def laid(picture: Picture, one: Reference, other: Reference) -> Picture:
    """The picture where these two of its points lie as they should, as nearly as it can without being turned.

    Raises UsageError `points_too_close`, KengdError `picture_turned`.
    """
    across, down = other.px - one.px, other.py - one.py
    east, south = other.x - one.x, one.y - other.y
    far_px, far_m = math.hypot(across, down), math.hypot(east, south)
    if far_px < max(picture.width, picture.height) / 20 or far_m < 20:
        raise UsageError(
            "points_too_close",
            "hai điểm gần nhau quá, không căn được ảnh",
            cure="chọn hai điểm kẻng ở xa nhau",
            en="the two points are too close to each other",
        )
    per_px = (across * east + down * south) / (far_px * far_px)
    if per_px <= 0 or math.hypot(per_px * across - east, per_px * down - south) > CROOKED * far_m:
        raise KengdError(
            "picture_turned",
            "hai điểm không khớp: ảnh bị xoay, hoặc chạm nhầm chỗ",
            cure="xoay ảnh cho hướng bắc lên trên rồi tải lại, hoặc chạm lại cho đúng",
            en="the picture is turned, or another place was touched",
        )
    x = (one.x + other.x) / 2 - per_px * (one.px + other.px) / 2
    y = (one.y + other.y) / 2 + per_px * (one.py + other.py) / 2
    return replace(picture, x=round(x, 1), y=round(y, 1), width_m=round(per_px * picture.width, 1))


def _bad_place() -> UsageError:
    return UsageError(
        "bad_place",
        "không đọc được vĩ độ, kinh độ",
        cure="gõ như 21.03, 105.85 (vĩ độ trước), hoặc chạm vào bản đồ",
        en="latitude and longitude cannot be read",
    )
