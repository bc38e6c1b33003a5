"""Entries into the merged book: each once, its chain proved on arrival, whoever brings it and however often (P8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, TextClause, and_, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.chains import WHOLE, Chain, Wrong, ask_from, asked, extend, given_up, rewritten, shorter, told
from kengd.hub.ledger.book_rows import BookRow, EntryRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.store import Ledger
from kengd.wire.entry import FIRST_PREV, KEYS, Entry, Facts, entry_of, facts_hash, facts_of
from kengd.wire.orders import is_id

ENTRY, BOOK = table(EntryRow), table(BookRow)
_FACTS = Facts._fields
_STRETCH = 2_000
_BOOK = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LARGEST_SEQ = 2**53 - 1
_TEXTS = tuple(key for key in KEYS if key not in ("seq", "detail"))
ASIDE = "~"
"""Behind it the hash of an entry whose place in the book was taken: no book of a post has it in its name."""
OVERTAKEN_MS = 5_000
"""An entry may reach us before the status that was made just before it, but not by this much."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An entry as it came from a post. `heard_ms`: unix ms by the hub's clock."""

    post: str
    entry: Entry
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Merged:
    """`fresh`: those that were not there before, as they came. `chains`: every book that they belong to, as it is now."""

    fresh: tuple[Heard, ...]
    chains: tuple[Chain, ...]


def check_storable(entry: Entry) -> None:
    """Raises ValueError (RecursionError) on what is JSON and yet in no database, nor in any true book: NUL and half characters
    in a text, infinity, numbers beyond all bounds; and on names that no post gives and no index takes (PostgreSQL's: 2704 bytes).
    One such entry must not hold up all the others."""
    if entry.seq > _LARGEST_SEQ:
        raise ValueError("seq is out of bounds")
    if _BOOK.fullmatch(entry.book) is None:
        raise ValueError("no name of a book")
    for name in (entry.activation, entry.command_id):
        if name is not None and not is_id(name):
            raise ValueError("activation or command_id is no name that a post gives")
    for key in _TEXTS:
        if "\0" in (getattr(entry, key) or ""):
            raise ValueError(f"{key} holds a NUL")
    facts_hash(entry.prev, entry.book, facts_of(entry))


def merge(connection: Connection, heard: Sequence[Heard], now_ms: int) -> Merged:
    """Store what is new, look whether a known one was rewritten, and extend the chains.

    What says something else in a place that is taken is kept beside it, and is new: a post whose card was put back to an older
    copy still rings and answers.
    """
    if not heard:
        return Merged((), ())
    chains = chains_of(connection, {(item.post, item.entry.book) for item in heard}, lock=True)
    fresh = _insert(connection, heard)
    held = {(item.post, item.entry.book, item.entry.seq): item for item in fresh}
    odd = []
    for item in heard:
        key = (item.post, item.entry.book, item.entry.seq)
        if (key not in held or held[key].entry.hash != item.entry.hash) and _compare(connection, item, chains):
            odd.append(item)
    grown: dict[tuple[str, str], list[Entry]] = {}
    for item in fresh:
        grown.setdefault((item.post, item.entry.book), []).append(item.entry)
    for book, entries in grown.items():
        chains[book] = _extended(connection, chains[book], sorted(entries, key=lambda entry: entry.seq), now_ms)
    put_chains(connection, chains.values(), now_ms)
    return Merged((*fresh, *(_insert(connection, odd, aside=True) if odd else ())), tuple(chains.values()))


def _insert(connection: Connection, heard: Sequence[Heard], *, aside: bool = False) -> list[Heard]:
    """Those that were not there. `aside`: beside the entries that have their places."""

    def place(item: Heard) -> tuple[str, str, int]:
        beside = f"{ASIDE}{item.entry.hash[:16]}" if aside else ""
        return item.post, item.entry.book + beside, item.entry.seq

    rows: dict[tuple[str, str, int], Heard] = {}
    for item in heard:
        rows.setdefault(place(item), item)  # the first of two, in its place
    values = [
        {
            "post": item.post,
            "book": place(item)[1],
            **facts_of(item.entry)._asdict(),
            "prev": bytes.fromhex(item.entry.prev),
            "hash": bytes.fromhex(item.entry.hash),
            "heard_ms": item.heard_ms,
        }
        for item in rows.values()
    ]
    if connection.dialect.name == "postgresql":
        news = connection.execute(_unnested(), {name: [row[name] for row in values] for name in values[0]})
    else:
        statement = sqlite.insert(ENTRY).on_conflict_do_nothing().returning(ENTRY.c.post, ENTRY.c.book, ENTRY.c.seq)
        news = connection.execute(statement, values)
    inserted = {tuple(row) for row in news}
    return [item for item in rows.values() if place(item) in inserted]


