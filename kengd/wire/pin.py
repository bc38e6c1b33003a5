"""PINs of six digits: scrypt, a salt each. Officers open an idle device with one, keepers sign in at their post. Pure but slow.

The keepers' PINs come to the post as a file (`web.pins`): a line for each keeper, NAME, a tab, what `pin_hash` made of the PIN.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from kengd.errors import UsageError

COST: Final = 1 << 14
_DIGITS: Final = re.compile(r"[0-9]{6}", re.ASCII)
_STORED: Final = re.compile(r"scrypt\$(\d{1,7})\$([0-9a-f]{32})\$([0-9a-f]{64})", re.ASCII)
SALT: Final = 16
MOST_KEEPERS: Final = 20
"""Of one post: each try at its page is held against all of them, a second of a small computer each."""
_NAME: Final = re.compile(r"(?! )[^\x00-\x1f\x7f]{1,100}(?<! )")


def is_pin(text: str) -> bool:
    """Six digits."""
    return _DIGITS.fullmatch(text) is not None


def check_pin(pin: str) -> None:
    """Raises UsageError `bad_pin`, `pin_guessable` (one digit repeated, or digits in a row)."""
    if not is_pin(pin):
        raise UsageError("bad_pin", "mã PIN phải có đúng 6 chữ số", cure="nhập 6 chữ số", en="a PIN has six digits")
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise UsageError(
            "pin_guessable",
            "mã PIN này quá dễ đoán",
            cure="không dùng 6 số giống nhau hoặc liền nhau",
            en="the PIN is one digit repeated, or digits in a row",
        )


def pin_hash(pin: str, salt: bytes) -> str:
    """`scrypt$N$SALT$HASH` (hex), r = 8, p = 1, 32 bytes."""
    return f"scrypt${COST}${salt.hex()}${_scrypt(pin, salt, COST)}"


def pin_holds(stored: str | None, pin: str) -> bool:
    """Whether this PIN is the stored one; a missing or unreadable one is nobody's, and takes as long."""
    found = _STORED.fullmatch(stored or "")
    cost, salt, wanted = (int(found[1]), found[2], found[3]) if found else (COST, "00" * SALT, "")
    if not 1 < cost <= COST << 4 or cost & (cost - 1):
        return False
    return hmac.compare_digest(_scrypt(pin, bytes.fromhex(salt), cost), wanted)


@dataclass(frozen=True, slots=True)
class KeptPins:
    """A file of PINs as read. `by_name`: keeper → what `pin_hash` made; `bad_lines`: numbers of lines that are nobody's."""

    by_name: Mapping[str, str] = field(default_factory=dict, repr=False)
    bad_lines: tuple[int, ...] = ()


def read_pins(text: str) -> KeptPins:
    """Every line that can be read; blank ones are passed over. A name that stands twice keeps its first PIN."""
    found: dict[str, str] = {}
    bad = []
    for n, line in enumerate(text.split("\n"), 1):
        name, _, stored = line.rstrip("\r").partition("\t")
        if not line.strip():
            continue
        if name in found or len(found) == MOST_KEEPERS or not _NAME.fullmatch(name) or not _STORED.fullmatch(stored):
            bad.append(n)
        else:
            found[name] = stored
    return KeptPins(found, tuple(bad))


def write_pins(by_name: Mapping[str, str]) -> str:
    """The file for these keepers. Raises UsageError `too_many_keepers`, ValueError for a name or PIN that could not be read again."""
    if len(by_name) > MOST_KEEPERS:
        raise UsageError(
            "too_many_keepers",
            f"một điểm kẻng chỉ nhận được mã PIN của {MOST_KEEPERS} người giữ kẻng",
            cure="bỏ mã PIN của người không còn giữ kẻng",
            en=f"a post takes the PINs of {MOST_KEEPERS} keepers at most",
        )
    text = "".join(f"{name}\t{stored}\n" for name, stored in by_name.items())
    if read_pins(text).by_name != by_name:
        raise ValueError("a keeper's name or PIN cannot be written")
    return text


def _scrypt(pin: str, salt: bytes, cost: int) -> str:
    text = pin.encode("utf-8", "replace")
    return hashlib.scrypt(text, salt=salt, n=cost, r=8, p=1, maxmem=cost * 1_024 + (1 << 20), dklen=32).hex()
