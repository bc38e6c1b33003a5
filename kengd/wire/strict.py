"""JSON and base64url read strictly: what two readers could understand differently is refused. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any

_URL_SAFE = re.compile(rb"[A-Za-z0-9_-]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def encode_base64url(data: bytes) -> bytes:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode_base64url(text: bytes) -> bytes:
    """The bytes. Raises ValueError on padding, foreign characters, and a last character with spare bits set.

    The last rule leaves exactly one spelling for each value, so the same command cannot come in two byte strings.
    """
    if _URL_SAFE.fullmatch(text) is None:
        raise ValueError("not base64url")
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error as broken:
        raise ValueError("not base64url") from broken
    if encode_base64url(data) != text:
        raise ValueError("not the shortest base64url")
    return data


def read_json(data: bytes) -> Any:
    """The value of strict UTF-8 JSON.

    Raises ValueError on duplicate keys, NaN, Infinity, numbers too large for a float, lone surrogates, other encodings,
    and nesting deeper than Python bears.
    """
    text = data.decode("utf-8")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\u" in text and _holds_surrogate(value):
        raise ValueError("lone surrogate")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number too large")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _holds_surrogate(value: Any) -> bool:
    """True when a string anywhere inside could not be written as UTF-8 again."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _LONE_SURROGATE.search(item):
                return True
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_float=_finite, parse_constant=_no_constant)
