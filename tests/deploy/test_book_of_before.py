"""Upgrade and roll-back take the duty book along: nothing is lost, and no entry ever has two contents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.duty.words import Draft, EntryKind, Instant, Stamped
from kengd.errors import KengdError
from kengd.journal import schema
from kengd.journal.batch import Batch, SeenCommand
from kengd.journal.book import Book, OpenedBook
from kengd.journal.copying import FILE, Since, bring_back, copy_book, since
from kengd.journal.proof import prove, whole_book
from kengd.journal.trying import try_book
from kengd.wire.entry import Entry

POST = "thon-1"
NOW_MS = 1_790_000_000_000
SHA = bytes(32)


def opened(directory: Path) -> OpenedBook:
    """As the office opens it at a start of its own boot."""
    return Book.open(directory, post=POST, now=Instant(1, NOW_MS), boot="boot")


def started(book: Book, n: int, version: str = "1") -> None:
    """`n` entries, as starts of this version."""
    drafts = [Draft(EntryKind.STARTED, detail={"version": version}) for _ in range(n)]
    book.write(Batch([Stamped(0, "boot", 1, NOW_MS, "ntp", draft) for draft in drafts]))


def entries(path: Path) -> list[Entry]:
    """The whole book, proved on the way."""
    return list(whole_book(path))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A closed book of five entries, in a directory of its own."""
    directory = tmp_path / "book"
    found = opened(directory).book
    started(found, 4)
    found.close()
    return directory / FILE


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Inside: a release whose book has one shape more."""
    with monkeypatch.context() as patch:
        patch.setattr(
            schema, "_STEPS", {**schema._STEPS, schema.NEWEST: ("CREATE TABLE later (n INTEGER PRIMARY KEY)",)}
        )
        patch.setattr(schema, "NEWEST", schema.NEWEST + 1)
        yield patch


def test_a_copy_of_a_book_in_use_is_one_whole_moment(tmp_path: Path) -> None:
    """The office writes on while the copy is made; what was committed before is in it, provable, in one file for its owner alone."""
    living = opened(tmp_path / "book").book
    started(living, 30)
    copy_book(tmp_path / "book" / FILE, tmp_path / "before" / FILE)
    started(living, 5)
    assert [entry.seq for entry in entries(tmp_path / "before" / FILE)] == list(range(1, 32))
    assert sorted(path.name for path in (tmp_path / "before").iterdir()) == [FILE]
    assert (tmp_path / "before" / FILE).stat().st_mode & 0o777 == 0o600
    living.close()


def test_a_copy_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    """No book, and a file that is none: a sentence each, and no half of a copy."""
    (tmp_path / "rotten.db").write_bytes(b"rotten" * 1000)
    for source in ("missing.db", "rotten.db"):
        with pytest.raises(KengdError):
            copy_book(tmp_path / source, tmp_path / "before" / FILE)
    assert list((tmp_path / "before").iterdir()) == []


def test_a_release_goes_on_with_a_book_of_its_own_shape(book: Path, tmp_path: Path) -> None:
    """Tried on a copy: the real one has not a byte more afterwards."""
    before = book.read_bytes()
    (tmp_path / "trial").mkdir()
    tried = try_book(book, tmp_path / "trial", Instant(1, NOW_MS))
    assert (tried.goes_on, tried.whole, tried.entries) == (True, True, 5)
    assert book.read_bytes() == before and sorted(path.name for path in book.parent.iterdir()) == [FILE]


def test_a_release_says_when_it_would_set_the_book_aside(book: Path, tmp_path: Path, newer: pytest.MonkeyPatch) -> None:
    """A book of a newer shape, asked of the release of before: seen without touching the real one."""
    opened(book.parent).book.close()
    newer.undo()
    (tmp_path / "trial").mkdir()
    tried = try_book(book, tmp_path / "trial", Instant(1, NOW_MS))
    assert (tried.goes_on, tried.whole) == (False, True)
    assert prove(book).wrong is None


def test_a_book_that_was_broken_before_is_no_fault_of_the_new_release(book: Path, tmp_path: Path) -> None:
    """The chain does not hold and the running release lives with it: said, and no reason to refuse an upgrade."""
    connection = sqlite3.connect(book)
    connection.execute(
        "UPDATE value SET value = '5:' || (SELECT lower(hex(hash)) FROM head) || ':' WHERE key = '_proved'"
    )
    connection.execute("INSERT OR IGNORE INTO value SELECT '_proved', '5:' || lower(hex(hash)) || ':' FROM head")
    connection.execute("UPDATE entry SET reason = 'đã sửa' WHERE seq = 2")
    connection.commit()
    connection.close()
    (tmp_path / "trial").mkdir()
    tried = try_book(book, tmp_path / "trial", Instant(1, NOW_MS))
    assert (tried.goes_on, tried.whole) == (True, False)


def test_archives_count_in_the_trial(tmp_path: Path) -> None:
    """A trimmed book is proved together with its archives, which are only read."""
    directory = tmp_path / "book"
    found = opened(directory).book
    started(found, 1_500)
    later = Instant(1, NOW_MS + 40 * 366 * 86_400_000)
    while found.tidy(later, keep_entries=1_000, keep_days=30, sent_seq=1_501):
        pass
    found.close()
    archives = sorted((path.name, path.read_bytes()) for path in (directory / "archive").iterdir())
    assert archives
    (tmp_path / "trial").mkdir()
    assert try_book(directory / FILE, tmp_path / "trial", later).goes_on
    assert sorted((path.name, path.read_bytes()) for path in (directory / "archive").iterdir()) == archives


def test_what_came_since_the_upgrade_is_counted(book: Path, tmp_path: Path) -> None:
    """Entries since the copy, and how many the hub may not have."""
    copy = tmp_path / "before" / FILE
    copy_book(book, copy)
    assert since(book, copy) == Since("same", 0, 5)
    found = opened(book.parent).book
    started(found, 3)
    found.write(Batch(values={"outbox_cursor": f"{found.head().book}:6"}))
    found.close()
    assert since(book, copy) == Since("same", 3, 2)
    other = tmp_path / "other"
    opened(other).book.close()
    assert since(other / FILE, copy).new_entries is None


def test_a_book_that_was_reshaped_and_not_written_in_comes_back_under_its_own_name(
    book: Path, tmp_path: Path, newer: pytest.MonkeyPatch
) -> None:
    """The newer release migrated the book and failed before its first entry: the copy is the same book to the last hash, so it
    goes on; the reshaped one is kept beside it."""
    copy = tmp_path / "before" / FILE
    copy_book(book, copy)
    opened(book.parent).book.close()
    newer.undo()
    old = entries(copy)
    assert bring_back(book.parent, copy, NOW_MS) == Since("newer", 0, 5)
    again = opened(book.parent)
    assert again.fresh is None
    started(again.book, 1, "old")
    again.book.close()
    assert entries(book)[:5] == old and len(entries(book)) == 6
    assert len(list(book.parent.glob("book-aside-*.db"))) == 1


def test_a_book_that_was_written_in_is_set_aside_whole_and_a_new_one_names_it(
    book: Path, tmp_path: Path, newer: pytest.MonkeyPatch
) -> None:
    """The copy must not go on: its next entry would have the (book, seq) of one that the hub may have already (P8). What the newer
    book remembers of commands goes over (P5)."""
    copy = tmp_path / "before" / FILE
    copy_book(book, copy)
    found = opened(book.parent).book
    started(found, 2, "newer")
    found.write(Batch(seen=[SeenCommand("jti-since-the-upgrade", SHA, 2_000_000_000)]))
    found.close()
    newer.undo()
    assert bring_back(book.parent, copy, NOW_MS).new_entries == 2
    assert len(entries(book)) == 7  # nothing was touched
    back = opened(book.parent)
    started(back.book, 3, "old")
    assert back.fresh == "book_set_aside" and back.set_aside is not None
    assert [command.jti for command in back.book.seen()] == ["jti-since-the-upgrade"]
    back.book.close()
    aside, today, before = entries(back.set_aside), entries(book), entries(copy)
    assert aside[:5] == before and len(aside) == 7
    assert today[0].detail == {"set_aside": back.set_aside.name}
    contents: dict[tuple[str, int], str] = {}
    for entry in [*aside, *before, *today]:
        assert contents.setdefault((entry.book, entry.seq), entry.hash) == entry.hash


def test_with_the_same_shape_the_way_back_changes_nothing(book: Path, tmp_path: Path) -> None:
    """The usual roll-back: today's book goes on, with what was written since."""
    copy = tmp_path / "before" / FILE
    copy_book(book, copy)
    found = opened(book.parent).book
    started(found, 2)
    found.close()
    before = book.read_bytes()
    assert bring_back(book.parent, copy, NOW_MS) == Since("same", 2, 7)
    assert book.read_bytes() == before


