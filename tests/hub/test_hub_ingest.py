"""From the line into the ledger: acknowledged only after the commit, whatever comes and whatever the database does (P8)."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from kengd.hub import ingest as room
from kengd.hub.dispatching import Target
from kengd.hub.ingest import Ingest, Stored
from kengd.hub.ledger import dispatches, unread
from kengd.hub.ledger.dispatches import Command, Dispatch
from kengd.hub.ledger.merging import ENTRY, Heard, all_chains
from kengd.hub.ledger.store import Connection, Ledger
from kengd.uplink.line import Inbound, Token
from kengd.wire.entry import Entry, to_json
from kengd.wire.topics import command_topic, entry_topic, status_topic
from tests.hub.spine_kit import BOOK, COMMUNE, T0, Clock, chained, said, true_book

POSTS = ("thon-1", "thon-2")


class Faulty(Ledger):
    """A ledger whose database can be away for a while: before the work, or at the commit."""

    fails = 0
    at_commit = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        away = OperationalError("INSERT", {}, Exception("database is away\nwith a second line"))
        if self.fails and not self.at_commit:
            self.fails -= 1
            raise away
        with super().write() as connection:
            yield connection
            if self.fails:
                self.fails -= 1
                raise away


class Bench:
    """An ingest with everything around it noted. `rows` at each acknowledgement: what the database held just then."""

    def __init__(self, ledger: Ledger, within: Callable[[Connection, Sequence[Heard]], None] | None = None) -> None:
        self.ledger = ledger
        self.acked: list[int] = []
        self.rows: list[int] = []
        self.stored: list[Stored] = []
        self.trouble: list[str | None] = []
        self.given = 0
        self._all = threading.Event()
        self.ingest = Ingest(
            ledger, COMMUNE, known=lambda post: post in POSTS, ack=self._ack, within=within or (lambda _c, _f: None),
            on_stored=self.stored.append, on_trouble=self.trouble.append, wall_ms=Clock(),
        )  # fmt: skip

    def _ack(self, token: Token) -> None:
        self.rows.append(count(self.ledger))
        self.acked.append(token.mid)
        if len(self.acked) == self.given:
            self._all.set()

    def give(self, *messages: tuple[str, bytes]) -> None:
        """Put them all before the thread begins: one batch where they fit."""
        for topic, payload in messages:
            self.given += 1
            self.ingest.put(Inbound(topic, payload, False, Token(1, self.given)))

    def work(self) -> None:
        """Until all is acknowledged."""
        self.ingest.start()
        assert self._all.wait(60), f"{len(self.acked)} of {self.given} acknowledged; {self.trouble[-1:]}"
        self.ingest.stop()

    def fresh(self) -> list[int]:
        return [item.entry.seq for stored in self.stored for item in stored.fresh]


def count(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(ENTRY)).scalar() or 0


def message(post: str, entry: Entry) -> tuple[str, bytes]:
    return entry_topic(COMMUNE, post), to_json(entry).encode()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TRY_AGAIN_S", 0.001)


def test_what_is_acknowledged_is_on_disk(ledger: Ledger) -> None:
    """P8: at the moment of each acknowledgement the whole batch is committed; the broker may forget it."""
    bench = Bench(ledger)
    bench.give(*(message("thon-1", entry) for entry in true_book(20)))
    bench.work()
    assert bench.acked == list(range(1, 21))
    assert bench.rows == [20] * 20
    assert (bench.fresh(), bench.trouble) == (list(range(1, 21)), [None])


@pytest.mark.parametrize("at_commit", [False, True])
def test_a_database_that_is_away_for_a_while_loses_nothing(ledger_url: str, at_commit: bool) -> None:
    """P8: nothing acknowledged meanwhile, nothing told, everything stored once afterwards; the trouble is said and ends."""
    ledger = Faulty(ledger_url)
    bench = Bench(ledger)
    bench.give(*(message("thon-1", entry) for entry in true_book(5)))
    ledger.fails, ledger.at_commit = 3, at_commit
    bench.work()
    assert (bench.acked, bench.rows, bench.fresh()) == ([1, 2, 3, 4, 5], [5] * 5, [1, 2, 3, 4, 5])
    assert bench.trouble == ["database is away"] * 3 + [None]
    ledger.close()


def test_stopping_while_the_database_is_away_acknowledges_nothing(ledger_url: str, monkeypatch: Any) -> None:
    """P8: what is not on disk stays with the broker and comes again."""
    monkeypatch.setattr(room, "TRY_AGAIN_S", 30.0)
    ledger = Faulty(ledger_url)
    ledger.fails = 1_000_000
    bench = Bench(ledger)
    bench.give(*(message("thon-1", entry) for entry in true_book(5)))
    bench.ingest.start()
    bench.ingest.stop()
    ledger.fails = 0
    assert (bench.acked, count(ledger), bench.stored) == ([], 0, [])
    ledger.close()


def test_what_follows_in_the_same_transaction_fails_with_it_and_is_tried_again(ledger: Ledger) -> None:
    """An incident and its entry are kept together or not at all; a mistake there stops neither the thread nor loses an entry."""
    failures = [KeyError("a mistake of ours"), ValueError("another")]

    def within(_connection: Connection, _fresh: Sequence[Heard]) -> None:
        if failures:
            raise failures.pop()

    bench = Bench(ledger, within)
    bench.give(*(message("thon-1", entry) for entry in true_book(3)))
    bench.work()
    assert (bench.rows, bench.fresh()) == ([3, 3, 3], [1, 2, 3])
    assert bench.trouble == ["another", "'a mistake of ours'", None]


class Rotten(Exception):
    """A mistake of ours that one entry brings out each time."""


def by_mistake(_connection: Connection) -> None:
    raise Rotten("a mistake of ours")


def by_database(connection: Connection) -> None:
    connection.execute(update(ENTRY).values(kind=None))


@pytest.mark.parametrize("fails", [by_mistake, by_database])
def test_an_entry_that_nobody_foresaw_is_set_aside_and_all_others_are_kept(
    ledger: Ledger, fails: Callable[[Connection], None]
) -> None:
    """P8, R49: whatever one message does to us or to the database, the entries of all other posts are kept and followed, in
    their order; it is counted, and missing in its book, so that its post is asked for it again."""

    def within(connection: Connection, fresh: Sequence[Heard]) -> None:
        if any(item.post == "thon-2" and item.entry.seq == 2 for item in fresh):
            fails(connection)

    bench, bad = Bench(ledger, within), true_book(3, book="b" * 16)
    bench.give(*(message("thon-1", entry) for entry in true_book(20)), *(message("thon-2", entry) for entry in bad))
    bench.give(*(message("thon-1", entry) for entry in true_book(25)[20:]))
    bench.work()
    found = [(item.post, item.entry.seq) for stored in bench.stored for item in stored.fresh]
    assert found == [
        *(("thon-1", n) for n in range(1, 21)),
        ("thon-2", 1),
        ("thon-2", 3),
        *(("thon-1", n) for n in range(21, 26)),
    ]
    assert (bench.acked, bench.ingest.set_aside, bench.trouble[-1]) == (list(range(1, 29)), 1, None)
    with ledger.read() as connection:
        assert {(chain.post, chain.seq, chain.known_seq) for chain in all_chains(connection)} == {
            ("thon-1", 25, 25), ("thon-2", 1, 3)
        }  # fmt: skip
        assert unread.counts(connection) == {"thon-2": 1}, "and an officer sees that it is there"


def test_a_line_that_was_set_aside_is_one_however_often_it_comes_and_is_found_when_it_can_be_kept(
    ledger: Ledger,
) -> None:
    """P8: its post is asked for it again and again, and says the same; what it says is not lost for ever but until we can read it."""
    sick = [True]

    def within(_connection: Connection, fresh: Sequence[Heard]) -> None:
        if sick[0] and any(item.entry.seq == 2 for item in fresh):
            raise Rotten("a mistake of ours")

    def counted() -> dict[str, int]:
        with ledger.read() as connection:
            return unread.counts(connection)

    found = []
    for mended in (False, False, True):
        sick[0] = not mended
        bench = Bench(ledger, within)
        bench.give(*(message("thon-1", entry) for entry in true_book(3)))
        bench.work()
        found.append(counted())
    assert found == [{"thon-1": 1}, {"thon-1": 1}, {}]


def test_lines_that_no_entry_can_be_are_a_condition_of_their_post(ledger: Ledger) -> None:
    """R49: each different one counts once, a hostile post cannot fill the ledger, strangers have none; one whose place is known is
    found when it comes whole; what has not come again for a month is forgotten."""
    whole, odd = true_book(1)[0], poison()
    halved = json.dumps({**asdict(whole), "by": "a\x00b"}).encode()
    bench = Bench(ledger)
    bench.give(*((entry_topic(COMMUNE, "thon-2"), raw) for raw in (*odd, *odd)))
    bench.give((entry_topic(COMMUNE, "thon-1"), halved), (entry_topic(COMMUNE, "thon-9"), halved))
    bench.give((entry_topic("xa-khac", "thon-1"), halved))
    bench.work()
    with ledger.read() as connection:
        assert unread.counts(connection) == {"thon-1": 1, "thon-2": len(odd)}
    again = Bench(ledger)
    again.give(message("thon-1", whole))
    again.work()
    with ledger.write() as connection:
        assert unread.counts(connection) == {"thon-2": len(odd)}
        unread.keep(connection, [unread.Unread("thon-2", f"{n:032}", None, None, "", T0) for n in range(unread.MOST)])
        unread.keep(connection, [unread.Unread("thon-2", "f" * 32, None, None, "", T0)])
        assert unread.counts(connection) == {"thon-2": unread.MOST + len(odd)}
        assert (unread.forget(connection, T0), unread.forget(connection, T0 + 1)) == (0, unread.MOST + len(odd))


def test_a_mistake_after_the_commit_stops_nothing(ledger: Ledger) -> None:
    """Notices and pages are told afterwards; if that fails the entries are acknowledged all the same."""
    bench = Bench(ledger)

    def fails(_stored: Stored) -> None:
        raise KeyError("a mistake of ours")

    bench.ingest._on_stored = fails
    bench.give(*(message("thon-1", entry) for entry in true_book(3)))
    bench.work()
    assert bench.acked == [1, 2, 3]


def test_what_comes_twice_is_acknowledged_twice_and_kept_once(ledger: Ledger) -> None:
    """P8: the broker sends again what it did not hear acknowledged."""
    book = true_book(3)
    bench = Bench(ledger)
    bench.give(*(message("thon-1", entry) for entry in [*book, *book]))
    bench.work()
    assert (bench.acked, bench.fresh(), count(ledger)) == ([1, 2, 3, 4, 5, 6], [1, 2, 3], 3)


def poison() -> list[bytes]:
    """JSON that is an entry in shape and that no database could hold: one at a time, each would stop the others for ever."""
    good = asdict(true_book(1)[0])
    endless = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=12_000)))  # 36 KB, not to be packed
    odd: list[dict[str, Any]] = [
        {"by": "a\x00b"}, {"reason": "\ud800"}, {"kind": "\x00"}, {"book": "\udfff"}, {"seq": 2**63}, {"seq": 10**400},
        {"seq": 2**53}, {"book": endless}, {"activation": endless}, {"command_id": endless}, {"book": "x" * 65},
        {"activation": "bad id!"}, {"command_id": ""},
        {"detail": {"\ud800": 1}}, {"detail": {"a": ["\udc00"]}}, {"at": "9999-12-31T23:59:60.000Z"},
    ]  # fmt: skip
    raw = [json.dumps({**good, **change}).encode() for change in odd]
    inf = json.dumps({**good, "detail": {"x": 12345}}).encode().replace(b"12345", b"1e999")
    deep = json.dumps({**good, "detail": {"x": 12345}}).encode().replace(b"12345", b"[" * 20_000 + b"]" * 20_000)
    long = json.dumps({**good, "detail": {"x": 12345}}).encode().replace(b"12345", b"9" * 6_000)
    return [*raw, inf, deep, long, json.dumps({**good, "by": "x" * 70_000}).encode()]


def test_an_entry_that_no_database_can_hold_does_not_stop_the_others(ledger: Ledger) -> None:
    """P8, R49: one damaged or hostile post must not keep the entries of the whole commune out."""
    book, odd = true_book(4), poison()
    bench = Bench(ledger)
    bench.give(message("thon-1", book[0]), *((entry_topic(COMMUNE, "thon-2"), raw) for raw in odd))
    bench.give(*(message("thon-1", entry) for entry in book[1:]))
    bench.work()
    assert (bench.fresh(), bench.ingest.refused, bench.trouble) == ([1, 2, 3, 4], len(odd), [None])
    with ledger.read() as connection:
        assert [(chain.post, chain.seq, chain.wrong) for chain in all_chains(connection)] == [("thon-1", 4, None)]


def test_a_hush_that_is_answered_with_what_is_no_name_is_followed_as_far_as_it_can_be(ledger: Ledger) -> None:
    """P8, P9, H13: in a detail a post may write anything; what no activation is called ends nothing, waits for nothing and
    stops nobody."""
    act = Dispatch("act-00000001", "hush", "Đ/c Hùng", T0, b"d")
    command = Command("jti-00000001", act.id, "t", b"jws", T0 + 60_000, T0 + 5_000)
    with ledger.write() as connection:
        dispatches.create(connection, act, [command], [Target(act.id, "thon-2", command.jti, "hush", T0 + 60_000)])
    odd: list[Any] = ["\0", "bad id!", "x" * 9_000, 7, None, ["a"], "b" * 16]
    bench = Bench(ledger)
    answer = chained([said("received", command_id=command.jti, source="hub", detail={"ended": odd})])
    bench.give(message("thon-2", answer[0]), message("thon-1", true_book(1)[0]))
    bench.work()
    assert (len(bench.stored), count(ledger), bench.trouble) == (1, 2, [None])
    assert [target.awaited for target in bench.stored[0].targets] == [("b" * 16,)]


def test_only_entries_of_posts_of_this_commune_are_taken(ledger: Ledger) -> None:
    """Another commune, a post that is not in the roster, a status, a command, another version: left out and acknowledged."""
    raw = to_json(true_book(1)[0]).encode()
    wrong = [
        entry_topic("xa-khac", "thon-1"), entry_topic(COMMUNE, "thon-9"), status_topic(COMMUNE, "thon-1"),
        command_topic(COMMUNE, "thon-1"), f"kengd/2/{COMMUNE}/thon-1/entry", f"kengd/1/{COMMUNE}/THON/entry", "", "a/b",
    ]  # fmt: skip
    bench = Bench(ledger)
    bench.give(*((topic, raw) for topic in wrong))
    bench.work()
    assert (len(bench.acked), bench.ingest.refused, count(ledger)) == (len(wrong), len(wrong), 0)


def mutated(chance: random.Random, raw: bytes) -> bytes:
    """One of many ways to spoil a message."""
    data = bytearray(raw)
    how = chance.randrange(6)
    if how == 0:
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif how == 1:
        del data[chance.randrange(len(data)) :]
    elif how == 2:
        data = bytearray(chance.randbytes(chance.randrange(200)))
    elif how == 3:
        value = json.loads(raw)
        key = chance.choice(list(value))
        value[key] = chance.choice(
            [None, True, -1, 1.5, "", "\x00", "\ud83d", [], {}, [1], {"a": {"b": []}}, 2**64, "ringing"]
        )
        data = bytearray(json.dumps(value).encode())
    elif how == 4:
        data = bytearray(json.dumps(chance.choice([None, 1, "x", [], {}, [json.loads(raw)], {"v": 1}])).encode())
    else:
        value = json.loads(raw)
        value.pop(chance.choice(list(value)))
        data = bytearray(json.dumps(value).encode())
    return bytes(data)


def test_ten_thousand_spoilt_messages_neither_stop_it_nor_change_a_state(ledger: Ledger) -> None:
    """P8, P9: every shape of JSON and of no JSON, of known and foreign posts and communes: all acknowledged, no state moved, and
    true entries among them are kept."""
    act = Dispatch("act-00000001", "ring", "Đ/c Hùng", T0, b"d", "alarm", "actual")
    command = Command("jti-00000001", act.id, "t", b"jws", T0 + 60_000, T0 + 5_000)
    before = [Target(act.id, post, command.jti, "ring", T0 + 60_000) for post in POSTS]
    with ledger.write() as connection:
        dispatches.create(connection, act, [command], before)
    ring = chained([
        said("received", command_id=command.jti), said("ringing", command_id=command.jti, activation="a" * 16),
        said("cut", command_id=command.jti, activation="a" * 16, detail={"hushed_by": {"source": "hub"}}),
    ], book="f" * 16)  # fmt: skip
    chance = random.Random(8)
    topics = [
        entry_topic(COMMUNE, "thon-9"), entry_topic("xa-khac", "thon-1"), status_topic(COMMUNE, "thon-2"),
        entry_topic(COMMUNE, "thon-1"), entry_topic(COMMUNE, "thon-2"),
    ]  # fmt: skip
    true = true_book(100)
    bench = Bench(ledger)
    bench._ack = lambda token: None  # type: ignore[method-assign]
    done = threading.Event()
    messages: list[tuple[str, bytes]] = []
    for n in range(10_000):
        raw = to_json(chance.choice(ring)).encode()
        spoilt = mutated(chance, raw)
        topic = chance.choice(topics)
        own = topic in topics[3:] and b"jti-00000001" in spoilt
        messages.append((topics[0] if own else topic, spoilt))  # a foreign post, where it may still be a whole entry
        if n % 100 == 0:
            messages.append(message("thon-1", true[n // 100]))
    acked: list[int] = []

    def ack(token: Token) -> None:
        acked.append(token.mid)
        if len(acked) == len(messages):
            done.set()

    bench.ingest._ack = ack
    bench.give(*messages)
    bench.ingest.start()
    assert done.wait(60)
    bench.ingest.stop()
    assert sorted(acked) == list(range(1, len(messages) + 1))
    assert set(bench.trouble) <= {None}
    with ledger.read() as connection:
        assert dispatches.targets_of(connection, [act.id]) == before
        found = {(chain.post, chain.book): chain for chain in all_chains(connection)}
    assert (found["thon-1", BOOK].seq, found["thon-1", BOOK].wrong) == (100, None)


def test_a_post_that_answers_moves_its_target_in_the_same_transaction(ledger: Ledger) -> None:
    """P9: what the post said, and only then; the change is told once, after the commit."""
    act = Dispatch("act-00000001", "ring", "Đ/c Hùng", T0, b"d", "alarm", "actual")
    command = Command("jti-00000001", act.id, "t", b"jws", T0 + 60_000, T0 + 5_000)
    with ledger.write() as connection:
        dispatches.create(connection, act, [command], [Target(act.id, "thon-1", command.jti, "ring", T0 + 60_000)])
    bench = Bench(ledger)
    book = chained([
        said("received", command_id=command.jti), said("ringing", command_id=command.jti, activation="a" * 16)
    ])  # fmt: skip
    bench.give(*(message("thon-1", entry) for entry in [*book, *book]))
    bench.work()
    assert [[(target.post, target.state.value) for target in stored.targets] for stored in bench.stored] == [
        [("thon-1", "ringing")]
    ]
