"""How far the chain of each post's book is proved at the hub: gaps, wrong links, a book that was rewritten or shortened (P8). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from kengd.wire.entry import FIRST_PREV, Entry, chain_hash

Wrong = Literal["broken", "rewritten", "shortened", "missing"]

ASK_FIRST_MS: Final = 2_000
"""Entries may overtake each other between two workers: a gap this young is none."""
ASK_AGAIN_MS: Final = 60_000
MOST_ASKS: Final = 5

WRONG_VI: Final[dict[Wrong, str]] = {
    "broken": "mắt xích bị sai",
    "rewritten": "mục đã nhận bị viết lại",
    "shortened": "sổ bị cắt ngắn",
    "missing": "mục bị mất, điểm kẻng không còn giữ",
}


@dataclass(frozen=True, slots=True)
class Chain:
    """One book. Up to `seq` (whose hash is `hash`) every entry is here and was looked at; 0 and 64 zeros before the first.

    `known_seq`: the highest seq the post has named. `gap_ms`: since when something below it is missing; `asked_ms`, `asks`:
    when and how often it was asked for. `wrong_seq`, `wrong`: the first seq that does not hold, and how. `began`: the reason of
    its first entry.
    """

    post: str
    book: str
    seq: int = 0
    hash: str = FIRST_PREV
    known_seq: int = 0
    gap_ms: int | None = None
    asked_ms: int | None = None
    asks: int = 0
    wrong_seq: int | None = None
    wrong: Wrong | None = None
    began: str | None = None


def extend(chain: Chain, entries: Sequence[Entry], now_ms: int) -> Chain:
    """The chain with these entries of its book, ascending, some of which may be behind its end or beyond a gap.

    A wrong link is remembered and gone past, so that what comes after it is proved too.
    """
    for entry in entries:
        if entry.seq > chain.seq + 1:
            break
        if entry.seq == chain.seq + 1:
            chain = _linked(chain, entry)
    known = max([chain.known_seq, *(entry.seq for entry in entries)])
    return _measured(replace(chain, known_seq=known), now_ms)


def _linked(chain: Chain, entry: Entry) -> Chain:
    holds = entry.prev == chain.hash and entry.hash == chain_hash(entry.prev, entry)
    if entry.seq == 1:
        chain = replace(chain, began=entry.reason)
    if not holds:
        chain = marked(chain, entry.seq, "broken")
    return replace(chain, seq=entry.seq, hash=entry.hash, asks=0)


def marked(chain: Chain, seq: int, wrong: Wrong) -> Chain:
    """The first wrong seq is kept; later ones follow from it."""
    if chain.wrong_seq is not None and chain.wrong_seq <= seq:
        return chain
    return replace(chain, wrong_seq=seq, wrong=wrong)


def told(chain: Chain, seq: int, head_hash: str, now_ms: int) -> Chain:
    """What the post says of its head in its status: entries may be missing here, or there."""
    if seq < chain.known_seq:
        return chain  # a status may be older than an entry that has overtaken it; see `shorter`
    chain = _measured(replace(chain, known_seq=seq), now_ms)
    if seq == chain.seq and head_hash != chain.hash:
        return marked(chain, seq, "rewritten")
    return chain


def shorter(chain: Chain, seq: int) -> Chain:
    """The post has just started and names a head below what it had already sent: the end of its book is gone."""
    return marked(chain, seq + 1, "shortened") if seq < chain.seq else chain


def ask_from(chain: Chain, now_ms: int) -> int | None:
    """The `after_seq` of a replay that is to be asked for now, or None."""
    if chain.gap_ms is None or now_ms - chain.gap_ms < ASK_FIRST_MS:
        return None
    if chain.asked_ms is not None and now_ms - chain.asked_ms < ASK_AGAIN_MS:
        return None
    return chain.seq


def asked(chain: Chain, now_ms: int) -> Chain:
    """A replay was asked for."""
    return replace(chain, asked_ms=now_ms, asks=chain.asks + 1)


def given_up(chain: Chain, beyond: Entry | None) -> Chain:
    """The post was asked often enough and does not have the missing entries any more: the chain goes on at `beyond`, the first
    entry behind the gap, and says what is missing."""
    if beyond is None or chain.asks < MOST_ASKS:
        return chain
    return replace(marked(chain, chain.seq + 1, "missing"), seq=beyond.seq - 1, hash=beyond.prev, asks=0)


def _measured(chain: Chain, now_ms: int) -> Chain:
    if chain.seq >= chain.known_seq:
        return replace(chain, gap_ms=None, asked_ms=None, asks=0)
    return chain if chain.gap_ms is not None else replace(chain, gap_ms=now_ms)