@cache
def _unnested() -> TextClause:
    """A column is one parameter: the driver reads a statement with ten thousand of them longer than PostgreSQL carries it out."""
    names, dialect = ("post", "book", *_FACTS, "prev", "hash", "heard_ms"), postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = ", ".join(f'"{name}"' for name in names)
    arrays = ", ".join(f"CAST(:{name} AS {ENTRY.c[name].type.compile(dialect)}[])" for name in names)
    return text(
        f"INSERT INTO {ENTRY.name} ({columns}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING "
        "RETURNING post, book, seq"
    )


def _compare(connection: Connection, item: Heard, chains: dict[tuple[str, str], Chain]) -> bool:
    """An entry that is here already must be the same, or somebody has rewritten the book. True: it says something else too."""
    where = and_(ENTRY.c.post == item.post, ENTRY.c.book == item.entry.book, ENTRY.c.seq == item.entry.seq)
    kept = connection.execute(select(ENTRY).where(where)).mappings().one()
    if bytes(kept["hash"]).hex() == item.entry.hash:
        return False
    key = (item.post, item.entry.book)
    chains[key] = rewritten(chains[key], item.entry.seq)
    return facts_of(item.entry) != tuple(kept[name] for name in _FACTS)


def _extended(connection: Connection, chain: Chain, entries: list[Entry], now_ms: int) -> Chain:
    """With what just came; and where that closed a gap, with what had been waiting behind it."""
    had_gap, before = chain.gap_ms is not None, chain.seq
    chain = extend(chain, entries, now_ms)
    while had_gap and chain.gap_ms is not None and chain.seq != before:  # an open gap is not looked behind each time
        before = chain.seq
        chain = extend(chain, stored(connection, chain.post, chain.book, chain.seq, _STRETCH), now_ms)
    return chain


def stored(connection: Connection, post: str, book: str, after_seq: int, limit: int) -> list[Entry]:
    """Entries of this book behind `after_seq`, ascending."""
    where = and_(ENTRY.c.post == post, ENTRY.c.book == book, ENTRY.c.seq > after_seq)
    rows = connection.execute(select(ENTRY).where(where).order_by(ENTRY.c.seq).limit(limit)).mappings()
    return [entry_from(row) for row in rows]


def entry_from(row: RowMapping) -> Entry:
    """The entry of one stored row, as the post wrote it."""
    facts = Facts(*(row[name] for name in _FACTS))
    return entry_of(facts, row["book"].partition(ASIDE)[0], bytes(row["prev"]).hex(), bytes(row["hash"]).hex())


# ---- chains


def chains_of(
    connection: Connection, books: Iterable[tuple[str, str]], *, lock: bool = False
) -> dict[tuple[str, str], Chain]:
    """These books; one that was never heard of is empty. `lock`: nobody else extends them before this transaction ends."""
    wanted = sorted(set(books))
    found: dict[tuple[str, str], Chain] = {key: Chain(*key) for key in wanted}
    if lock and connection.dialect.name == "postgresql" and wanted:
        empty = [_book_values(Chain(*key), 0) for key in wanted]
        connection.execute(postgresql.insert(BOOK).on_conflict_do_nothing(), empty)
    # by post alone: a post has hardly more than one book, and a thousand pairs are slow to compare
    where = and_(BOOK.c.post.in_({post for post, _ in wanted}), BOOK.c.book.in_({book for _, book in wanted}))
    query = select(BOOK).where(where).order_by(BOOK.c.post, BOOK.c.book)
    for row in connection.execute(query.with_for_update() if lock else query).mappings():
        if (row["post"], row["book"]) in found:
            found[(row["post"], row["book"])] = chain_from(row)
    return found


def all_chains(connection: Connection) -> list[Chain]:
    """Every book of every post."""
    return [chain_from(row) for row in connection.execute(select(BOOK)).mappings()]


