"""The hub's own book: what was done stays as it was written."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, update

from kengd.hub.ledger import audits
from kengd.hub.ledger.audits import AUDIT, Audit
from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.ledger.values import put_value

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
FACTS = st.dictionaries(
    TEXT.filter(lambda key: key.casefold() not in audits.SECRET),
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT | st.lists(TEXT, max_size=3),
    max_size=3,
)
ACTS = st.lists(st.tuples(TEXT, TEXT, FACTS, st.integers(0, 10**13)), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One file for all tests of this module; each takes back what it wrote."""
    found = Ledger(sqlite_url(tmp_path_factory.mktemp("audit") / "ledger.sqlite"))
    yield found
    found.close()


@contextmanager
def taken_back(ledger: Ledger) -> Iterator[Connection]:
    """A transaction that leaves nothing."""
    with ledger.engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def book(connection: Connection, count: int) -> None:
    """That many acts."""
    for n in range(count):
        audits.write(connection, f"cb-{n}", "sign_in", {"n": n, "tên": "kẻng"}, 1_000 + n)


def test_each_act_is_linked_to_the_one_before_by_the_formula_of_the_posts_books(ledger: Ledger) -> None:
    """P8: SHA-256 over prev and the canonical JSON of the rest, which any other program can compute."""
    with taken_back(ledger) as connection:
        book(connection, 3)
        rows = audits.read(connection)
        prev = "0" * 64
        for row in rows:
            rest = {"act": row.act, "at_ms": row.at_ms, "by": row.by, "facts": row.facts, "prev": prev, "seq": row.seq}
            text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert (row.prev, row.hash) == (prev, sha256((prev + text).encode()).hexdigest())
            prev = row.hash
        assert [row.seq for row in rows] == [1, 2, 3]
        assert audits.head(connection) == (3, prev)
        assert audits.verify(connection) is None


def test_an_empty_book_is_whole(ledger: Ledger) -> None:
    """Nothing written, nothing wrong."""
    with taken_back(ledger) as connection:
        assert (audits.verify(connection), audits.head(connection)) == (None, (0, "0" * 64))


@settings(max_examples=60, deadline=None)
@given(acts=ACTS)
def test_whatever_is_written_reads_the_same_and_the_book_is_whole(ledger: Ledger, acts: list[Any]) -> None:
    """Any text in any script."""
    with taken_back(ledger) as connection:
        for by, act, facts, at_ms in acts:
            audits.write(connection, by, act, facts, at_ms)
        assert [(row.by, row.act, row.facts, row.at_ms) for row in audits.read(connection)] == acts
        assert audits.verify(connection) is None


@settings(max_examples=120, deadline=None)
@given(data=st.data(), acts=ACTS)
def test_any_change_of_any_row_is_found_where_it_was_made(ledger: Ledger, data: st.DataObject, acts: list[Any]) -> None:
    """P8: each column of each row, whatever it is changed to."""
    with taken_back(ledger) as connection:
        for by, act, facts, at_ms in acts:
            audits.write(connection, by, act, facts, at_ms)
        seq = data.draw(st.integers(1, len(acts)))
        column = data.draw(st.sampled_from(["seq", "at_ms", "by", "act", "facts", "prev", "hash"]))
        old = connection.execute(select(AUDIT.c[column]).where(AUDIT.c.seq == seq)).scalar_one()
        new = data.draw((st.integers(-3, 10**13) if column in ("seq", "at_ms") else TEXT).filter(lambda v: v != old))
        if column == "seq":
            connection.execute(delete(AUDIT).where(AUDIT.c.seq == new))
        connection.execute(update(AUDIT).where(AUDIT.c.seq == seq).values({column: new}))
        found = audits.verify(connection)
        assert found is not None
        assert found <= seq if column == "seq" else found == seq


@settings(max_examples=40, deadline=None)
@given(data=st.data(), count=st.integers(1, 6))
def test_any_row_that_is_gone_is_missed_even_the_last(ledger: Ledger, data: st.DataObject, count: int) -> None:
    """A book cut short: its newest link is kept a second time."""
    with taken_back(ledger) as connection:
        book(connection, count)
        gone = data.draw(st.integers(1, count))
        connection.execute(delete(AUDIT).where(AUDIT.c.seq == gone))
        assert audits.verify(connection) == gone


def test_a_last_row_written_anew_with_a_right_hash_is_found(ledger: Ledger) -> None:
    """Who knows the formula can forge a row, and is found by the link kept beside the book."""
    with taken_back(ledger) as connection:
        book(connection, 4)
        last = audits.read(connection)[-1]
        forged = audits.link(4, last.at_ms, "cb-x", last.act, "{}", last.prev)
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 4).values(by="cb-x", facts="{}", hash=forged))
        assert audits.verify(connection) == 4


