"""`kengd hub report` at the shell: the same reports as the desk's, while the service runs, on both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from kengd import clock
from kengd.__main__ import main
from kengd.hub.founding import SETTINGS_OF, Wish, found
from kengd.hub.ledger import merging, rosters, values
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from kengd.hub.roster import Post, Village
from kengd.hub.settings import load_hub
from kengd.settings.find import EXAMPLE
from kengd.wire.entry import FIRST_PREV, chain_hash, format_at
from tests.hub.authority_kit import NOW_MS
from tests.hub.spine_kit import chained, said

YEAR = clock.local(NOW_MS).year - 1
RINGS = {"an-lao": ("02-01T22:00:00", "11-05T02:11:30"), "bo-trang": ("10-01T00:00:00", "11-30T23:59:58")}


def local_ms(text: str) -> int:
    return clock.unix_ms(datetime.fromisoformat(f"{YEAR}-{text}").replace(tzinfo=clock.zone()))


class Shell:
    """A hub with two posts that rang four times last year, and somebody at its keyboard in a directory of their own."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str], database: str | None) -> None:
        self.directory, self._capsys, self.config = directory, capsys, directory / "hub.toml"
        wish = Wish("cong-lac", "Xã Cộng Lạc", ("127.0.0.1",), directory / "state", database_url=database)
        found(wish, self.config, NOW_MS)
        self.settings = load_hub(str(self.config))
        ledger = Ledger(self.settings.database_url)
        with ledger.write() as connection:
            rosters.put_village(connection, Village("an-lao", "Thôn An Lão", 120))
            rosters.put_village(connection, Village("bo-trang", "Thôn Bồ Tràng", 80), 1)
            page = "http://10.0.0.5:8080/vi-sao"
            rosters.put_post(connection, Post("an-lao", "Điểm An Lão", ("an-lao",), page=page, enrolled_ms=1))
            rosters.put_post(connection, Post("bo-trang", "Điểm Bồ Tràng", ("bo-trang",), enrolled_ms=1))
            settings = EXAMPLE.read_text("utf-8").replace('"22:00"', '"21:40"')
            values.put_value(connection, f"{SETTINGS_OF}an-lao", settings)
        for post, times in RINGS.items():
            lines = [
                said(kind, activation=f"a-{number}", signal="alarm", purpose="actual", source="button")
                for number in range(len(times)) for kind in ("ringing", "finished")
            ]  # fmt: skip
            prev, heard = FIRST_PREV, []
            for seq, entry in enumerate(chained(lines)):
                at_ms = local_ms(times[seq // 2]) + seq % 2 * 5_000
                entry = replace(entry, at=format_at(at_ms), prev=prev)
                entry = replace(entry, hash=chain_hash(prev, entry))
                prev = entry.hash
                heard.append(Heard(post, entry, at_ms))
            with ledger.write() as connection:
                merging.merge(connection, heard, NOW_MS)
        ledger.close()

    def __call__(self, *words: str) -> tuple[int, str]:
        code = main(["--config", str(self.config), "hub", "report", *words])
        printed = self._capsys.readouterr()
        return code, printed.out + printed.err

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A service that is writing all the time: nobody else could, on SQLite."""
        if self.settings.database.url is not None:
            yield
            return
        connection = sqlite3.connect(self.settings.state / "ledger.sqlite", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def shell(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys, request.getfixturevalue("postgres_url") if request.param == "postgresql" else None)


def test_a_report_of_any_period_and_villages_is_written_while_the_service_runs(shell: Shell) -> None:
    """Month, quarter, year; all villages or some, by name or id; a workbook with each ring, or a page. It takes no keys."""
    shell.settings.authority.rename(shell.directory / "elsewhere")
    with shell.busy():
        for words, name, rings in (
            ((f"{YEAR}-11",), f"bao-cao-keng-{YEAR}-11.xlsx", 2),
            ((f"{YEAR}-Q4", "--out", "quy.XLSX"), "quy.XLSX", 3),
            ((f"{YEAR}", "--out", "nam.xlsx"), "nam.xlsx", 4),
            ((f"{YEAR}", "--villages", "Thôn Bồ Tràng", "--out", "b.xlsx"), "b.xlsx", 2),
            ((f"{YEAR}", "--villages", "bo-trang, an-lao", "--out", "c.xlsx"), "c.xlsx", 4),
        ):
            code, told = shell(*words)
            assert code == 0 and f"Đã ghi {name}" in told and f"{rings} lần đánh kẻng" in told, told
            sheet = load_workbook(shell.directory / name)["Lần đánh kẻng"]
            assert sheet.max_row == 1 + rings, name
        code, told = shell(
            f"{YEAR}-11", "--villages", "an-lao", "--out", "t.html", "--superior", "CÔNG AN <TỈNH>", "--number", "12/BC"
        )
    page = (shell.directory / "t.html").read_text("utf-8")
    assert code == 0 and f"tháng 11 năm {YEAR}, 1 thôn, 1 lần đánh kẻng" in told
    assert (
        "CÔNG AN XÃ" in page and "CÔNG AN &lt;TỈNH&gt;" in page and "12/BC" in page and f"tháng 11 năm {YEAR}" in page
    )
    assert "Điểm An Lão" in page and "Điểm Bồ Tràng" not in page


def test_a_report_that_cannot_be_made_says_why_and_writes_nothing(shell: Shell) -> None:
    """A code, a sentence, a cure in Vietnamese; a report that was there stays."""
    (shell.directory / "old.xlsx").write_bytes(b"old")
    year, out = str(YEAR), ("--out", "old.xlsx")
    for words, code, vi in (
        ((), "usage", "phải ghi kỳ báo cáo"),
        ((year, "--rules", "an-lao"), "usage", "chỉ một trong hai"),
        (("mai", *out), "bad_period", "không đọc được kỳ báo cáo: “mai”"),
        ((f"{year}-13", *out), "bad_period", "tháng 13"),
        ((f"{year}-Q5", *out), "bad_period", f"“{year}-Q5”"),
        ((f"{YEAR + 2}", *out), "bad_period", "chưa tới"),
        ((year, "--villages", "Thôn Bồ Tràng,Xa", *out), "unknown_village", "không có thôn “Xa”"),
        ((year, "--villages", "Xa", *out), "unknown_village", "các thôn đang có: Thôn An Lão, Thôn Bồ Tràng"),
        ((year, "--villages", " , ", *out), "unknown_village", "không nêu thôn nào"),
        ((year, "--out", "x.pdf"), "usage", "đuôi .xlsx hoặc .html"),
        ((year, "--out", "none/x.xlsx"), "cannot_write", "none/x.xlsx"),
        ((year, "--superior", "a\nb", *out), "usage", "--superior"),
        (("--rules", "khong-co"), "unknown_post", "không có điểm kẻng"),
        (("--rules", "bo-trang"), "no_page", "mã QR"),
        (("--rules", "an-lao", "--out", "x.xlsx"), "usage", "đuôi .html"),
        (("--rules", "an-lao", "--phone", "<b>"), "usage", "số điện thoại"),
        (("--rules", "an-lao", "--villages", "an-lao"), "usage", "chỉ dùng cho báo cáo"),
    ):
        done, told = shell(*words)
        assert done in (1, 2) and f"[{code}]" in told and vi in told, (words, told)
    assert (shell.directory / "old.xlsx").read_bytes() == b"old"
    assert sorted(path.name for path in shell.directory.iterdir()) == ["hub.toml", "old.xlsx", "state"]


def test_the_rules_sheet_is_printed_from_the_posts_own_settings(shell: Shell) -> None:
    """Nội quy sử dụng kẻng: the hours it was given, and the phone of the police."""
    with shell.busy():
        code, told = shell("--rules", "an-lao", "--phone", "0220 3 123 456")
    page = (shell.directory / "noi-quy-keng-an-lao.html").read_text("utf-8")
    assert code == 0 and "noi-quy-keng-an-lao.html" in told
    assert "NỘI QUY SỬ DỤNG" in page and "21:40" in page and "0220 3 123 456" in page and "Thôn An Lão" in page
