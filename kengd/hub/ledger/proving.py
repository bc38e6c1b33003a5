"""The merged book and its signed heads, proved anew from what is stored: what was changed or struck by hand is named (P8).

Everything is read in order and a stretch at a time, so that a million entries need no more memory than a thousand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal

from sqlalchemy import Connection, and_, select

from kengd.hub.chains import Chain
from kengd.hub.ledger.audits import AUDIT
from kengd.hub.ledger.heads import BEGUN, HEAD, digest, read_tip, sum_of, tips_of
from kengd.hub.ledger.merging import ASIDE, ENTRY, all_chains
from kengd.wire.entry import FIRST_PREV, Facts, facts_hash
from kengd.wire.signing import KeyRing, Unsound, check

Fault = Literal["changed", "unlinked", "missing", "not_the_end", "no_chain"]
FAULT_VI: Final[dict[Fault, str]] = {
    "changed": "nội dung không khớp mã băm: mục đã bị sửa",
    "unlinked": "không nối với mục trước",
    "missing": "mục đã bị xoá hoặc chưa từng có",
    "not_the_end": "không khớp với đầu chuỗi đang giữ",
    "no_chain": "sổ không còn dòng ghi chuỗi",
}
TipFault = Literal["unsigned", "heads_differ", "before_differ", "audit_differs", "begun_again", "missing", "revoked"]
TIP_VI: Final[dict[TipFault, str]] = {
    "unsigned": "bản kê đầu chuỗi không có chữ ký đúng",
    "heads_differ": "số đầu chuỗi đã ký không khớp bản kê: có dòng bị xoá hoặc thêm",
    "before_differ": "bản kê của khoá trước đã bị đổi",
    "audit_differs": "nhật ký việc làm không khớp lúc ký",
    "begun_again": "bản kê đã bị xoá rồi lập lại",
    "missing": "không còn bản kê đầu chuỗi của khoá này",
    "revoked": "ký sau khi khoá đã bị thu hồi",
}
MOST_OF_BOOK: Final = 20
LATE_MS: Final = 600_000
"""Heads are signed each minute: an entry that was proved so long ago has one above it."""
LEEWAY_MS: Final = 10_000
"""A worker may hold a key for two seconds more, and its clock be another machine's."""
_STRETCH: Final = 2_000
_LOOKS: Final = 5
_FACTS: Final = Facts._fields


@dataclass(frozen=True, slots=True)
class Keys:
    """Every signing key there ever was, and when (unix ms) the revoked ones ended."""

    ring: KeyRing
    ended_ms: Mapping[str, int]

    def over(self, kid: str, at_ms: int) -> bool:
        """Whether the key was revoked by then."""
        return kid in self.ended_ms and at_ms > self.ended_ms[kid] + LEEWAY_MS


@dataclass(slots=True)
class Looked:
    """One book. `faults`: (seq, what), the first MOST_OF_BOOK; `count`: of all."""

    post: str
    book: str
    entries: int = 0
    count: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def wrong(self, seq: int, fault: Fault) -> None:
        """One more."""
        self.count += 1
        if len(self.faults) < MOST_OF_BOOK:
            self.faults.append((seq, fault))


@dataclass(frozen=True, slots=True)
class LookedHeads:
    """`wrong`: (post, book, seq) of heads that do not hold: the signature, its key, or the entry. `unsigned`: of entries that should
    have been under a head long ago. `tips`: (kid, what)."""

    count: int
    wrong: tuple[tuple[str, str, int], ...]
    unsigned: tuple[tuple[str, str, int], ...]
    tips: tuple[tuple[str, TipFault], ...]


def look_at_books(connection: Connection) -> Iterator[Looked]:
    """Each book with the hash of every entry made anew from its fields, and its links, up to the end that is kept for it."""
    chains = {(chain.post, chain.book): chain for chain in all_chains(connection)}
    query = select(ENTRY).order_by(ENTRY.c.post, ENTRY.c.book, ENTRY.c.seq)
    rows = connection.execute(query, execution_options={"yield_per": _STRETCH}).mappings()
    for place, lines in groupby(rows, key=lambda row: (str(row["post"]), str(row["book"]))):
        if ASIDE in place[1]:
            looked = _aside(*place, lines)
        else:
            looked = _book(*place, chains.pop(place, None), lines)
        yield looked
    for chain in chains.values():
        if chain.seq > 0:
            yield _book(chain.post, chain.book, chain, iter(()))


def _book(post: str, book: str, chain: Chain | None, lines: Iterator[Any]) -> Looked:
    looked = Looked(post, book)
    end = chain.seq if chain is not None else 0
    if chain is None:
        looked.wrong(1, "no_chain")
    prev: str | None = FIRST_PREV
    expected = 1
    for row in lines:
        looked.entries += 1
        seq, own = int(row["seq"]), bytes(row["hash"]).hex()
        if seq != expected:
            if expected <= end:
                looked.wrong(expected, "missing")
            prev = None
        if not _unchanged(row, book):
            looked.wrong(seq, "changed")
        if prev is not None and bytes(row["prev"]).hex() != prev:
            looked.wrong(seq, "unlinked")
        if chain is not None and seq == end and own != chain.hash:
            looked.wrong(seq, "not_the_end")
        prev, expected = own, seq + 1
    if expected <= end:
        looked.wrong(expected, "missing")
    return looked


