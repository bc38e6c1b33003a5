"""Entries into the merged book, on both databases: each exactly once, its chain proved, whoever brings it (P8)."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from kengd.hub import chains
from kengd.hub.chains import Chain
from kengd.hub.ledger import merging
from kengd.hub.ledger.merging import (
    ENTRY,
    Head,
    Heard,
    all_chains,
    ask,
    chains_of,
    entry_from,
    gaps,
    heads_told,
    merge,
    stored,
)
from kengd.hub.ledger.store import Ledger
from kengd.wire.entry import Entry, chain_hash
from tests.hub.spine_kit import BOOK, T0, chained, heard, said, seqs, true_book


def bring(ledger: Ledger, batch: Sequence[Heard], now_ms: int = T0) -> list[Heard]:
    """One transaction of the ingest: what was new."""
    with ledger.write() as connection:
        return list(merge(connection, batch, now_ms).fresh)


def chain_of(ledger: Ledger, post: str, book: str = BOOK) -> Chain:
    with ledger.read() as connection:
        return chains_of(connection, [(post, book)])[post, book]


def kept(ledger: Ledger, post: str, book: str = BOOK) -> list[Entry]:
    with ledger.read() as connection:
        return stored(connection, post, book, 0, 100_000)


def whole(post: str, entries: Sequence[Entry]) -> Chain:
    """A chain with nothing missing and nothing wrong."""
    last = entries[-1]
    return Chain(post, last.book, last.seq, last.hash, last.seq, began=entries[0].reason)


def tell(ledger: Ledger, post: str, seq: int, head_hash: str, now_ms: int, *, live: bool = True) -> None:
    """A status named this head."""
    heads_told(ledger, [Head(post, BOOK, seq, head_hash, now_ms, live)], now_ms)


def test_an_entry_is_kept_exactly_once_however_often_it_comes(ledger: Ledger) -> None:
    """P8: again in the same batch, again in another, again from another connection: one row, and told as new once."""
    book = true_book(3)
    assert [item.entry for item in bring(ledger, heard("thon-1", [*book, *book]))] == book
    assert bring(ledger, heard("thon-1", [book[1], *book])) == []
    assert kept(ledger, "thon-1") == book
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)


def test_what_is_kept_is_what_came_to_the_last_letter(ledger: Ledger) -> None:
    """P7, P8: every column, detail and all, comes back and still proves its hash."""
    line = said(
        "cut", activation="a" * 16, command_id="jti-00000001", signal="alarm", purpose="actual", source="hub",
        place="nhà văn hóa", by="Đ/c Hùng \U0001f514", reason="hushed",
        detail={"hushed_by": {"source": "page", "by": "bà Tư"}, "số": [1, 2.5, None, True], "nul": "\x00"},
    )  # fmt: skip
    book = chained([said("started", reason="new"), line])
    bring(ledger, heard("thon-1", book))
    assert kept(ledger, "thon-1") == book
    assert chain_of(ledger, "thon-1").wrong is None


def test_equal_books_of_two_posts_do_not_mix(ledger: Ledger) -> None:
    """Identity is (post, book, seq): a cloned card is two books, and one post may have had several."""
    book, other = true_book(4), true_book(2, book="ffeeddccbbaa9988", reason="book_set_aside")
    bring(ledger, [*heard("thon-1", book), *heard("thon-2", book[:2]), *heard("thon-1", other)])
    with ledger.read() as connection:
        found = {(chain.post, chain.book): chain for chain in all_chains(connection)}
    assert found == {
        ("thon-1", BOOK): whole("thon-1", book),
        ("thon-2", BOOK): whole("thon-2", book[:2]),
        ("thon-1", other[0].book): whole("thon-1", other),
    }
    assert found["thon-1", other[0].book].began == "book_set_aside"


@pytest.mark.parametrize("order", ["in order", "shuffled"])
def test_the_entries_of_a_week_away_all_arrive_and_prove_one_chain(ledger: Ledger, order: str) -> None:
    """P8: 5,000 entries in batches of 500, overtaking each other as they like: none missing, none twice, no link wrong."""
    book = true_book(5_000)
    come = list(book)
    if order == "shuffled":
        random.Random(4).shuffle(come)
    fresh = 0
    for first in range(0, len(come), 500):
        fresh += len(bring(ledger, heard("thon-1", come[first : first + 500])))
    assert fresh == 5_000
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(ENTRY)).scalar() == 5_000
        assert [(item.seq, item.hash) for item in stored(connection, "thon-1", BOOK, 0, 9_999)] == [
            (item.seq, item.hash) for item in book
        ]


def test_a_rewritten_entry_is_noticed_and_the_first_word_stays(ledger: Ledger) -> None:
    """P8: a known place with another hash: whoever changed the book is found, what was kept stays as it was, and the other word
    is kept beside it, once."""
    book = true_book(6)
    bring(ledger, heard("thon-1", book))
    changed = replace(book[3], by="kẻ khác")
    changed = replace(changed, hash=chain_hash(changed.prev, changed))
    assert [item.entry for item in bring(ledger, heard("thon-1", [changed, changed]))] == [changed]
    assert bring(ledger, heard("thon-1", [changed])) == []
    assert kept(ledger, "thon-1") == book
    with ledger.read() as connection:
        rows = connection.execute(select(ENTRY).where(ENTRY.c.book != BOOK)).mappings()
        assert [entry_from(row) for row in rows] == [changed]
    assert chain_of(ledger, "thon-1") == replace(
        whole("thon-1", book), wrong_seq=4, wrong="rewritten", asks=chains.WHOLE
    )


def test_a_book_with_a_wrong_link_is_asked_for_as_a_whole_once_and_shows_its_first_wrong_entry(ledger: Ledger) -> None:
    """P8: who rewrites an entry and all links behind it is seen at the next new one; the first that was changed is found then,
    and entries of which only the links are others are not kept twice."""
    book = true_book(9)
    bring(ledger, heard("thon-1", book[:8]))
    changed = chained([said("started", reason="new"), said("hết"), *(_line(entry) for entry in book[2:])])
    assert bring(ledger, heard("thon-1", changed[8:])) == heard("thon-1", changed[8:])
    assert (chain_of(ledger, "thon-1").wrong_seq, chain_of(ledger, "thon-1").wrong) == (9, "broken")
    with ledger.write() as connection:
        assert [chain.post for chain in gaps(connection)] == ["thon-1"]
        assert ask(connection, "thon-1", BOOK, T0) == 0
    assert [item.entry for item in bring(ledger, heard("thon-1", changed))] == [changed[1]]
    assert (chain_of(ledger, "thon-1").wrong_seq, chain_of(ledger, "thon-1").wrong) == (2, "rewritten")
    with ledger.read() as connection:
        assert gaps(connection) == [], "once is enough"


def _line(entry: Entry) -> dict[str, Any]:
    return {key: getattr(entry, key) for key in entry.__slots__ if key not in ("book", "seq", "at", "prev", "hash")}


def test_two_versions_of_an_entry_in_one_batch_are_noticed(ledger: Ledger) -> None:
    """The same, when both come together."""
    book = true_book(2)
    changed = replace(book[1], by="kẻ khác")
    changed = replace(changed, hash=chain_hash(changed.prev, changed))
    bring(ledger, heard("thon-1", [*book, changed]))
    assert kept(ledger, "thon-1") == book
    assert (chain_of(ledger, "thon-1").wrong_seq, chain_of(ledger, "thon-1").wrong) == (2, "rewritten")


def test_what_comes_twice_in_one_batch_stands_where_it_came_first(ledger: Ledger) -> None:
    """P8: a replay that was asked for overtakes nothing: the merged book keeps the order of the first hearing."""
    book = true_book(6)
    fresh = bring(ledger, heard("thon-1", [*book[:4], *book[1:6]]))
    assert seqs([item.entry for item in fresh]) == [1, 2, 3, 4, 5, 6]
    with ledger.read() as connection:
        assert list(connection.execute(select(ENTRY.c.seq).order_by(ENTRY.c.n)).scalars()) == [1, 2, 3, 4, 5, 6]


def test_a_forged_entry_is_kept_and_marked(ledger: Ledger) -> None:
    """P8: an entry whose hash does not hold is evidence: kept as it came, marked broken at its place, gone past."""
    book = true_book(5)
    forged = [*book[:2], replace(book[2], by="kẻ khác"), *book[3:]]
    bring(ledger, heard("thon-1", forged))
    assert kept(ledger, "thon-1") == forged
    assert chain_of(ledger, "thon-1") == replace(whole("thon-1", book), wrong_seq=3, wrong="broken", asks=chains.WHOLE)


def test_a_transaction_that_fails_leaves_neither_entries_nor_chain(ledger: Ledger) -> None:
    """P8: a crash before the commit: everything comes again and is new again."""
    book = true_book(3)
    with pytest.raises(RuntimeError), ledger.write() as connection:
        merge(connection, heard("thon-1", book), T0)
        raise RuntimeError
    assert kept(ledger, "thon-1") == []
    assert chain_of(ledger, "thon-1") == Chain("thon-1", BOOK)
    assert len(bring(ledger, heard("thon-1", book))) == 3
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)


def test_two_workers_bring_the_same_entries_at_once_and_each_is_kept_once(postgres_url: str) -> None:
    """P8 with several workers: told as new by exactly one of them, never twice, and the chain is whole."""
    book = true_book(600)
    ledgers = [Ledger(postgres_url) for _ in range(2)]
    together = threading.Barrier(2)
    fresh: list[list[tuple[str, int]]] = [[], []]
    troubles: list[BaseException] = []

    def work(n: int) -> None:
        come = [item for post in ("thon-1", "thon-2") for item in heard(post, book)]
        random.Random(n).shuffle(come)
        together.wait(20)
        try:
            for first in range(0, len(come), 100):
                fresh[n] += [(item.post, item.entry.seq) for item in bring(ledgers[n], come[first : first + 100])]
        except BaseException as wrong:
            troubles.append(wrong)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    assert sorted(fresh[0] + fresh[1]) == sorted((post, seq) for post in ("thon-1", "thon-2") for seq in seqs(book))
    assert [kept(ledgers[0], post) == book for post in ("thon-1", "thon-2")] == [True, True]
    for post in ("thon-1", "thon-2"):
        assert chain_of(ledgers[0], post) == whole(post, book)
    for ledger in ledgers:
        ledger.close()


def test_a_gap_is_seen_asked_for_given_up_and_the_chain_goes_on(ledger: Ledger) -> None:
    """P8: entries that the post no longer has: asked for five times, then said to be missing; what follows is proved."""
    book = true_book(8)
    bring(ledger, heard("thon-1", [*book[:2], *book[4:]]))
    chain = chain_of(ledger, "thon-1")
    assert (chain.seq, chain.known_seq, chain.gap_ms) == (2, 8, T0)
    now_ms = T0 + chains.ASK_FIRST_MS
    for _ in range(chains.MOST_ASKS):
        tell(ledger, "thon-1", 8, book[7].hash, now_ms)
        with ledger.write() as connection:
            assert [(gap.seq, gap.wrong) for gap in gaps(connection)] == [(2, None)]
            assert ask(connection, "thon-1", BOOK, now_ms) == 2
            assert ask(connection, "thon-1", BOOK, now_ms) is None, "another worker has asked just now"
        now_ms += chains.ASK_AGAIN_MS
    tell(ledger, "thon-1", 8, book[7].hash, now_ms)
    assert chain_of(ledger, "thon-1") == replace(whole("thon-1", book), wrong_seq=3, wrong="missing")
    with ledger.read() as connection:
        assert gaps(connection) == []


def test_a_gap_that_is_filled_late_is_whole_again(ledger: Ledger) -> None:
    """P8: a replay brings what was lost; nothing is wrong afterwards, and what waited behind it is proved."""
    book = true_book(50)
    bring(ledger, heard("thon-1", [*book[:10], *book[20:]]))
    assert chain_of(ledger, "thon-1").seq == 10
    bring(ledger, heard("thon-1", book[10:15]))
    assert chain_of(ledger, "thon-1").seq == 15
    bring(ledger, heard("thon-1", book[10:20]))
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)


def test_while_a_gap_stays_open_new_entries_do_not_read_the_book_behind_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap may last for hours at a busy post: each new entry must not cost thousands of rows."""
    book = true_book(20)
    bring(ledger, heard("thon-1", [*book[:2], *book[4:10]]))
    looked: list[int] = []
    true_stored = merging.stored

    def counting(connection: object, post: str, named: str, after_seq: int, limit: int) -> list[Entry]:
        looked.append(after_seq)
        return true_stored(connection, post, named, after_seq, limit)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "stored", counting)
    bring(ledger, heard("thon-1", book[10:]))
    assert looked == []
    bring(ledger, heard("thon-1", book[2:4]))
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)


