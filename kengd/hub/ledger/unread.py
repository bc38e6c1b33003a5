"""Lines of posts' books that came and could not be kept: what no entry can be, and what this hub cannot store. Each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger import changes
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.watch_rows import UnreadRow

UNREAD = table(UnreadRow)
MOST: Final = 1_000
"""Of one post: a post that is broken or hostile sends as many different ones as it likes."""
KEPT_MS: Final = 30 * 86_400_000
"""Of what has not come again for so long nobody will find out more."""


@dataclass(frozen=True, slots=True)
class Unread:
    """`digest`: of its bytes, so that one that comes again and again is one. `book`, `seq`: where it says that it belongs, as far as
    that can be read. `why`: for the log's reader. `at_ms`: when it came, by the hub's clock."""

    post: str
    digest: str
    book: str | None
    seq: int | None
    why: str
    at_ms: int


def keep(connection: Connection, lines: Iterable[Unread]) -> None:
    """They have come, perhaps not for the first time."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        facts = asdict(line)
        at_ms = facts.pop("at_ms")
        rows[line.post, line.digest] = facts | {"first_ms": at_ms, "last_ms": at_ms}
    full = {post for post, count in counts(connection).items() if count >= MOST}
    wanted = [row for (post, _), row in sorted(rows.items()) if post not in full]
    if wanted:
        insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = insert(UNREAD)
        again = statement.on_conflict_do_update(
            index_elements=["post", "digest"], set_={"last_ms": statement.excluded.last_ms}
        )
        connection.execute(again, wanted)
        changes.note(connection, "book", posts=sorted({row["post"] for row in wanted}))


def found(connection: Connection, places: Collection[tuple[str, str, int]]) -> None:
    """These (post, book, seq) are in the merged book after all."""
    named = and_(UNREAD.c.post.in_({post for post, _, _ in places}), UNREAD.c.seq.is_not(None))
    query = select(UNREAD.c.post, UNREAD.c.book, UNREAD.c.seq, UNREAD.c.digest).where(named)
    for post, book, seq, digest in connection.execute(query).all():
        if (post, book, seq) in places:
            connection.execute(delete(UNREAD).where(and_(UNREAD.c.post == post, UNREAD.c.digest == digest)))
            changes.note(connection, "book", posts=[post])


def counts(connection: Connection) -> dict[str, int]:
    """Per post how many lines; posts without any are left out."""
    query = select(UNREAD.c.post, func.count()).group_by(UNREAD.c.post).order_by(UNREAD.c.post)
    return {str(post): int(count) for post, count in connection.execute(query)}


def forget(connection: Connection, before_ms: int) -> int:
    """Strike what last came before this moment. Returns how many."""
    return connection.execute(delete(UNREAD).where(UNREAD.c.last_ms < before_ms)).rowcount
