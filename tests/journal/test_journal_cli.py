"""`kengd journal show | export | verify`: reads only, harmless for terminals and spreadsheets, exit codes of section 8."""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kengd.cli import journal
from kengd.duty.words import Purpose, Source, Stamped
from kengd.errors import KengdError
from kengd.journal.batch import Batch
from kengd.journal.book import Book, OpenedBook
from kengd.wire.entry import KEYS, from_json, to_json, verify_chain

Say = Callable[..., int]


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """say("show", "--last", "3"): the command with settings whose state_dir is tmp_path."""
    settings = tmp_path / "kengd.toml"
    settings.write_text(f'state_dir = "{tmp_path}"\n')
    parser = argparse.ArgumentParser()
    journal.add_parser(parser.add_subparsers(dest="command"))

    def run(*words: str) -> int:
        args = parser.parse_args(["journal", *words])
        args.config = str(settings)
        return journal.run(args)

    return run


@pytest.fixture
def book(open_book: Callable[..., OpenedBook], record: Callable[..., Stamped]) -> Book:
    """An alarm with a name that would like to be an instruction."""
    book = open_book().book
    ring: dict[str, Any] = {
        "signal": "alarm", "purpose": Purpose.DRILL, "source": Source.HUB, "place": "nhà văn hóa", "activation": "a" * 16,
        "by": "=HYPERLINK(\"http://x\")\x1b[2J\u202e\r\n", "command_id": "jti-1",
    }  # fmt: skip
    book.write(
        Batch(
            [
                record(1, "ringing", **ring),
                record(2, "cut", **ring, reason="hushed"),
                record(3, reason="expired", by="-1+1"),
            ]
        )
    )
    return book


def files(folder: Path) -> dict[str, bytes]:
    """Everything on disk but the shared index, which every reader of a live book touches."""
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.endswith("-shm")}


@pytest.mark.parametrize("living", [True, False])
def test_looking_changes_nothing_and_creates_nothing(
    book: Book, say: Say, tmp_path: Path, living: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading only, while the daemon runs and when it does not."""
    if not living:
        book.close()
    before = files(tmp_path)
    assert [say("show"), say("export"), say("verify")] == [0, 0, 0]
    assert files(tmp_path) == before
    assert "nguyên vẹn" in capsys.readouterr().out


def test_a_book_left_by_a_power_cut_is_read_without_touching_it(
    book: Book, say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """-wal without -shm, as on a card that was pulled: all entries are there, and no file is made."""
    pulled = tmp_path / "pulled"
    pulled.mkdir()
    for name in ("book.db", "book.db-wal"):
        shutil.copy(tmp_path / "book" / name, pulled / name)
    book.close()
    shutil.rmtree(tmp_path / "book")
    pulled.rename(tmp_path / "book")
    before = files(tmp_path)
    assert say("verify") == 0
    assert "mục 1 đến 4" in capsys.readouterr().out
    assert files(tmp_path) == before


def test_the_table_is_vietnamese_local_and_harmless(book: Book, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    """Asia/Ho_Chi_Minh, kinds and reasons in words; nothing a terminal would obey."""
    assert say("show", "--last", "3") == 0
    title, ringing, cut, refused = capsys.readouterr().out.splitlines()
    assert title.split("  ")[0] == "MỤC"
    assert "01/12/2026 22:00:00" in ringing and "đánh kẻng" in ringing and "báo động (diễn tập)" in ringing
    assert "Công an xã" in ringing and "nhà văn hóa" in ringing and '=HYPERLINK("http://x")[2J' in ringing
    assert "bị ngắt" in cut and "có người dừng" in cut
    assert "từ chối" in refused and "lệnh đã quá hạn" in refused
    assert not any(ord(c) < 32 or c == "\u202e" for line in (title, ringing, cut, refused) for c in line)


def test_json_lines_are_entries_that_verify(book: Book, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    """Section 8: entries as in section 7, one a line."""
    for words in (["show", "--json"], ["export"], ["export", "--json"]):
        assert say(*words) == 0
        lines = capsys.readouterr().out.splitlines()
        entries = [from_json(line) for line in lines]
        assert entries == book.entries(0, 10) and verify_chain(entries) is None
        assert sorted(json.loads(lines[0])) == sorted(KEYS)


def test_json_on_a_terminal_says_the_same_with_escapes(book: Book) -> None:
    """A terminal gets \\u202e as six letters; what is read from it is the same entry."""
    line = journal._json_for_terminal(book.entries(1, 1)[0])
    assert "\u202e" in to_json(book.entries(1, 1)[0]) and "\u202e" not in line
    assert from_json(line) == book.entries(1, 1)[0]


def test_no_cell_of_the_csv_is_a_formula(book: Book, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that begins with = + - @ is text in a spreadsheet."""
    assert say("show", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["by"] for row in rows] == ["", '\'=HYPERLINK("http://x")[2J', '\'=HYPERLINK("http://x")[2J', "'-1+1"]
    assert list(rows[0]) == list(KEYS) and [row["seq"] for row in rows] == ["1", "2", "3", "4"]


def test_an_export_to_a_file_is_whole_and_private(book: Book, say: Say, tmp_path: Path) -> None:
    """Written beside and renamed; 0600; CSV with the mark that makes a spreadsheet read Vietnamese."""
    target = tmp_path / "so.csv"
    target.write_text("old")
    assert say("export", "--csv", "--out", str(target)) == 0
    assert target.read_bytes().startswith(b"\xef\xbb\xbfbook,seq,at") and target.stat().st_mode & 0o777 == 0o600
    assert say("export", "--out", str(tmp_path / "so.jsonl")) == 0
    assert [from_json(line) for line in (tmp_path / "so.jsonl").read_text().splitlines()] == book.entries(0, 10)
    with pytest.raises(KengdError) as told:
        say("export", "--out", str(tmp_path / "nowhere" / "x"))
    assert told.value.code == "cannot_write"
    assert not list(tmp_path.glob(".so*"))


def test_verify_names_the_first_wrong_entry(
    book: Book, say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 and the first wrong seq."""
    book.close()
    with sqlite3.connect(tmp_path / "book" / "book.db") as hand:
        hand.execute("UPDATE entry SET reason = 'finished' WHERE seq = 3")
    hand.close()
    assert say("verify") == 1
    assert "HỎNG từ mục 3" in capsys.readouterr().err


def test_a_book_that_is_missing_or_no_book_is_an_error_with_a_cure(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, a Vietnamese sentence, and no file made by looking for one."""
    for words in (["verify"], ["show"], ["export"]):
        with pytest.raises(KengdError) as told:
            say(*words)
        assert (told.value.code, told.value.exit_code) == ("book_missing", 1) and told.value.cure
    assert not (tmp_path / "book").exists()
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "book.db").write_bytes(b"no book" * 1_000)
    assert say("verify") == 1
    with pytest.raises(KengdError) as told:
        say("show")
    assert told.value.code == "book_broken"
    (tmp_path / "book" / "book.db").write_bytes(b"")
    assert say("verify") == 1
    assert "HỎNG" in capsys.readouterr().err


def test_looking_needs_neither_the_orm_nor_pydantic() -> None:
    """On a small Pi the ORM alone takes seconds: the command line reads without it."""
    import subprocess
    import sys

    code = (
        "import sys, kengd.cli.journal; print([m for m in ('sqlmodel', 'sqlalchemy', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
