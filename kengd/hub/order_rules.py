"""What an order has to be before it is signed: its digest, the lock on new rings, names that it can carry. Pure but for the lock."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Final

from kengd.errors import KengdError
from kengd.hub.dispatching import Order
from kengd.hub.ledger import values
from kengd.hub.ledger.store import Transaction
from kengd.wire.orders import is_id

LOCK: Final = "lock"
"""Under this key of the ledger's values: who has locked new rings, {"by", "at_ms", "why"}."""
HUB: Final = "máy trực ban"
"""`by` of what no officer ordered: neighbours' help, the sounder, the silent test, the end of a ring that came late."""


def fit(hush: Order) -> Order:
    """Without names that no order can carry: what one post said of itself must not keep all others sounding (P13)."""
    names = {post: name for post, name in (hush.activations or {}).items() if is_id(name)}
    return replace(hush, activations=names)


def not_locked(connection: Transaction, order: Order) -> None:
    """Raises KengdError `locked` while "dừng tất cả và khoá" holds (H14).

    The silent test moves no bell. Hết báo động says that an alarm is over, to those who have heard it: it is what follows a hush,
    and without it a village would stand waiting under a silent bell (H16).
    """
    if order.purpose == "test" or order.signal == "all_clear":
        return
    said = values.value_of(connection, LOCK)
    if said is not None:
        raise KengdError(
            "locked",
            f"{json.loads(said)['by']} đã dừng tất cả và khoá phát lệnh",
            cure="mở khoá phát lệnh rồi phát lại; nút ở thôn vẫn kêu được",
            en="a hush of all posts has locked new rings",
        )


def digest_of(order: Order) -> bytes:
    """What makes an act the same act: all that was asked, but not who is present nor what sounds meanwhile."""
    asked = [
        order.do, sorted(order.posts), order.by, order.why, order.signal, order.purpose, order.at_s, order.gap_s,
        order.facts or {},
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False, sort_keys=True).encode()).digest()
