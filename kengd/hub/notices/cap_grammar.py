"""The grammar of CAP 1.2 as one table: the elements of each block in their order, how often each may stand, what it holds. Pure.

It is what the standard's data dictionary (section 3.2) says; writing and reading both go by it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

from kengd.clock import unix_ms
from kengd.hub.notices.cap import CapReference


class Rule(NamedTuple):
    """One element: its name, the field it fills, how often it stands (least, most) and what it holds.

    `holds`: "text", "token" (no blanks, commas, < or &), "time", "references", "polygon", "circle", "decimal", "size",
    "value" (valueName and value), the name of another block, or a set of the words that are allowed.
    """

    element: str
    field: str
    least: int
    most: int
    holds: str | frozenset[str]


MANY: Final = 500
"""The standard sets no bound; a message of this room's size that needs more is an attack."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GRAMMAR: Final[dict[str, tuple[Rule, ...]]] = {
    "alert": (
        Rule("identifier", "identifier", 1, 1, "token"),
        Rule("sender", "sender", 1, 1, "token"),
        Rule("sent", "sent", 1, 1, "time"),
        Rule("status", "status", 1, 1, _words("Actual Exercise System Test Draft")),
        Rule("msgType", "msg_type", 1, 1, _words("Alert Update Cancel Ack Error")),
        Rule("source", "source", 0, 1, "text"),
        Rule("scope", "scope", 1, 1, _words("Public Restricted Private")),
        Rule("restriction", "restriction", 0, 1, "text"),
        Rule("addresses", "addresses", 0, 1, "text"),
        Rule("code", "codes", 0, MANY, "text"),
        Rule("note", "note", 0, 1, "text"),
        Rule("references", "references", 0, 1, "references"),
        Rule("incidents", "incidents", 0, 1, "text"),
        Rule("info", "infos", 0, MANY, "info"),
    ),
    "info": (
        Rule("language", "language", 0, 1, "text"),
        Rule(
            "category",
            "categories",
            1,
            MANY,
            _words("Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other"),
        ),
        Rule("event", "event", 1, 1, "text"),
        Rule(
            "responseType",
            "response_types",
            0,
            MANY,
            _words("Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None"),
        ),
        Rule("urgency", "urgency", 1, 1, _words("Immediate Expected Future Past Unknown")),
        Rule("severity", "severity", 1, 1, _words("Extreme Severe Moderate Minor Unknown")),
        Rule("certainty", "certainty", 1, 1, _words("Observed Likely Possible Unlikely Unknown")),
        Rule("audience", "audience", 0, 1, "text"),
        Rule("eventCode", "event_codes", 0, MANY, "value"),
        Rule("effective", "effective", 0, 1, "time"),
        Rule("onset", "onset", 0, 1, "time"),
        Rule("expires", "expires", 0, 1, "time"),
        Rule("senderName", "sender_name", 0, 1, "text"),
        Rule("headline", "headline", 0, 1, "text"),
        Rule("description", "description", 0, 1, "text"),
        Rule("instruction", "instruction", 0, 1, "text"),
        Rule("web", "web", 0, 1, "text"),
        Rule("contact", "contact", 0, 1, "text"),
        Rule("parameter", "parameters", 0, MANY, "value"),
        Rule("resource", "resources", 0, MANY, "resource"),
        Rule("area", "areas", 0, MANY, "area"),
    ),
    "resource": (
        Rule("resourceDesc", "desc", 1, 1, "text"),
        Rule("mimeType", "mime_type", 1, 1, "text"),
        Rule("size", "size", 0, 1, "size"),
        Rule("uri", "uri", 0, 1, "text"),
        Rule("derefUri", "deref_uri", 0, 1, "text"),
        Rule("digest", "digest", 0, 1, "text"),
    ),
    "area": (
        Rule("areaDesc", "desc", 1, 1, "text"),
        Rule("polygon", "polygons", 0, MANY, "polygon"),
        Rule("circle", "circles", 0, MANY, "circle"),
        Rule("geocode", "geocodes", 0, MANY, "value"),
        Rule("altitude", "altitude", 0, 1, "decimal"),
        Rule("ceiling", "ceiling", 0, 1, "decimal"),
    ),
}

_LATEST_MS = 253_402_214_400_000  # a day before the calendar of Python ends: any time zone can show it
_TOKEN = re.compile(r"[^\s,<&]{1,200}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_DECIMAL = re.compile(r"[-+]?\d{1,12}(\.\d{1,12})?", re.ASCII)
_SIZE = re.compile(r"\d{1,15}", re.ASCII)


def check_text(holds: str | frozenset[str], text: str) -> None:
    """Raises ValueError, with the reason, when an element's text is not what its rule says it holds."""
    if not text:
        raise ValueError("is empty")
    if isinstance(holds, frozenset):
        if text not in holds:
            raise ValueError("is none of " + " ".join(sorted(holds)))
    elif holds in _CHECKS:
        _CHECKS[holds](text)


def parse_references(text: str) -> tuple[CapReference, ...]:
    """ "sender,identifier,sent" one after another, blanks between. Raises ValueError."""
    found = []
    for word in text.split():
        parts = word.split(",")
        if len(parts) != 3:
            raise ValueError("is not sender,identifier,sent")
        _token(parts[0])
        _token(parts[1])
        _time(parts[2])
        found.append(CapReference(*parts))
    return tuple(found)


def _token(text: str) -> None:
    if _TOKEN.fullmatch(text) is None:
        raise ValueError("has blanks, commas, < or &, or is longer than 200")


def _time(text: str) -> None:
    if _TIME.fullmatch(text) is None:
        raise ValueError("is not YYYY-MM-DDThh:mm:ss±hh:mm")
    try:
        known = 0 <= unix_ms(datetime.fromisoformat(text)) < _LATEST_MS
    except (ValueError, OverflowError):
        known = False
    if not known:
        raise ValueError("is no moment between 1970 and 9999")


def _decimal(text: str) -> None:
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError("is not a decimal number")


def _size(text: str) -> None:
    if _SIZE.fullmatch(text) is None:
        raise ValueError("is not a number of bytes")


def _point(text: str) -> None:
    lat, comma, lon = text.partition(",")
    if not comma:
        raise ValueError("has a point that is not lat,lon")
    _decimal(lat)
    _decimal(lon)
    if not (-90 <= float(lat) <= 90 and -180 <= float(lon) <= 180):
        raise ValueError("has a point that is not on the earth")


def _polygon(text: str) -> None:
    points = text.split()
    for point in points:
        _point(point)
    if len(points) < 4 or points[0] != points[-1]:
        raise ValueError("is not closed, or has fewer than four points")


def _circle(text: str) -> None:
    parts = text.split()
    if len(parts) != 2:
        raise ValueError("is not lat,lon radius")
    _point(parts[0])
    _decimal(parts[1])
    if float(parts[1]) < 0:
        raise ValueError("has a negative radius")


def _references(text: str) -> None:
    parse_references(text)


_CHECKS = {
    "token": _token,
    "time": _time,
    "decimal": _decimal,
    "size": _size,
    "polygon": _polygon,
    "circle": _circle,
    "references": _references,
}
