"""Heads of the chains, signed by the hub: a post's book cannot be rewritten unseen, not even together with its file."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger.book_rows import BookRow, EntryRow, HeadRow
from kengd.hub.ledger.rows import table
from kengd.wire.signing import KeyRing, Unsound, check, sign

BOOK, HEAD, ENTRY = table(BookRow), table(HeadRow), table(EntryRow)


def sign_grown(connection: Connection, kid: str, key: Ed25519PrivateKey, now_ms: int) -> int:
    """Sign the head of every book that has grown since it was last signed; how many. Another worker may do so just now."""
    newest = select(HEAD.c.post, HEAD.c.book, func.max(HEAD.c.seq).label("seq")).group_by(HEAD.c.post, HEAD.c.book)
    last = newest.subquery()
    joined = BOOK.outerjoin(last, and_(BOOK.c.post == last.c.post, BOOK.c.book == last.c.book))
    query = select(BOOK.c.post, BOOK.c.book, BOOK.c.seq, BOOK.c.hash).select_from(joined)
    query = query.where(BOOK.c.seq > func.coalesce(last.c.seq, 0)).order_by(BOOK.c.post, BOOK.c.book)
    grown = connection.execute(query).all()
    rows = []
    for post, book, seq, digest in grown:
        said = {"post": post, "book": book, "seq": seq, "hash": bytes(digest).hex(), "at_ms": now_ms}
        jws = sign(json.dumps(said, separators=(",", ":")).encode(), kid, key).decode()
        rows.append({"post": post, "book": book, "seq": seq, "hash": bytes(digest), "at_ms": now_ms, "jws": jws})
    if rows:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(HEAD).on_conflict_do_nothing(), rows)
    return len(rows)


def wrong_heads(connection: Connection, keys: KeyRing) -> list[tuple[str, str, int]]:
    """(post, book, seq) of signed heads that do not hold: the signature, or the entry that is in the book now."""
    joined = HEAD.outerjoin(
        ENTRY, and_(ENTRY.c.post == HEAD.c.post, ENTRY.c.book == HEAD.c.book, ENTRY.c.seq == HEAD.c.seq)
    )
    query = select(HEAD.c.post, HEAD.c.book, HEAD.c.seq, HEAD.c.jws, ENTRY.c.hash).select_from(joined)
    wrong = []
    for post, book, seq, jws, digest in connection.execute(query.order_by(HEAD.c.post, HEAD.c.book, HEAD.c.seq)):
        try:
            said = json.loads(check(jws.encode(), keys).payload)
            held = digest is not None and said == {
                "post": post, "book": book, "seq": seq, "hash": bytes(digest).hex(), "at_ms": said["at_ms"],
            }  # fmt: skip
        except (Unsound, KeyError, TypeError):
            held = False
        if not held:
            wrong.append((post, book, seq))
    return wrong
