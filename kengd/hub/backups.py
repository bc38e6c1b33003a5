"""When the last backup was made, when that is too long ago, and what is in one that somebody hands in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from kengd.hub.called import called
from kengd.hub.ledger import audits, copying, values
from kengd.hub.ledger.store import Transaction
from kengd.hub.packing import Packed, broken

KEPT: Final = "backup.last"
"""Under this key of the ledger's values: `Last` as JSON."""
CODE: Final = "backup_old"
OLD_MS: Final = 36 * 3_600_000
"""A night was left out."""
CURE_VI: Final = "mở trang Sao lưu và bấm “Sao lưu ngay”; để tự sao lưu mỗi đêm: ghi một câu mật khẩu vào /etc/kengd/hub-backup.passphrase"


@dataclass(frozen=True, slots=True)
class Last:
    """A backup that was made. `by`: an officer's id or `shell:USER`. `where`: the file, None: given to an officer's browser."""

    at_ms: int
    by: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a proven backup holds. `revision`: the shape of its ledger. `rows`: by table. `audit_seq`: its last line of the audit book."""

    made_ms: int
    by: str
    commune: str
    version: str
    revision: str
    rows: Mapping[str, int]
    audit_seq: int


def note(connection: Transaction, by: str, where: str | None, rows: int, now_ms: int) -> None:
    """One was made now, with its line in the audit book."""
    values.put_value(connection, KEPT, json.dumps(asdict(Last(now_ms, by, where)), ensure_ascii=False))
    audits.write(connection, by, "backup", {"rows": rows}, now_ms)


def last(kept: str | None) -> Last | None:
    """What the ledger has kept."""
    return None if kept is None else Last(**json.loads(kept))


def began_ms(connection: Transaction) -> int | None:
    """When this hub began: the first line of its own book."""
    first = audits.read(connection, 0, 1)
    return first[0].at_ms if first else None


def condition(found: Last | None, hub_began_ms: int | None, now_ms: int) -> dict[str, Any] | None:
    """The condition of the hub, for pages and machines; None: it is not long ago, or the hub is new."""
    since_ms = found.at_ms if found is not None else hub_began_ms
    if since_ms is None or now_ms - since_ms < OLD_MS:
        return None
    hours = (now_ms - since_ms) // 3_600_000
    if found is None:
        vi, en = "chưa có bản sao lưu nào của máy trực ban", "there is no backup of the hub"
    else:
        ago_vi, ago = (
            (f"{hours} giờ", f"{hours} hours") if hours < 72 else (f"{hours // 24} ngày", f"{hours // 24} days")
        )
        vi, en = f"bản sao lưu cuối cùng đã {ago_vi} trước", f"the last backup was made {ago} ago"
    return {"code": CODE, "severity": "major", "vi": vi, "en": en, "cure": called(CURE_VI), "since_ms": since_ms}


def contents(pack: Packed) -> Contents:
    """Count what is in a backup that was proved. Raises KengdError `backup_broken`."""
    about, rows, audit_seq = pack.about(), dict[str, int](), 0
    lines = pack.lines()
    table, seq_at = "", 0
    try:
        head = json.loads(next(lines))
        if head["format"] != copying.FORMAT:
            raise ValueError("another format")
        for line in lines:
            if line.startswith("["):
                rows[table] += 1
                if table == "audit":
                    audit_seq = max(audit_seq, int(json.loads(line)[seq_at]))
                continue
            said = json.loads(line)
            if "table" in said:
                table = str(said["table"])
                rows[table] = 0
                seq_at = said["columns"].index("seq") if table == "audit" else 0
        return Contents(
            about["made_ms"], about["by"], about["commune"], about["version"], str(head["revision"]), rows, audit_seq
        )
    except (ValueError, KeyError, TypeError, IndexError, StopIteration, RecursionError) as wrong:
        raise broken(pack.file, f"the ledger in it: {type(wrong).__name__}") from wrong
