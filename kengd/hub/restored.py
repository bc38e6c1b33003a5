"""This hub was made from a backup: what was shut out after that had been made lives again, until somebody has looked through it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from kengd.clock import local
from kengd.hub.called import called
from kengd.hub.ledger import audits, changes, values
from kengd.hub.ledger.store import Transaction

CODE: Final = "restored_unchecked"
KEPT: Final = "restored"
"""Under this key of the ledger's values, until an admin has confirmed it: `Unchecked` as JSON."""
CURE_VI: Final = (
    "thu hồi, cho thôi việc, đổi mật khẩu lại những gì đã làm sau lúc đó; "
    "xong thì bấm “Đã thu hồi lại xong” ở trang Sao lưu, hoặc gõ ở máy trực ban: kengd hub restore --checked"
)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Nobody has confirmed yet that what was shut out after `made_ms`, the backup's time, is shut out again. `at_ms`: of the restore."""

    made_ms: int
    at_ms: int


def unchecked(kept: str | None) -> Unchecked | None:
    """What the ledger has kept."""
    return None if kept is None else Unchecked(**json.loads(kept))


def condition(found: Unchecked) -> dict[str, Any]:
    """The condition of the hub, for pages and machines."""
    made = local(found.made_ms)
    return {
        "code": CODE,
        "severity": "critical",
        "vi": f"máy này được khôi phục từ bản sao lưu lúc {made:%H:%M %d/%m/%Y}: ai và máy nào bị thu hồi sau lúc đó nay lại vào được",
        "en": f"restored from a backup of {made:%Y-%m-%d %H:%M}: whoever was shut out after that can come in again",
        "cure": called(CURE_VI),
        "since_ms": found.at_ms,
        "made_ms": found.made_ms,
    }


def note(connection: Transaction, made_ms: int, now_ms: int) -> None:
    """It was restored now. A restore that nobody had confirmed when the backup was made counts from its own backup on."""
    before = unchecked(values.value_of(connection, KEPT))
    found = Unchecked(made_ms if before is None else min(made_ms, before.made_ms), now_ms)
    values.put_value(connection, KEPT, json.dumps(asdict(found)))


def confirm(connection: Transaction, by: str, now_ms: int) -> Unchecked | None:
    """Somebody has looked through it, with a line in the audit book. None: there was nothing to confirm."""
    kept = values.value_of(connection, KEPT)
    found = unchecked(kept)
    if kept is None or found is None or not values.swap(connection, KEPT, kept, None):
        return None
    changes.note(connection, "hub", restored_unchecked=False)
    audits.write(connection, by, "restore_checked", asdict(found), now_ms)
    return found
