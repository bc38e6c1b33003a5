"""An alarm for all posts waits for a second yes: what is asked, what waits, what was withdrawn or has lapsed (R62, H14)."""

from __future__ import annotations

import json
from typing import Any

from kengd.errors import KengdError
from kengd.hub.act_ground import CONFIRM_WITHIN_MS
from kengd.hub.ledger import values
from kengd.hub.ledger.store import Transaction


class NeedsConfirming(KengdError):
    """An alarm for all posts: nothing has been sent. `token` goes into the second call."""

    def __init__(self, token: str, posts: int, households: int, by_second: bool) -> None:
        who = "một cán bộ thứ hai phải đồng ý" if by_second else "giữ nút thêm một lần nữa để phát"
        heard = f"{households} hộ sẽ nghe thấy" if households else "chưa ghi số hộ"
        super().__init__(
            "confirm_needed",
            f"sắp báo động THẬT ở tất cả {posts} điểm kẻng, {heard}",
            cure=who,
            en=f"an actual alarm at all {posts} posts, {households or 'an unknown number of'} households, has to be confirmed",
        )
        self.token, self.by_second = token, by_second
        self.posts, self.households = posts, households


def lapsed() -> KengdError:
    """What was asked for is nobody's any more: whoever still wants it begins anew, knowingly."""
    return KengdError(
        "confirm_lapsed",
        "quá 2 phút (hoặc đã thôi): lệnh này chưa phát",
        cure="vẫn cần thì giữ lại từ đầu",
        en="more than two minutes have passed, or it was withdrawn: nothing was sent; hold again from the beginning",
    )


def strike(connection: Transaction, token: str) -> None:
    """The order has gone out, or is not wanted any more."""
    values.put_value(connection, f"confirm:{token}", None)


def pending_of(connection: Transaction, token: str, now_ms: int) -> dict[str, Any] | None:
    """Who asked for what, or None where nothing waits under this token any more."""
    said = values.value_of(connection, f"confirm:{token}")
    pending = None if said is None else dict(json.loads(said))
    return pending if pending is not None and now_ms - pending["at_ms"] < CONFIRM_WITHIN_MS else None


def forget_confirmations(connection: Transaction, now_ms: int) -> int:
    """Strike what waited for a second yes and lapsed, also what a clock that was wrong had dated ahead. Returns how many."""
    lapsed = [
        (key, said)
        for key, said in values.under(connection, "confirm:").items()
        if abs(now_ms - json.loads(said)["at_ms"]) >= CONFIRM_WITHIN_MS
    ]
    return sum(values.swap(connection, key, said, None) for key, said in lapsed)  # one asked anew meanwhile stays