def _aside(post: str, book: str, lines: Iterator[Any]) -> Looked:
    """Entries whose places were taken: each stands for itself, under the beginning of its hash."""
    looked = Looked(post, book)
    true, _, beginning = book.partition(ASIDE)
    for row in lines:
        looked.entries += 1
        if not _unchanged(row, true) or not bytes(row["hash"]).hex().startswith(beginning):
            looked.wrong(int(row["seq"]), "changed")
    return looked


def _unchanged(row: Any, book: str) -> bool:
    try:
        facts = Facts(*(row[name] for name in _FACTS))
        return facts_hash(bytes(row["prev"]).hex(), book, facts) == bytes(row["hash"]).hex()
    except (ValueError, TypeError, OverflowError):
        return False


# ---- heads


def look_at_heads(connection: Connection, keys: Keys, now_ms: int) -> LookedHeads:
    """Each signed head with the entry that is in the book now, and what the keys say of all their heads together.

    A worker that signs meanwhile changes its tip: then everything is looked at once more.
    """
    for _ in range(_LOOKS):
        before = tips_of(connection)
        looked = _look_at_heads(connection, keys, before, now_ms)
        if tips_of(connection) == before:
            break
    return looked


def _look_at_heads(connection: Connection, keys: Keys, tips: Mapping[str, str], now_ms: int) -> LookedHeads:
    same = and_(ENTRY.c.post == HEAD.c.post, ENTRY.c.book == HEAD.c.book, ENTRY.c.seq == HEAD.c.seq)
    query = select(HEAD, ENTRY.c.hash.label("is")).select_from(HEAD.outerjoin(ENTRY, same))
    query = query.order_by(HEAD.c.post, HEAD.c.book, HEAD.c.seq)
    wrong, newest = [], {}
    sums: dict[str, tuple[int, str]] = {}
    for row in connection.execute(query, execution_options={"yield_per": _STRETCH}).mappings():
        kid = _signer(row, keys)
        if kid is None:
            wrong.append((str(row["post"]), str(row["book"]), int(row["seq"])))
        else:
            count, total = sums.get(kid, (0, "0"))
            sums[kid] = (count + 1, sum_of([row["jws"]], total))
        newest[str(row["post"]), str(row["book"])] = int(row["seq"])
    unsigned = _unsigned(connection, newest, now_ms)
    faults = _tip_faults(connection, keys, tips, sums)
    return LookedHeads(sum(count for count, _ in sums.values()) + len(wrong), tuple(wrong), unsigned, faults)


def _signer(row: Mapping[Any, Any], keys: Keys) -> str | None:
    """The key that has signed this head, in its time, over the entry that is there; None: it does not hold."""
    try:
        signed = check(row["jws"].encode(), keys.ring)
        said = json.loads(signed.payload)
        told = {"post": row["post"], "book": row["book"], "seq": row["seq"], "hash": bytes(row["is"]).hex()}
        holds = said == {**told, "at_ms": said["at_ms"]} and not keys.over(signed.kid, said["at_ms"])
    except (Unsound, ValueError, KeyError, TypeError):
        return None
    return signed.kid if holds else None


def _unsigned(
    connection: Connection, newest: Mapping[tuple[str, str], int], now_ms: int
) -> tuple[tuple[str, str, int], ...]:
    late = []
    for chain in all_chains(connection):
        seq = newest.get((chain.post, chain.book), 0) + 1
        if seq <= chain.seq:
            where = and_(ENTRY.c.post == chain.post, ENTRY.c.book == chain.book, ENTRY.c.seq == seq)
            heard_ms = connection.execute(select(ENTRY.c.heard_ms).where(where)).scalar()
            if heard_ms is not None and now_ms - heard_ms > LATE_MS:
                late.append((chain.post, chain.book, seq))
    return tuple(late)


def _tip_faults(
    connection: Connection, keys: Keys, tips: Mapping[str, str], sums: Mapping[str, tuple[int, str]]
) -> tuple[tuple[str, TipFault], ...]:
    begun = _begun(connection)
    faults: list[tuple[str, TipFault]] = []
    for kid in sorted({*tips, *sums, *begun}):
        if begun.count(kid) > 1:
            faults.append((kid, "begun_again"))
        if kid not in tips:
            faults.append((kid, "missing"))
            continue
        tip = read_tip(tips[kid], keys.ring, kid)
        if tip is None:
            faults.append((kid, "unsigned"))
            continue
        if keys.over(kid, tip.at_ms):
            faults.append((kid, "revoked"))
        if (tip.heads, tip.sum) != sums.get(kid, (0, sum_of([], "0"))):
            faults.append((kid, "heads_differ"))
        if any(digest(tips.get(other, "")) != kept for other, kept in tip.before.items()):
            faults.append((kid, "before_differ"))
        act = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.seq == tip.audit_seq)).scalar()
        if act != tip.audit_hash:
            faults.append((kid, "audit_differs"))
    return tuple(faults)


def _begun(connection: Connection) -> list[str]:
    """The kids of all tips that were ever begun; a line that somebody has garbled is the audit book's own matter."""
    kids = []
    for text in connection.execute(select(AUDIT.c.facts).where(AUDIT.c.act == BEGUN)).scalars():
        with suppress(ValueError, KeyError, TypeError):
            kids.append(str(json.loads(text)["kid"]))
    return kids
