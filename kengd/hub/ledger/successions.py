"""Books that took the place of another book of the same post: a Pi was swapped, or somebody has wiped it (P8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, or_, select, true

from kengd.hub.chains import Chain, Follows
from kengd.hub.ledger.book_rows import BookRow, EntryRow
from kengd.hub.ledger.merging import chain_from
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.values import VALUE, put_value, under, value_of

ENTRY, BOOK = table(EntryRow), table(BookRow)
ACCEPTED: Final = "book_accepted:"
"""Key in the ledger's values, with post/book behind it: an officer knows why there is a new book. The value: who."""
SWAPPED: Final = "swapped:"
"""With post:unix ms behind it: the post got a file for another unit, and what it had before was revoked."""


def chains_followed(connection: Connection, also: ColumnElement[bool] | None = None) -> list[Chain]:
    """All chains of posts with several books, and those for which `also` holds, each with the book that it follows while nobody
    has accepted that.

    One query. Where the post was enrolled anew after the last entry of all that came before and before the first of this book, a
    unit was swapped: that is accepted by itself.
    """
    chains: list[Chain] = []
    ended_ms = 0
    following: list[tuple[int, int]] = []
    before: RowMapping | None = None
    for row in connection.execute(_looked_up(also)).mappings():
        if before is None or before["post"] != row["post"]:
            before, ended_ms = None, 0
        chain = chain_from(row)
        if row["begun_n"] is not None:
            if before is not None and row["accepted"] is None:
                follows = Follows(str(before["book"]), int(before["last_seq"]), int(row["begun_ms"]))
                following.append((len(chains), ended_ms))
                chain = replace(chain, follows=follows)
            before, ended_ms = row, max(ended_ms, row["ended_ms"])
        chains.append(chain)
    swaps = _swaps(connection) if following else {}
    for at, ended in following:
        chain = chains[at]
        if chain.follows and any(ended <= swap <= chain.follows.begun_ms for swap in swaps.get(chain.post, ())):
            chains[at] = replace(chain, follows=None)
    return chains


def every_chain(connection: Connection) -> list[Chain]:
    """As `chains_followed`, of every post."""
    return chains_followed(connection, true())


def followers(connection: Connection) -> dict[tuple[str, str], Follows]:
    """(post, book) of each book that follows another one while nobody has accepted it."""
    found = chains_followed(connection)
    return {(chain.post, chain.book): chain.follows for chain in found if chain.follows is not None}


def accept(connection: Connection, post: str, book: str, by: str) -> bool:
    """An officer has looked at it. False: somebody had accepted it before."""
    key = f"{ACCEPTED}{post}/{book}"
    if value_of(connection, key) is not None:
        return False
    put_value(connection, key, by)
    return True


def is_known(connection: Connection, post: str, book: str) -> bool:
    """Whether this post was ever heard of with this book."""
    where = and_(BOOK.c.post == post, BOOK.c.book == book)
    return connection.execute(select(BOOK.c.seq).where(where)).first() is not None


def unit_swapped(connection: Connection, post: str, at_ms: int) -> None:
    """The post was enrolled anew and its old certificates are revoked: the next book is another unit's."""
    put_value(connection, f"{SWAPPED}{post}:{at_ms}", "")


def _looked_up(also: ColumnElement[bool] | None) -> Any:
    """Of each post in the order in which the first entries of its books were heard."""
    several = BOOK.c.post.in_(select(BOOK.c.post).group_by(BOOK.c.post).having(func.count() > 1))
    first, last = ENTRY.c.seq, ENTRY.c.seq.desc()
    begun_n = _one(ENTRY.c.n, first).label("begun_n")
    accepted = VALUE.c.key == ACCEPTED + BOOK.c.post + "/" + BOOK.c.book
    query = select(
        BOOK, begun_n, _one(ENTRY.c.heard_ms, first).label("begun_ms"), _one(ENTRY.c.seq, last).label("last_seq"),
        _one(ENTRY.c.heard_ms, last).label("ended_ms"), VALUE.c.value.label("accepted"),
    ).select_from(BOOK.outerjoin(VALUE, accepted))  # fmt: skip
    return query.where(several if also is None else or_(several, also)).order_by(BOOK.c.post, begun_n)


def _one(column: Any, order: Any) -> Any:
    """Of the first entry of the book in this order: one step in the index of identities."""
    own = and_(ENTRY.c.post == BOOK.c.post, ENTRY.c.book == BOOK.c.book)
    return select(column).where(own).order_by(order).limit(1).scalar_subquery()


def _swaps(connection: Connection) -> dict[str, list[int]]:
    swaps: dict[str, list[int]] = {}
    for key in under(connection, SWAPPED):
        post, _, at_ms = key.removeprefix(SWAPPED).partition(":")
        swaps.setdefault(post, []).append(int(at_ms))
    return swaps