@pytest.mark.parametrize(
    ("book", "seq", "head"),
    [
        (BOOK, 10**30, "0" * 64),
        (BOOK, -1, "0" * 64),
        ("a\x00b", 1, "0" * 64),
        ("\ud800", 1, "0" * 64),
        ("b" * 65, 1, "0"),
    ],
)
def test_a_head_that_no_post_can_have_is_passed_over(ledger: Ledger, book: str, seq: int, head: str) -> None:
    """A status is read from the network: what the database could not hold must not hold up the other posts' heads."""
    mine = true_book(2)
    bring(ledger, heard("thon-1", mine))
    heads_told(ledger, [Head("thon-1", book, seq, head, T0, True), Head("thon-1", BOOK, 5, head, T0, True)], T0)
    with ledger.read() as connection:
        assert all_chains(connection) == [replace(whole("thon-1", mine), known_seq=5, gap_ms=T0)]


def test_a_status_that_names_another_hash_shows_a_rewritten_end(ledger: Ledger) -> None:
    """P8: the last entry has no successor that would betray it; the head in the status does."""
    book = true_book(4)
    bring(ledger, heard("thon-1", book))
    tell(ledger, "thon-1", 4, "f" * 64, T0)
    assert chain_of(ledger, "thon-1") == replace(
        whole("thon-1", book), wrong_seq=4, wrong="rewritten", asks=chains.WHOLE
    )


