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
ASK_RARELY_MS: Final = 3_600_000
"""After so many asks in vain: the card that held this book may lie in a drawer."""

WRONG_VI: Final[dict[Wrong, str]] = {
    "broken": "mắt xích bị sai",
    "rewritten": "mục đã nhận bị viết lại",
    "shortened": "sổ bị cắt ngắn",
    "missing": "mục bị mất, điểm kẻng không còn giữ",
}
WHOLE: Final = -1
"""In `asks`: a wrong link or head only says that something before it was changed; the whole book, asked for, shows what first."""


@dataclass(frozen=True, slots=True)
class Follows:
    """The book of the same post that came before: `seq` is its last entry here. `begun_ms`: when the first entry of the new one was
    heard, by the hub's clock."""

    book: str
    seq: int
    begun_ms: int


@dataclass(frozen=True, slots=True)
class Chain:
    """One book. Up to `seq` (whose hash is `hash`) every entry is here and was looked at; 0 and 64 zeros before the first.

    `known_seq`: the highest seq the post has named. `gap_ms`: since when something below it is missing; `asked_ms`, `asks`:
    when and how often it was asked for (or WHOLE). `wrong_seq`, `wrong`: the first seq that does not hold, and how. `began`: the
    reason of its first entry. `follows`: filled where it is asked for (`successions`), while nobody has accepted that this book
    took another one's place.
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
    follows: Follows | None = None


def extend(chain: Chain, entries: Sequence[Entry], now_ms: int) -> Chain:
    """The chain with these entries of its book, ascending, some of which may be behind its end or beyond a gap.

    A wrong link is remembered and gone past, so that what comes after it is proved too.
    """
    before = chain.seq
    for entry in entries:
        if entry.seq > chain.seq + 1:
            break
        if entry.seq == chain.seq + 1:
            chain = _linked(chain, entry)
    known = max([chain.known_seq, *(entry.seq for entry in entries)])
    gap_ms = chain.gap_ms if chain.seq == before else None  # what is just coming need not be asked for
    return _measured(replace(chain, known_seq=known, gap_ms=gap_ms), now_ms)


def _linked(chain: Chain, entry: Entry) -> Chain:
    holds = entry.prev == chain.hash and entry.hash == chain_hash(entry.prev, entry)
    if entry.seq == 1:
        chain = replace(chain, began=entry.reason)
    if not holds:
        chain = replace(marked(chain, entry.seq, "broken"), asks=WHOLE)
    return replace(chain, seq=entry.seq, hash=entry.hash, asks=min(chain.asks, 0))


def marked(chain: Chain, seq: int, wrong: Wrong) -> Chain:
    """The first wrong seq is kept; later ones follow from it."""
    if chain.wrong_seq is not None and chain.wrong_seq <= seq:
        return chain
    return replace(chain, wrong_seq=seq, wrong=wrong)


def rewritten(chain: Chain, seq: int) -> Chain:
    """Another hash stands at this place. The first time, something before it may have been rewritten too."""
    known = chain.wrong_seq is not None
    return replace(marked(chain, seq, "rewritten"), asks=chain.asks if known else WHOLE)


def told(chain: Chain, seq: int, head_hash: str, now_ms: int) -> Chain:
    """What the post says of its head in its status: entries may be missing here, or there."""
    if seq < chain.known_seq:
        return chain  # a status may be older than an entry that has overtaken it; see `shorter`
    chain = _measured(replace(chain, known_seq=seq), now_ms)
    if seq == chain.seq and head_hash != chain.hash:
        return rewritten(chain, seq)
    return chain


def shorter(chain: Chain, seq: int) -> Chain:
    """The post has just started and names a head below what it had already sent: the end of its book is gone."""
    return marked(chain, seq + 1, "shortened") if seq < chain.seq else chain


def ask_from(chain: Chain, now_ms: int) -> int | None:
    """The `after_seq` of a replay that is to be asked for now, or None. A clock that was put back keeps nothing waiting."""
    if chain.asks != WHOLE and (chain.gap_ms is None or 0 <= now_ms - chain.gap_ms < ASK_FIRST_MS):
        return None
    again_ms = ASK_AGAIN_MS if chain.asks <= MOST_ASKS else ASK_RARELY_MS
    if chain.asked_ms is not None and 0 <= now_ms - chain.asked_ms < again_ms:
        return None
    return 0 if chain.asks == WHOLE else chain.seq


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
        looked_ms = chain.asked_ms if chain.wrong in ("broken", "rewritten") else None
        return replace(chain, gap_ms=None, asked_ms=looked_ms, asks=min(chain.asks, 0))
    return chain if chain.gap_ms is not None else replace(chain, gap_ms=now_ms)
