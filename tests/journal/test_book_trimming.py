"""Bounded growth with the chain kept provable: archived first, deleted after (R41, P7)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from kengd.duty.words import Instant, Stamped
from kengd.journal import archive, trimming
from kengd.journal.batch import Batch, KeptMark, SeenCommand
from kengd.journal.book import Book, OpenedBook
from kengd.journal.faults import BookBroken
from kengd.journal.proof import prove, whole_book
from kengd.wire.entry import verify_chain

Record = Callable[..., Stamped]
Open = Callable[..., OpenedBook]
NOW = Instant(1, 1_796_137_200_000)


@pytest.fixture
def long_book(open_book: Open, record: Record) -> Book:
    """4,001 entries; one ring at the very beginning is still open."""
    book = open_book().book
    book.write(Batch([record(1, "ringing", activation="old"), *(record(n) for n in range(2, 4_001))]))
    return book


def tidy_all(book: Book, keep: int) -> int:
    gone = 0
    while went := book.tidy(NOW, keep_entries=keep):
        gone += went
    return gone


def test_what_was_trimmed_is_in_the_archive_and_all_still_verifies(
    long_book: Book, record: Record, open_book: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several archives, the anchor and the book prove one another; new entries go on; a restart finds everything."""
    monkeypatch.setattr(trimming, "CHUNK", 400)
    path = tmp_path / "book" / "book.db"
    everything = long_book.entries(0, 10_000)
    assert tidy_all(long_book, 2_500) == 1_501
    assert long_book.entries(0, 10_000) == everything[1_501:]
    assert list(whole_book(path)) == everything
    proof = prove(path)
    assert (proof.wrong, proof.first, proof.archived) == (None, 1, 1_501)
    assert len(list((tmp_path / "book" / "archive").iterdir())) == 4
    book = open_book().book
    assert [entry.activation for entry in book.open_activations()] == []
    book.write(Batch([record(4_001)]))
    assert verify_chain(book.entries(0, 10_000), everything[1_500].hash, 1_502) is None
    assert prove(path).wrong is None


def test_an_archive_that_was_changed_or_lost_is_found(
    long_book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: verify looks into the archives as well."""
    monkeypatch.setattr(trimming, "CHUNK", 500)
    tidy_all(long_book, 2_501)
    path = tmp_path / "book" / "book.db"
    first, second, third = sorted((tmp_path / "book" / "archive").iterdir())
    good = second.read_bytes()
    lines = gzip.decompress(good).replace(b'"seq":700', b'"seq":700 ')
    assert prove(path).wrong is None

    second.write_bytes(gzip.compress(lines.replace(b"boot", b"b00t").replace(b'"refused"', b'"missed"', 1)))
    assert prove(path).wrong == 501
    second.write_bytes(good[: len(good) // 2])
    assert 501 <= (prove(path).wrong or 0) <= 1_000
    second.unlink()
    assert prove(path).wrong == 501
    second.write_bytes(good)
    third_bytes = third.read_bytes()
    third.unlink()
    assert prove(path).wrong == 1_001
    third.write_bytes(third_bytes)
    first.unlink()
    proof = prove(path)
    assert (proof.wrong, proof.first) == (None, 501)


def test_what_the_hub_has_not_got_stays_until_there_is_twice_too_much(long_book: Book) -> None:
    """P8: entries wait for the hub, but not for ever."""
    assert long_book.tidy(NOW, keep_entries=2_500, sent_seq=300) == 300
    assert long_book.tidy(NOW, keep_entries=2_500, sent_seq=300) == 0
    assert long_book.tidy(NOW, keep_entries=1_500, sent_seq=300) == 701
    assert long_book.entries(0, 1)[0].seq == 1_002


def test_old_entries_go_by_age_but_the_newest_thousand_stay(long_book: Book) -> None:
    """A clock that jumped by decades cannot empty the book."""
    assert long_book.tidy(Instant(1, NOW.wall_ms + 86_400_000), keep_days=5) == 0
    far = Instant(1, NOW.wall_ms + 50 * 366 * 86_400_000)
    assert long_book.tidy(far) == 3_001
    assert long_book.tidy(far) == 0
    assert len(long_book.entries(0, 10_000)) == 1_000


def test_commands_and_marks_past_their_time_go(open_book: Open) -> None:
    """R2: ids are kept until the later of exp and 7 days, then forgotten; the ledger keeps 400 days."""
    book = open_book().book
    now_s = NOW.wall_ms // 1000
    kept, gone = SeenCommand("jti-1", bytes(32), now_s), SeenCommand("jti-2", bytes(32), now_s - 1)
    marks = [KeptMark("1", "2025-10-01", "rung"), KeptMark("1", "2026-11-30", "rung")]
    book.write(Batch(seen=[kept, gone], ledger=marks))
    assert book.tidy(NOW) == 0
    assert (book.seen(), book.ledger()) == ([kept], marks[1:])


def test_a_power_cut_between_archive_and_deletion_loses_nothing(
    long_book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is on disk first; what it holds too much is made again at the next try."""
    path = tmp_path / "book" / "book.db"
    everything = long_book.entries(0, 10_000)

    def cut(*_: object) -> int:
        raise OSError("power")

    with monkeypatch.context() as power:
        power.setattr("kengd.journal.pen.Pen.forget", cut)
        with pytest.raises(BookBroken):
            long_book.tidy(NOW, keep_entries=3_000)
    assert prove(path).wrong is None
    assert list(whole_book(path)) == everything
    long_book.tidy(NOW, keep_entries=2_000)
    assert prove(path).wrong is None
    assert list(whole_book(path)) == everything
    assert [p.name[17:] for p in (tmp_path / "book" / "archive").iterdir()] == ["000000001-000002001.jsonl.gz"]


def test_the_number_of_archives_has_a_bound(long_book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R41: the oldest archive goes when there are too many; verify then begins where the archives begin."""
    monkeypatch.setattr(trimming, "CHUNK", 300)
    monkeypatch.setattr(archive, "MOST_ARCHIVES", 3)
    tidy_all(long_book, 1_000)
    proof = prove(tmp_path / "book" / "book.db")
    assert len(list((tmp_path / "book" / "archive").iterdir())) == 3
    assert (proof.wrong, proof.first, proof.archived) == (None, 2_401, 601)