@pytest.mark.parametrize(
    ("live", "later_ms", "wrong"), [(True, 60_000, "shortened"), (True, 100, None), (False, 60_000, None)]
)
def test_a_head_below_what_had_come_is_a_shortened_book(
    ledger: Ledger, live: bool, later_ms: int, wrong: str | None
) -> None:
    """P8: the end of the book is gone at the post. A status only overtaken by its entry, or kept by the broker, is none."""
    book = true_book(6)
    bring(ledger, heard("thon-1", book))
    tell(ledger, "thon-1", 4, book[3].hash, T0 + later_ms, live=live)
    assert (chain_of(ledger, "thon-1").wrong_seq, chain_of(ledger, "thon-1").wrong) == (5 if wrong else None, wrong)


def test_a_head_above_is_a_gap_even_of_a_book_that_was_never_heard_of(ledger: Ledger) -> None:
    """P8: entries that never came are missed as soon as the post names a later one."""
    tell(ledger, "thon-1", 7, "a" * 64, T0)
    with ledger.read() as connection:
        assert gaps(connection) == [Chain("thon-1", BOOK, known_seq=7, gap_ms=T0)]
    book = true_book(7)
    bring(ledger, heard("thon-1", book))
    assert chain_of(ledger, "thon-1") == whole("thon-1", book)
