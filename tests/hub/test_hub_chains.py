"""How far a post's book is proved at the hub: gaps, wrong links, books rewritten, shortened, trimmed (P8)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.hub import chains
from kengd.hub.chains import (
    ASK_AGAIN_MS,
    ASK_FIRST_MS,
    MOST_ASKS,
    WRONG_VI,
    Chain,
    ask_from,
    asked,
    extend,
    given_up,
    marked,
    shorter,
    told,
)
from kengd.wire.entry import Entry, chain_hash, verify_chain
from tests.hub.spine_kit import BOOK, T0, true_book

START = Chain("thon-1", BOOK)
LONG = true_book(24)
CHANGES: list[tuple[str, Any]] = [
    ("by", "kẻ khác"), ("kind", "missed"), ("at", "2030-01-01T00:00:00.000Z"), ("prev", "e" * 64),
    ("detail", {"số": 0}), ("activation", "f" * 16),
]  # fmt: skip


def whole(book: list[Entry]) -> Chain:
    return replace(START, seq=book[-1].seq, hash=book[-1].hash, known_seq=book[-1].seq, began=book[0].reason)


def proved(batches: Iterable[list[Entry]], chain: Chain = START) -> Chain:
    """As the ledger does: what is new is kept, and where a gap closes, what waited behind it is looked at."""
    kept: dict[int, Entry] = {}
    for n, batch in enumerate(batches):
        fresh = sorted({e.seq: e for e in batch if e.seq not in kept}.values(), key=lambda e: e.seq)
        kept |= {entry.seq: entry for entry in fresh}
        chain = extend(chain, fresh, T0 + n)
        chain = extend(chain, [kept[seq] for seq in sorted(kept) if seq > chain.seq], T0 + n)
    return chain


def in_batches(come: list[Entry], seed: int) -> list[list[Entry]]:
    chance, batches = random.Random(seed), []
    while come:
        size = chance.randint(1, 6)
        batches.append(come[:size])
        come = come[size:]
    return batches


@given(st.integers(1, 24), st.data())
def test_a_true_book_ends_whole_in_whatever_order_it_comes(length: int, data: st.DataObject) -> None:
    """P8: any order, any repetition, losses that a replay brings later: at the end no gap, nothing wrong, nothing missing."""
    book = true_book(length)
    lost = data.draw(st.sets(st.sampled_from(range(length))))
    come = [book[place] for place in data.draw(st.permutations(range(length))) if place not in lost]
    come += data.draw(st.lists(st.sampled_from(book), max_size=6))
    seed = data.draw(st.integers(0, 99))
    before = proved(in_batches(come, seed))
    assert before.wrong is None, "a gap is no mistake"
    have = {entry.seq for entry in come}
    first_missing = next(seq for seq in range(1, length + 2) if seq not in have)
    assert before.seq == first_missing - 1
    assert (before.gap_ms is None) is (before.seq == max(have, default=0))
    assert proved([*in_batches(come, seed), book[before.seq :]]) == whole(book)


@given(st.integers(0, 23), st.booleans(), st.integers(0, 99), st.data())
def test_any_changed_entry_is_found_at_the_first_link_that_does_not_hold(
    place: int, rehashed: bool, seed: int, data: st.DataObject
) -> None:
    """P7, P8: changed words, or changed words with a new hash (then its successor betrays it), in whatever order they come."""
    field, value = data.draw(st.sampled_from(CHANGES))
    changed = replace(LONG[place], **{field: value})
    if rehashed:
        changed = replace(changed, hash=chain_hash(changed.prev, changed))
    book = [*LONG[:place], changed, *LONG[place + 1 :]]
    come = list(book)
    random.Random(seed).shuffle(come)
    found = proved(in_batches(come, seed))
    assert found.wrong_seq == verify_chain(book)
    assert found.wrong == (None if found.wrong_seq is None else "broken")
    assert (found.seq, found.gap_ms) == (24, None), "it is gone past, so that what comes after is proved too"
    if found.wrong_seq is None:
        assert place == 23 and rehashed
        assert told(found, 24, LONG[-1].hash, T0).wrong == "rewritten", "the head in the status betrays the last one"


def test_of_several_wrong_links_the_first_is_kept() -> None:
    """Later ones follow from it, and are not what to look for."""
    found = marked(marked(marked(START, 9, "broken"), 4, "rewritten"), 6, "missing")
    assert (found.wrong_seq, found.wrong) == (4, "rewritten")
    assert marked(found, 4, "broken") == found


def test_a_gap_is_asked_for_after_two_seconds_and_again_each_minute() -> None:
    """P8: entries may overtake each other; a young gap is none."""
    gap = extend(START, [LONG[0], LONG[4]], T0)
    assert (gap.seq, gap.known_seq, gap.gap_ms) == (1, 5, T0)
    assert ask_from(gap, T0 + ASK_FIRST_MS - 1) is None
    assert ask_from(gap, T0 + ASK_FIRST_MS) == 1
    gap = asked(gap, T0 + ASK_FIRST_MS)
    assert gap.asks == 1
    assert ask_from(gap, T0 + ASK_FIRST_MS + ASK_AGAIN_MS - 1) is None
    assert ask_from(gap, T0 + ASK_FIRST_MS + ASK_AGAIN_MS) == 1


def test_a_gap_that_closes_is_forgotten_and_one_that_moves_is_asked_for_anew() -> None:
    """The count of questions is for one gap; while entries come on, those behind them are on their way too."""
    gap = asked(extend(START, [LONG[0], LONG[4], LONG[8]], T0), T0 + 2_000)
    moved = extend(gap, LONG[1:5], T0 + 3_000)
    assert (moved.seq, moved.asks, moved.gap_ms) == (5, 0, T0 + 3_000)
    closed = extend(moved, LONG[5:9], T0 + 4_000)
    assert (closed.gap_ms, closed.asked_ms, closed.asks) == (None, None, 0)
    assert ask_from(closed, T0 + 999_999) is None


def test_after_five_questions_in_vain_the_chain_goes_on_behind_the_gap() -> None:
    """P8: the post does not have them any more: said, with the first that is missing, and what follows is proved."""
    gap = extend(START, [*LONG[:3], *LONG[7:9]], T0)
    for n in range(MOST_ASKS):
        assert given_up(gap, LONG[7]) == gap
        gap = asked(gap, T0 + n * ASK_AGAIN_MS)
    assert given_up(gap, None) == gap, "with nothing behind it, it is only late"
    on = extend(given_up(gap, LONG[7]), LONG[7:], T0)
    assert on == replace(whole(LONG), wrong_seq=4, wrong="missing")


def test_a_book_that_begins_in_the_middle_is_proved_from_there() -> None:
    """The post has trimmed it before this hub heard of it: what is missing is said, the rest is proved, a change is found."""
    gap = extend(START, LONG[10:14], T0)
    assert (gap.seq, gap.known_seq, gap.gap_ms, gap.began) == (0, 14, T0, None)
    assert ask_from(gap, T0 + ASK_FIRST_MS) == 0
    gap = given_up(replace(gap, asks=MOST_ASKS), LONG[10])
    on = extend(gap, LONG[10:], T0)
    assert (on.seq, on.hash, on.gap_ms, on.wrong_seq, on.wrong) == (24, LONG[-1].hash, None, 1, "missing")
    forged = extend(replace(gap, wrong=None, wrong_seq=None), [replace(LONG[10], by="x"), *LONG[11:]], T0)
    assert (forged.wrong_seq, forged.wrong) == (11, "broken")


def test_a_head_above_ours_is_a_gap() -> None:
    """P8: the post has written what has not come yet."""
    found = told(whole(LONG[:5]), 9, LONG[8].hash, T0)
    assert (found.known_seq, found.gap_ms, found.wrong) == (9, T0, None)
    assert proved([LONG[5:9]], found) == whole(LONG[:9])


def test_a_head_like_ours_changes_nothing_and_another_hash_is_a_rewritten_entry() -> None:
    """P8: the last entry has no successor; the head says what it should be."""
    chain = whole(LONG)
    assert told(chain, 24, LONG[-1].hash, T0) == chain
    found = told(chain, 24, "e" * 64, T0)
    assert (found.wrong_seq, found.wrong) == (24, "rewritten")


def test_a_head_below_ours_is_only_late_unless_the_caller_knows_better() -> None:
    """A status may be older than an entry that overtook it; after a start of the post it is a book cut off."""
    chain = whole(LONG)
    assert told(chain, 20, LONG[19].hash, T0) == chain
    assert (shorter(chain, 20).wrong_seq, shorter(chain, 20).wrong) == (21, "shortened")
    assert shorter(chain, 24) == chain
    assert shorter(chain, 30) == chain


def test_a_new_book_says_how_it_began() -> None:
    """P8: a book that was replaced is seen: its first entry says why there is another."""
    for reason in ("new", "book_set_aside", "unit_replaced"):
        assert extend(START, true_book(2, reason=reason), T0).began == reason


@pytest.mark.parametrize("wrong", ["broken", "rewritten", "shortened", "missing"])
def test_everything_that_can_be_wrong_has_a_vietnamese_name(wrong: chains.Wrong) -> None:
    """Officers read it."""
    assert WRONG_VI[wrong] and len(WRONG_VI) == 4
