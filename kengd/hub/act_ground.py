"""What all acts of an officer stand on: who acts, on which posts, with which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kengd.errors import KengdError
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.order_rules import HUB as HUB
from kengd.hub.order_rules import LOCK as LOCK
from kengd.hub.roster import Roster, Seen
from kengd.wire.orders import LONGEST_TEXT, is_text

CONFIRM_WITHIN_MS: Final = 120_000

Also = Callable[[Transaction], None]
"""What is written with an act, in its transaction and only when it is done and was not done before: its line in the audit book."""


def nothing(_connection: Transaction) -> None:
    """No line."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: an officer, or the hub itself (`id` None)."""

    id: str | None
    name: str


class ActGround:
    """Safe from any thread. `alarms`: the signals that are alarms."""

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        roster: Callable[[], Roster],
        seen: Callable[[], Mapping[str, Seen]],
        alarms: frozenset[str],
        wall_ms: Callable[[], int],
        *,
        second_officer: bool = False,
        alone_after_s: int = 20,
    ) -> None:
        self._ledger, self._dispatcher, self._wall_ms = ledger, dispatcher, wall_ms
        self._roster, self._seen, self._alarms = roster, seen, alarms
        self._second_officer, self._alone_after_ms = second_officer, alone_after_s * 1000


def in_service(roster: Roster, posts: Sequence[str]) -> tuple[str, ...]:
    """Each once, all of them known. Raises KengdError `no_posts`, `unknown_post`."""
    chosen = tuple(dict.fromkeys(posts))
    if not chosen:
        raise KengdError("no_posts", "chưa chọn điểm kẻng nào", cure="chọn ít nhất một điểm", en="no posts chosen")
    known = {post.id for post in roster.posts}
    if strange := [post for post in chosen if post not in known]:
        raise KengdError(
            "unknown_post", f"không có điểm kẻng “{strange[0][:40]}”", cure="tải lại trang", en="no such post"
        )
    return chosen


def check_text(text: str, what: str) -> None:
    """Raises KengdError `bad_text`. `what`: its name for people."""
    if not is_text(text):
        raise bad_text(what)


def bad_text(what: str) -> KengdError:
    """What a text must be like."""
    return KengdError(
        "bad_text",
        f"{what} phải có từ 1 đến {LONGEST_TEXT} ký tự, trên một dòng",
        cure="viết lại ngắn hơn, không xuống dòng",
        en=f"1 to {LONGEST_TEXT} characters on one line",
    )