def gaps(connection: Connection) -> list[Chain]:
    """Books in which something is missing, and those that have to be looked at as a whole."""
    query = select(BOOK).where(or_(BOOK.c.gap_ms.is_not(None), BOOK.c.asks == WHOLE))
    return [chain_from(row) for row in connection.execute(query).mappings()]


def ask(connection: Connection, post: str, book: str, now_ms: int) -> int | None:
    """The `after_seq` of a replay to be asked for now, noted as asked; None when another worker has just done it."""
    chain = chains_of(connection, [(post, book)], lock=True)[post, book]
    after = ask_from(chain, now_ms)
    if after is not None:
        put_chains(connection, [asked(chain, now_ms)], now_ms)
    return after


def put_chains(connection: Connection, chains: Iterable[Chain], now_ms: int) -> None:
    """Keep them as they are now."""
    values = [_book_values(chain, now_ms) for chain in chains]
    if not values:
        return
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(BOOK)
    news = {name: statement.excluded[name] for name in values[0] if name not in ("post", "book")}
    connection.execute(statement.on_conflict_do_update(index_elements=["post", "book"], set_=news), values)


@dataclass(frozen=True, slots=True)
class Head:
    """What a post says of the end of its book. `live`: it said so at `heard_ms`, it was not kept by the broker."""

    post: str
    book: str
    seq: int
    hash: str
    heard_ms: int
    live: bool


def heads_told(ledger: Ledger, heads: Sequence[Head], now_ms: int) -> None:
    """Compare what posts say of their books with what is here; only what differs is written. What no book can be is passed
    over: a status is read from the network, and one must not hold up the others."""
    heads = [head for head in heads if 0 <= head.seq <= _LARGEST_SEQ and _BOOK.fullmatch(head.book)]
    with ledger.read() as connection:
        known = chains_of(connection, [(head.post, head.book) for head in heads])
        odd = [head for head in heads if _told(connection, known[head.post, head.book], head, now_ms) is not None]
    if not odd:
        return
    with ledger.write() as connection:
        known = chains_of(connection, [(head.post, head.book) for head in odd], lock=True)
        told = [_told(connection, known[head.post, head.book], head, now_ms) for head in odd]
        put_chains(connection, [chain for chain in told if chain is not None], now_ms)


def _told(connection: Connection, chain: Chain, head: Head, now_ms: int) -> Chain | None:
    """The chain as it is to be kept, or None when nothing has changed."""
    after = told(chain, head.seq, head.hash, now_ms)
    if after.gap_ms is not None:
        beyond = stored(connection, chain.post, chain.book, after.seq, 1)
        after = _extended(connection, given_up(after, beyond[0] if beyond else None), beyond, now_ms)
    if head.live and head.seq < chain.seq and _long_before(connection, head):
        after = shorter(after, head.seq)
    return None if after == chain else after


def _long_before(connection: Connection, head: Head) -> bool:
    """The entry behind this head had been heard long before the post spoke: it is not only late, it is gone there."""
    where = and_(ENTRY.c.post == head.post, ENTRY.c.book == head.book, ENTRY.c.seq == head.seq + 1)
    heard_ms = connection.execute(select(ENTRY.c.heard_ms).where(where)).scalar()
    return heard_ms is not None and head.heard_ms - heard_ms > OVERTAKEN_MS


def _book_values(chain: Chain, now_ms: int) -> dict[str, Any]:
    return {
        "post": chain.post,
        "book": chain.book,
        "seq": chain.seq,
        "hash": bytes.fromhex(chain.hash),
        "known_seq": chain.known_seq,
        "gap_ms": chain.gap_ms,
        "asked_ms": chain.asked_ms,
        "asks": chain.asks,
        "wrong_seq": chain.wrong_seq,
        "wrong": chain.wrong,
        "began": chain.began,
        "heard_ms": now_ms,
    }


def chain_from(row: RowMapping) -> Chain:
    """The chain of one stored row."""
    return Chain(
        post=row["post"],
        book=row["book"],
        seq=row["seq"],
        hash=bytes(row["hash"]).hex() or FIRST_PREV,
        known_seq=row["known_seq"],
        gap_ms=row["gap_ms"],
        asked_ms=row["asked_ms"],
        asks=row["asks"],
        wrong_seq=row["wrong_seq"],
        wrong=cast("Wrong | None", row["wrong"]),
        began=row["began"],
    )