def test_the_trial_of_the_book_answers_a_script(book: Path, tmp_path: Path, newer: pytest.MonkeyPatch) -> None:
    """Exit code 0 goes on, 3 would set it aside; `since` begins with one word."""
    from kengd.__main__ import main

    config = tmp_path / "kengd.toml"
    config.write_text(f"state_dir = {json.dumps(str(book.parent.parent))}\n")

    def trial(deed: str, place: str) -> int:
        (tmp_path / place).mkdir(exist_ok=True)
        return main(["--config", str(config), "trial", deed, "--dir", str(tmp_path / place)])

    assert [trial("keep", "kept"), trial("book", "one")] == [0, 0]
    opened(book.parent).book.close()
    newer.undo()
    assert trial("book", "two") == 3


def test_since_begins_with_the_word_for_the_script(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """rollback.sh reads the first line."""
    from kengd.__main__ import main

    config = tmp_path / "kengd.toml"
    config.write_text(f"state_dir = {json.dumps(str(book.parent.parent))}\n")
    for deed in ("keep", "since"):
        assert main(["--config", str(config), "trial", deed, "--dir", str(tmp_path / "kept")]) == 0
    assert capsys.readouterr().out.splitlines() == ["same", "0 mục ghi từ lúc nâng cấp; 5 mục có thể chưa gửi về xã"]
