"""Heads of the chains, signed by the hub: a post's book cannot be rewritten unseen, not even together with its file.

Beside the heads each signing key keeps a tip, signed with it: how many heads it has signed, the sum of their hashes, how far the
audit book went, and the hashes of the tips of the keys before it. So a head that is struck or slipped in is seen, and what a
key had signed stays good after its revocation while whoever has stolen it can add nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, and_, func, select

from kengd.hub.ledger import audits
from kengd.hub.ledger.book_rows import BookRow, HeadRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.values import put_value, under
from kengd.wire.signing import KeyRing, Unsound, check, public_text, sign
from kengd.wire.strict import decode_base64url

BOOK, HEAD = table(BookRow), table(HeadRow)
TIP: Final = "heads.tip:"
"""Key in the ledger's values, with the kid behind it."""
BEGUN: Final = "heads_begun"
"""The act in the audit book, once for each key: a tip that is struck cannot be begun again unseen."""
_BY: Final = "hub"
_LOCK: Final = 0x6B656E6B
_ROUND: Final = 1 << 256


@dataclass(frozen=True, slots=True)
class Tip:
    """What one key has signed. `sum`: of the heads' SHA-256, modulo 2**256, 64 hex digits. `audit_seq`, `audit_hash`: the newest act
    then. `before`: kid → SHA-256 of the tip of each key before it."""

    heads: int
    sum: str
    at_ms: int
    audit_seq: int
    audit_hash: str
    before: dict[str, str]


def sign_grown(connection: Connection, kid: str, key: Ed25519PrivateKey, now_ms: int) -> int:
    """Sign the head of every book that has grown since it was last signed; how many. A key that signs for the first time signs
    what the others have left, too."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    tips = tips_of(connection)
    if any(kid in _before(jws) for jws in tips.values()):
        return 0  # a worker that has not heard yet that another key signs now
    rows = [_signed(row, kid, key, now_ms) for row in connection.execute(_grown()).mappings()]
    if rows:
        connection.execute(HEAD.insert(), rows)
    tip = read_tip(tips.get(kid), KeyRing({kid: public_text(key)}), kid)
    if tip is not None and not rows:
        return 0
    if tip is None:
        if not rows and not tips:
            return 0
        before = {other: digest(jws) for other, jws in tips.items() if other != kid}
        audits.write(connection, _BY, BEGUN, {"kid": kid, "before": before}, now_ms)
    else:
        before = tip.before
    counted = [row["jws"] for row in rows] if tips else _heads_of(connection, kid)
    heads, total = (tip.heads, tip.sum) if tip is not None else (0, "0")
    said = Tip(heads + len(counted), sum_of(counted, total), now_ms, *audits.head(connection), before)
    put_value(connection, TIP + kid, sign(_compact(asdict(said)), kid, key).decode())
    return len(rows)


def _heads_of(connection: Connection, kid: str) -> list[str]:
    """All that this key has signed: a ledger of before there were tips has some."""
    beginning = sign(b"", kid, Ed25519PrivateKey.generate()).partition(b".")[0].decode() + "."
    query = select(HEAD.c.jws).where(HEAD.c.jws.startswith(beginning, autoescape=True))
    return list(connection.execute(query).scalars())


def _grown() -> Any:
    newest = select(HEAD.c.post, HEAD.c.book, func.max(HEAD.c.seq).label("seq")).group_by(HEAD.c.post, HEAD.c.book)
    last = newest.subquery()
    joined = BOOK.outerjoin(last, and_(BOOK.c.post == last.c.post, BOOK.c.book == last.c.book))
    query = select(BOOK.c.post, BOOK.c.book, BOOK.c.seq, BOOK.c.hash).select_from(joined)
    return query.where(BOOK.c.seq > func.coalesce(last.c.seq, 0)).order_by(BOOK.c.post, BOOK.c.book)


def _signed(row: RowMapping, kid: str, key: Ed25519PrivateKey, now_ms: int) -> dict[str, Any]:
    place = {"post": row["post"], "book": row["book"], "seq": row["seq"]}
    head = bytes(row["hash"])
    jws = sign(_compact({**place, "hash": head.hex(), "at_ms": now_ms}), kid, key).decode()
    return {**place, "hash": head, "at_ms": now_ms, "jws": jws}


# ---- what others check them by


def tips_of(connection: Connection) -> dict[str, str]:
    """kid → its tip, signed."""
    return {key.removeprefix(TIP): jws for key, jws in under(connection, TIP).items()}


def read_tip(jws: str | None, keys: KeyRing, kid: str) -> Tip | None:
    """What this key says; None where it does not say so."""
    try:
        signed = check((jws or "").encode(), keys)
        return Tip(**json.loads(signed.payload)) if signed.kid == kid else None
    except (Unsound, TypeError, ValueError):
        return None


def _before(jws: str) -> frozenset[str]:
    """The kids before this tip, as it says; nobody is harmed by a false one but the check, which tells."""
    try:
        return frozenset(json.loads(decode_base64url(jws.split(".")[1].encode()))["before"])
    except (IndexError, ValueError, KeyError, TypeError):
        return frozenset()


def sum_of(signed: list[str], before: str) -> str:
    """The sum with these heads in it: the order does not matter, each of them does."""
    total = int(before, 16) + sum(int(digest(jws), 16) for jws in signed)
    return f"{total % _ROUND:064x}"


def digest(text: str) -> str:
    """SHA-256, 64 hex digits."""
    return sha256(text.encode()).hexdigest()


def _compact(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