def test_an_act_added_behind_the_hubs_back_is_found(ledger: Ledger) -> None:
    """A forged row, rightly linked, that the hub did not write."""
    with taken_back(ledger) as connection:
        book(connection, 2)
        prev = audits.head(connection)[1]
        own = audits.link(3, 5, "cb-x", "enrol", "{}", prev)
        row = {"seq": 3, "at_ms": 5, "by": "cb-x", "act": "enrol", "facts": "{}", "prev": prev, "hash": own}
        connection.execute(AUDIT.insert().values(**row))
        assert audits.verify(connection) in (3, 4)
        put_value(connection, audits.HEAD, None)
        assert audits.verify(connection) == 4


def test_a_long_book_is_verified_page_by_page(ledger: Ledger) -> None:
    """More rows than are fetched at a time."""
    with taken_back(ledger) as connection:
        book(connection, 2_005)
        assert audits.verify(connection) is None
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 1_500).values(act="hush"))
        assert audits.verify(connection) == 1_500


@pytest.mark.parametrize("facts", [{"password": "x"}, {"a": {"PIN": "1"}}, {"a": [{"secret": 1}]}])
def test_a_secret_is_refused(ledger: Ledger, facts: dict[str, Any]) -> None:
    """P12: what is in the book stays in it."""
    with taken_back(ledger) as connection:
        with pytest.raises(ValueError, match="secret"):
            audits.write(connection, "cb-1", "x", facts, 1)
        assert audits.read(connection) == []


@pytest.mark.parametrize("facts", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_facts_that_are_no_json_are_refused_before_anything_is_written(ledger: Ledger, facts: dict[str, Any]) -> None:
    """A bad input gets an error and nothing is lost."""
    with taken_back(ledger) as connection:
        with pytest.raises((TypeError, ValueError)):
            audits.write(connection, "cb-1", "x", facts, 1)
        assert audits.read(connection) == []


def test_pages_of_the_book_forwards_and_backwards(ledger: Ledger) -> None:
    """Both ways of leafing, and one person's acts."""
    with taken_back(ledger) as connection:
        book(connection, 5)
        assert [row.seq for row in audits.read(connection, 2, 2)] == [3, 4]
        assert [row.seq for row in audits.newest(connection, None, 2)] == [5, 4]
        assert [row.seq for row in audits.newest(connection, 4, 2)] == [3, 2]
        first = audits.by_one(connection, "cb-0")
        assert first == [Audit(1, 1_000, "cb-0", "sign_in", {"n": 0, "tên": "kẻng"}, "0" * 64, first[0].hash)]


def test_a_row_somebody_made_unreadable_is_shown_as_it_is(ledger: Ledger) -> None:
    """The book's page opens all the same."""
    with taken_back(ledger) as connection:
        book(connection, 1)
        connection.execute(update(AUDIT).values(facts="{"))
        assert [row.facts for row in audits.read(connection)] == [{"unreadable": "{"}]
        assert audits.verify(connection) == 1


def race(ledgers: list[Ledger], each: int) -> None:
    """Several write at once, each in transactions of their own, some of which fail."""
    start, wrong = threading.Barrier(len(ledgers)), list[BaseException]()

    def write(ledger: Ledger, me: int) -> None:
        start.wait(20)
        for n in range(each):
            try:
                with ledger.write() as connection:
                    audits.write(connection, f"w{me}", "act", {"n": n}, n)
                    if n % 5 == 4:
                        raise KeyError
            except KeyError:
                pass
            except Exception as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=write, args=(ledger, n)) for n, ledger in enumerate(ledgers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_writers_at_the_same_time_never_fork_the_chain_on_sqlite(tmp_path: Path) -> None:
    """Two processes have one file: each has a ledger of its own."""
    url = sqlite_url(tmp_path / "ledger.sqlite")
    ledgers = [Ledger(url), Ledger(url), Ledger(url)]
    race(ledgers, 20)
    with ledgers[0].read() as connection:
        assert (audits.verify(connection), audits.head(connection)[0]) == (None, 48)
    for ledger in ledgers:
        ledger.close()


def test_writers_at_the_same_time_never_fork_the_chain_on_postgresql(postgres_url: str) -> None:
    """Several hub workers on one PostgreSQL: the lock is held until the transaction ends, committed or not."""
    ledgers = [Ledger(postgres_url), Ledger(postgres_url), Ledger(postgres_url), Ledger(postgres_url)]
    race(ledgers, 40)
    with ledgers[0].read() as connection:
        assert (audits.verify(connection), audits.head(connection)[0]) == (None, 128)
    for ledger in ledgers:
        ledger.close()
