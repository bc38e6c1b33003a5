"""Versions of codebook and timetable: one row of numbers for the whole commune, and what was sent under each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kengd.errors import KengdError
from kengd.hub.codebook_drafts import What
from kengd.hub.dispatching import SETTLED, State, Target
from kengd.hub.ledger import settled, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import Transaction
from kengd.hub.roster import Seen
from kengd.hub.sheet import order_in
from kengd.settings.overlay import FROM_HUB

KEY: Final = "version:"
MOST: Final = 30
"""So many earlier ones are shown, and can be sent again."""
NOT_TAKEN: Final = (State.NO_ANSWER, State.EXPIRED, State.CANCELLED, State.FAILED)
FOR_GOOD: Final = ("cannot_play", "stale_version")
"""What a post refused so it would refuse again."""
_OF_FILE: Final = re.compile(r"^tệp cài đặt \S+ có [0-9]+ chỗ sai: ")
"""How a post begins to list what is wrong with its settings: here it is wrong with what we sent."""


@dataclass(frozen=True, slots=True)
class Version:
    """`content`: as it was sent. `again`: the same once more to posts that had not taken it."""

    number: int
    dispatch: str
    by: str
    made_ms: int
    content: Any
    again: bool


def history(connection: Transaction, what: What) -> list[Version]:
    """What was sent, newest first."""
    found = []
    for dispatch, jws in settled.orders_sent(connection, what, MOST):
        cmd = order_in(jws)
        if cmd is not None and isinstance(cmd.get("version"), int) and what in cmd:
            again = dispatch.repeats is not None
            found.append(Version(cmd["version"], dispatch.id, dispatch.by, dispatch.made_ms, cmd[what], again))
    return found


def version_of(connection: Transaction, what: What, number: int) -> Version:
    """The newest that was sent under this number. Raises KengdError `unknown_version`."""
    for version in history(connection, what):
        if version.number == number:
            return version
    raise KengdError(
        "unknown_version", f"không còn giữ bản số {number}", cure="chọn một bản khác", en="no such version is kept"
    )


def next_version(connection: Transaction, what: What, seen: Iterable[Seen]) -> int:
    """Above everything that was ever sent here, or that any post says it rings by."""
    kept = values.value_of(connection, f"{KEY}{what}")
    sent = [version.number for version in history(connection, what)]
    return max([int(kept or 0), *sent, *(in_force(one, what) or 0 for one in seen)]) + 1


def take(connection: Transaction, what: What, number: int) -> None:
    """In the transaction that sends it: nobody else sends this number. Raises KengdError `version_taken`."""
    key = f"{KEY}{what}"
    kept = values.value_of(connection, key)
    if kept is None:
        taken = values.put_first(connection, key, str(number))
    else:
        taken = int(kept) < number and values.swap(connection, key, kept, str(number))
    if not taken:
        raise KengdError(
            "version_taken",
            "vừa có người khác gửi một bản",
            cure="mở lại trang để xem bản đó rồi gửi lại nếu vẫn cần",
            en="somebody else has sent a version just now",
        )


def left_over(connection: Transaction, order: Dispatch) -> list[str]:
    """Posts that have not taken this order, would not refuse it again, and were sent none of its kind since."""
    if order.do not in SETTLED:
        return []
    mine = settled.newest_targets(connection, order.do).values()
    return sorted(target.post for target in mine if target.dispatch == order.id and _not_taken(target))


def _not_taken(target: Target) -> bool:
    return target.state in NOT_TAKEN or (target.state is State.REFUSED and target.reason not in FOR_GOOD)


def why_of(target: Target, detail: Mapping[str, Any] | None) -> str | None:
    """What the post itself said of its refusal; it may say anything, so it is cut short."""
    said = (detail or {}).get("vi")
    if target.state is not State.REFUSED or not isinstance(said, str):
        return None
    return _OF_FILE.sub("", " ".join(said.split())).replace(FROM_HUB, "")[:500]


def in_force(seen: Seen, what: What) -> int | None:
    """The version that this post said last it rings by; 0 its own file's, None: it has never said."""
    if seen.status is None:
        return None
    return seen.status.codebook_version if what == "codebook" else seen.status.timetable_version
