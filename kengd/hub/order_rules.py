"""What an order has to be before it is signed: its digest, the lock on new rings, names that it can carry. Pure but for the lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kengd.errors import KengdError, UsageError
from kengd.hub.dispatching import Order
from kengd.hub.ledger import values
from kengd.hub.ledger.store import Transaction
from kengd.wire.orders import is_id

LOCK: Final = "lock"
"""Under this key of the ledger's values: who has locked new rings, {"by", "at_ms", "why"}."""
HUB: Final = "máy trực ban"
"""`by` of what no officer ordered: neighbours' help, the sounder, the silent test, the end of a ring that came late."""

LATEST_START_S: Final = 540
"""A post takes no order to begin later than 600 s from now; the way there takes its part."""
LONGEST_GAP_S: Final = 300


def check_times(posts: Sequence[str], at_s: int | None, first: str | None, gap_s: int, now_ms: int) -> None:
    """What a post would refuse as `bad_at` is refused here already. `at_s`: unix s; `first`, `gap_s`: one after another.

    Raises UsageError `bad_at`, `bad_first`.
    """
    if (first is None) != (gap_s == 0) or (first is not None and first not in posts) or not 0 <= gap_s <= LONGEST_GAP_S:
        raise UsageError(
            "bad_first",
            "đánh lần lượt thì phải có điểm đầu tiên (một trong các điểm đã chọn) và số giây giữa hai điểm "
            f"(1–{LONGEST_GAP_S})",
            cure="gửi cả first và gap_s, hoặc bỏ cả hai",
            en="first (one of the posts) and gap_s (1 to 300 s) come together",
        )
    now_s = now_ms // 1000
    begin_s = now_s if at_s is None else at_s
    if begin_s < now_s - 5 or begin_s + (len(posts) - 1) * gap_s > now_s + LATEST_START_S:
        raise UsageError(
            "bad_at",
            "giờ bắt đầu phải từ bây giờ đến 9 phút nữa, kể cả điểm cuối cùng",
            cure="chọn giờ gần hơn, hoặc bớt số giây giữa hai điểm",
            en="the last post has to begin within nine minutes",
        )


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
