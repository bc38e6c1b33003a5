"""What one process changes, the others are told: with the change itself, once, and soon; on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kengd.hub.feed import Feed
from kengd.hub.fellows import ALIVE_MS, BEAT_MS, HOLE_S, Fellows
from kengd.hub.incidents import Incident
from kengd.hub.ledger import changes, incidents, rosters
from kengd.hub.ledger.changes import KEPT_MS, Noted
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Village
from tests.hub.spine_kit import T0, Clock


class Worker:
    """A process: its ledger, and what it is told. `alone`: it has no fellows but the shell."""

    def __init__(self, url: str, name: str, clock: Clock, *, alone: bool = False) -> None:
        self.own: list[Noted] = []
        self.told: list[Noted] = []
        self.up, self.lost = True, 0
        self.ledger = Ledger(url, tells=not alone, on_noted=self.own.extend)
        self.fellows = Fellows(
            self.ledger, None if alone else name, lambda: self.up, self._heard, self._lose, clock
        )  # fmt: skip
        self.fellows.turn()

    def _heard(self, noted: Sequence[Noted]) -> None:
        self.told += noted

    def _lose(self) -> None:
        self.lost += 1

    def village(self, name: str) -> None:
        with self.ledger.write() as connection:
            rosters.put_village(connection, Village(name, name))

    def looks(self) -> list[dict[str, Any]]:
        """What it is told now."""
        self.told.clear()
        self.fellows.turn()
        return [{"topic": each.topic, **each.data} for each in self.told]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(ledger_url: str, clock: Clock) -> Iterator[tuple[Worker, Worker]]:
    """Two of them on one ledger."""
    workers = Worker(ledger_url, "hub-1", clock), Worker(ledger_url, "hub-2", clock)
    yield workers
    for worker in workers:
        worker.ledger.close()


def test_a_change_is_told_to_the_other_once_and_to_oneself_at_once(pair: tuple[Worker, Worker]) -> None:
    """Several changes of one transaction come together, the same one twice is one."""
    first, second = pair
    with first.ledger.write() as connection:
        incidents.add(connection, Incident("call-1", "call", T0, text="có người lạ"))
        for _ in range(2):
            rosters.put_village(connection, Village("thon-1", "Thôn 1"))
        assert first.own == []
    assert first.own == [Noted("incident", {"incident": "call-1"}), Noted("hub", {"roster": True})]
    assert second.looks() == [{"topic": "incident", "incident": "call-1"}, {"topic": "hub", "roster": True}]
    assert (first.looks(), second.looks()) == ([], [])


def test_what_was_rolled_back_is_told_to_nobody(pair: tuple[Worker, Worker]) -> None:
    """And what a worker changed that died right after its commit is: it stands in the same transaction."""
    first, second = pair
    with pytest.raises(RuntimeError), first.ledger.write() as connection:
        rosters.put_village(connection, Village("thon-1", "Thôn 1"))
        raise RuntimeError
    assert (first.own, second.looks()) == ([], [])


def test_a_lone_hub_writes_no_notes_and_hears_the_shell(ledger_url: str, clock: Clock) -> None:
    """A card is not written for nothing; `kengd hub enrol` beside the service is seen at once."""
    hub, shell = Worker(ledger_url, "hub-1", clock, alone=True), Worker(ledger_url, "hub-2", clock)
    hub.village("thon-1")
    assert ([each.topic for each in hub.own], shell.looks()) == (["hub"], [])
    shell.village("thon-2")
    assert hub.looks() == [{"topic": "hub", "roster": True}]
    for worker in (hub, shell):
        worker.ledger.close()


def test_old_notes_are_struck_and_whoever_missed_them_looks_at_everything_anew(
    pair: tuple[Worker, Worker], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers go on behind the last one, which stays; a worker that slept for longer than they are kept knows it."""
    first, second = pair
    second.village("thon-1")
    assert (len(first.looks()), second.looks()) == (1, [])
    monkeypatch.setattr("kengd.hub.ledger.store.clock.now", lambda: type("Now", (), {"wall_ms": clock()}))
    for number in range(3):
        first.village(f"thon-{number}")
    clock.now_ms += KEPT_MS + 60_000
    first.village("thon-9")
    first.looks()
    with first.ledger.read() as connection:
        kept = changes.after(connection, 0)
        assert [change.n for change in kept] == [changes.newest(connection)]
    assert (second.lost, first.lost) == (0, 0)
    assert second.looks() == [{"topic": "hub", "roster": True}]
    assert (second.lost, first.lost) == (1, 0)


def test_a_transaction_that_ends_after_one_with_a_higher_number_is_told_too(postgres_url: str, clock: Clock) -> None:
    """PostgreSQL numbers rows when they are written, not when they are committed; one that was rolled back is not waited for."""
    writer, reader = Worker(postgres_url, "hub-1", clock), Worker(postgres_url, "hub-2", clock)
    with writer.ledger.engine.connect() as slow, slow.begin():
        changes.keep(slow, "another", [Noted("incident", {"incident": "slow"})], T0)
        writer.village("thon-1")
        assert reader.looks() == [{"topic": "hub", "roster": True}]
        assert reader.looks() == []
    assert reader.looks() == [{"topic": "incident", "incident": "slow"}]
    with writer.ledger.engine.connect() as never, never.begin() as transaction:
        changes.keep(never, "another", [Noted("incident", {"incident": "never"})], T0)
        transaction.rollback()
    writer.village("thon-2")
    assert reader.looks() == [{"topic": "hub", "roster": True}]
    assert reader.fellows._hole_s is not None
    reader.fellows._hole_s -= HOLE_S
    assert (reader.looks(), reader.fellows._beyond, reader.lost) == ([], set(), 0)
    for worker in (writer, reader):
        worker.ledger.close()


def test_a_worker_knows_whether_another_has_its_line(pair: tuple[Worker, Worker], clock: Clock) -> None:
    """Who sees no posts leaves them to one that does: alive means that it turned lately."""
    first, second = pair
    clock.now_ms += BEAT_MS
    first.looks()
    assert first.fellows.another_is_up()
    second.up = False
    second.looks()  # at once, not with its next beat
    clock.now_ms += BEAT_MS
    first.looks()
    assert not first.fellows.another_is_up()
    second.up = True
    second.looks()
    clock.now_ms += BEAT_MS
    first.looks()
    assert first.fellows.another_is_up()
    clock.now_ms += ALIVE_MS
    assert not first.fellows.another_is_up()
    second.fellows.stop()
    clock.now_ms -= ALIVE_MS - BEAT_MS
    first.looks()
    assert not first.fellows.another_is_up()


def test_pages_that_missed_something_are_told_to_look_anew() -> None:
    """The feed's own numbers go on."""
    feed = Feed()
    feed.post("post", {"post": "dong"})
    n = feed.n
    feed.lose()
    assert feed.after(n) is None
    n = feed.n
    feed.post("post", {"post": "tay"})
    assert [change.data for change in feed.after(n) or ()] == [{"post": "tay"}]
