"""A book that takes the place of another one of the same post is told to the officer until somebody knows why (P8)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kengd.clock import local
from kengd.hub.chains import Follows
from kengd.hub.enrolling import EnrolWish
from kengd.hub.ledger import audits, successions
from kengd.hub.ledger.merging import Heard, all_chains, merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.service import wall_ms
from kengd.wire.entry import Entry
from tests.hub.desk_kit import Station, acts, station
from tests.hub.spine_kit import chained, said, true_book

NEW = "c" * 16
OLD = "b" * 16


@pytest.fixture
def hub(tmp_path: Path) -> Station:
    """The post of An Lão has four entries in its book."""
    made = station(tmp_path)
    for n in range(4):
        made.hears("an-lao", "condition_raised" if n else "started", reason="mains_lost" if n else "new")
    return made


def begins(hub: Station, reason: str = "new", book: str = NEW, at_ms: int | None = None) -> list[Entry]:
    """Another book of the post comes in."""
    entries = chained([said("started", reason=reason), said("stopped")], book=book)
    heard_ms = wall_ms() if at_ms is None else at_ms
    assert hub.hub.ingest._write([Heard("an-lao", entry, heard_ms) for entry in entries])
    return entries


def told(hub: Station) -> list[dict[str, Any]]:
    """What the board says of books."""
    found: list[dict[str, Any]] = hub.admin.get("/api/desk").json()["conditions"]["books"]
    return found


def enrolled(hub: Station, **more: Any) -> None:
    """The post gets a new file, now."""

    def line(connection: Any, act: str, facts: Any) -> None:
        audits.write(connection, "shell:test", act, facts, wall_ms())

    hub.app.state.desk.enrolling.enrol(EnrolWish("an-lao", **more), line, wall_ms())


@pytest.mark.parametrize("reason", ["new", "unit_replaced", "book_set_aside"])
def test_a_book_that_follows_another_one_is_a_condition_whatever_it_says_of_itself(hub: Station, reason: str) -> None:
    """P8: "a book that was replaced is seen": a thief who wipes the Pi writes what he likes into the new one."""
    assert told(hub) == []
    at_ms = wall_ms()
    begins(hub, reason, at_ms=at_ms)
    [book] = told(hub)
    assert (book["post"], book["book"], book["wrong_seq"], book["missing_from"]) == ("an-lao", NEW, None, None)
    assert book["follows"] == {"book": OLD, "seq": 4, "begun_ms": at_ms}
    since = local(at_ms).strftime("%H:%M %d/%m/%Y")
    assert book["follows_vi"] == f"sổ mới từ {since}, sổ trước dừng ở mục 4"
    books = hub.admin.get("/api/books").json()
    assert (books["whole"], [item["follows"] is None for item in books["books"]]) == (False, [True, False])
    for page in ("/so-keng", "/"):
        shown = hub.admin.get(page).text
        assert book["follows_vi"] in shown and "None" not in shown


def test_it_stays_until_a_chief_accepts_it_which_is_written_down(hub: Station) -> None:
    """Once, under a name; a later book is a condition again."""
    begins(hub)
    url = f"/api/books/an-lao/{NEW}/accept"
    duty, chief = hub.officer("binh"), hub.officer("chi", "chief")
    assert duty.post(url).json()["error"] == "not_allowed"
    assert hub.admin.post("/api/books/an-lao/khac/accept").status_code == 404
    assert len(told(hub)) == 1
    assert [f'data-post="{url}"' in who.get("/so-keng").text for who in (duty, chief)] == [False, True]
    assert [chief.post(url).json() for _ in range(2)] == [{"accepted": True}, {"accepted": False}]
    assert told(hub) == [] and hub.admin.get("/api/books").json()["whole"] is True
    [line] = [item for item in hub.admin.get("/api/audit").json()["audit"] if item["act"] == "book_accepted"]
    facts = {"post": "an-lao", "book": NEW, "follows": OLD, "seq": 4}
    assert (line["by_name"], line["facts"]) == ("Đồng chí chi", facts)
    assert acts(hub)[-1] == ("Đồng chí chi", "book_accepted")
    begins(hub, book="d" * 16)
    assert [(item["book"], item["follows"]["book"], item["follows"]["seq"]) for item in told(hub)] == [
        ("d" * 16, NEW, 2)
    ]


def test_a_swapped_pi_is_accepted_by_itself_and_only_its_own_book(hub: Station) -> None:
    """The post was enrolled anew after the last entry of the old book and before the first of the new one."""
    enrolled(hub)
    begins(hub, "unit_replaced")
    assert told(hub) == []
    begins(hub, book="d" * 16)
    assert [item["book"] for item in told(hub)] == ["d" * 16], "the file was given out for one unit"
    enrolled(hub)
    begins(hub, book="e" * 16)
    assert [item["book"] for item in told(hub)] == ["d" * 16], "each with a file of its own"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(lambda hub: (enrolled(hub), hub.hears("an-lao", "stopped")), id="the old unit went on after it"),
        pytest.param(lambda hub: enrolled(hub, keep_old=True), id="a renewal: the unit stayed"),
        pytest.param(lambda hub: None, id="nobody did anything"),
    ],
)
def test_what_is_no_swap_is_not_accepted_by_itself(hub: Station, before: Callable[[Station], object]) -> None:
    """A renewal, or a file that was given out while the old book went on, explains no new book."""
    before(hub)
    begins(hub)
    assert [item["book"] for item in told(hub)] == [NEW]


def test_enrolled_only_after_the_new_book_had_begun_explains_nothing(hub: Station) -> None:
    """A thief wiped it, then the commune made a new file for it: both are seen."""
    begins(hub)
    enrolled(hub)
    assert [item["book"] for item in told(hub)] == [NEW]


def test_posts_with_one_book_and_entries_laid_aside_are_no_succession(hub: Station) -> None:
    """An entry whose place was taken lies beside its book, not in another one."""
    other = chained([said("started", reason="new"), said("stopped")], book=OLD)
    assert hub.hub.ingest._write([Heard("an-lao", other[1], wall_ms())])
    with hub.hub.ledger.read() as connection:
        assert [(chain.book, chain.wrong) for chain in all_chains(connection)] == [(OLD, "rewritten")]
    assert [item["follows"] for item in told(hub)] == [None]


def test_books_are_put_in_order_by_when_they_were_heard_in_either_database(ledger: Ledger) -> None:
    """Each post by itself; what came before ended with the newest entry of all books before."""
    places = [("dong", "m", 100), ("tay", "x", 150), ("dong", "a", 200), ("dong", "z", 300), ("dong", "m", 250)]
    with ledger.write() as connection:
        for post, book, at_ms in places:
            length = 3 if at_ms == 250 else 2
            merge(connection, [Heard(post, entry, at_ms) for entry in true_book(length, book=book)], at_ms)
        found = successions.followers(connection)
        assert found == {("dong", "a"): Follows("m", 3, 200), ("dong", "z"): Follows("a", 2, 300)}
        assert [chain.book for chain in successions.every_chain(connection)] == ["m", "a", "z", "x"]
        successions.unit_swapped(connection, "dong", 249)
        assert successions.followers(connection) == found, "the old book went on"
        successions.unit_swapped(connection, "dong", 275)
        assert list(successions.followers(connection)) == [("dong", "a")]
        assert [successions.accept(connection, "dong", "a", "binh") for _ in range(2)] == [True, False]
        assert successions.followers(connection) == {}
