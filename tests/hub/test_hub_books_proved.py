"""The check of the books proves them anew: what was changed or struck in the ledger by hand is named (P8)."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from kengd.hub.ledger import audits, proving
from kengd.hub.ledger.heads import BEGUN, HEAD, TIP, read_tip, sign_grown, tips_of
from kengd.hub.ledger.merging import Heard, merge
from kengd.hub.ledger.proving import FAULT_VI, LATE_MS, LEEWAY_MS, TIP_VI, Keys, look_at_books, look_at_heads
from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.service import wall_ms
from kengd.wire.signing import KeyRing, public_text, sign
from tests.hub.desk_kit import Officer, Station, station
from tests.hub.spine_kit import BOOK, KEY, KID, T0, chained, heard, said, true_book

NEXT = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = {KID: public_text(KEY), "hub-2027": public_text(NEXT)}
RING = Keys(KeyRing(KEYS), {})
LENGTH = 6


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Two posts with a book of six entries each, and their heads signed."""
    made = Ledger(sqlite_url(tmp_path_factory.mktemp("proved") / "ledger.sqlite"))
    with made.write() as connection:
        for post in ("dong", "tay"):
            merge(connection, heard(post, true_book(LENGTH)), T0)
        sign_grown(connection, KID, KEY, T0)
    yield made
    made.close()


class _Undo(Exception):
    """Nothing of it is kept."""


def faults_after(ledger: Ledger, *changes: str) -> tuple[list[tuple[str, int, str]], dict[str, Any]]:
    """What is found after somebody was at the database with these statements; it is put back behind."""
    found: list[tuple[str, int, str]] = []
    told: dict[str, Any] = {}
    try:
        with ledger.write() as connection:
            for change in changes:
                assert connection.execute(text(change)).rowcount > 0, change
            found += [(book.post, seq, what) for book in look_at_books(connection) for seq, what in book.faults]
            looked = look_at_heads(connection, RING, T0)
            told |= {"wrong": list(looked.wrong), "tips": list(looked.tips), "audit": audits.verify(connection)}
            raise _Undo
    except _Undo:
        return found, told


COLUMNS = {
    "at_ms": "at_ms + 1", "kind": "'finished'", "activation": "'x'", "command_id": "'x'", "signal": "'alarm'", "purpose": "'drill'",
    "source": "'hub'", "place": "'x'", "by": "'ai đó'", "reason": "'khác'", "clock": "'rtc'", "detail": "'{}'",
    "prev": "zeroblob(32)", "hash": "zeroblob(32)",
}  # fmt: skip


def test_an_untouched_ledger_has_nothing_wrong(ledger: Ledger) -> None:
    """Every entry and every head was looked at."""
    with ledger.read() as connection:
        looked = list(look_at_books(connection))
        assert [(book.post, book.book, book.entries, book.count) for book in looked] == [
            ("dong", BOOK, LENGTH, 0), ("tay", BOOK, LENGTH, 0),
        ]  # fmt: skip
        assert look_at_heads(connection, RING, T0) == proving.LookedHeads(2, (), (), ())


@pytest.mark.parametrize("column", COLUMNS)
def test_each_field_of_an_entry_that_was_changed_by_hand_is_seen(ledger: Ledger, column: str) -> None:
    """The hash is made anew from what is stored."""
    found, _ = faults_after(
        ledger, f"UPDATE entry SET \"{column}\" = {COLUMNS[column]} WHERE post = 'dong' AND seq = 3"
    )
    assert ("dong", 3, "changed") in found and {post for post, _, _ in found} == {"dong"}


@given(st.sets(st.integers(1, LENGTH), min_size=1))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_entries_that_were_struck_are_seen_wherever_they_stood(ledger: Ledger, gone: set[int]) -> None:
    """Each hole is named by its first seq, the end and the whole book too."""
    numbers = ", ".join(map(str, gone))
    found, _ = faults_after(ledger, f"DELETE FROM entry WHERE post = 'tay' AND seq IN ({numbers})")
    assert found == [("tay", seq, "missing") for seq in sorted(gone) if seq - 1 not in gone]


def test_a_book_that_was_rewritten_whole_does_not_fit_its_signed_head(ledger: Ledger) -> None:
    """Every hash made anew, the kept end too: only the hub's signature tells."""
    false = chained([said("started", reason="new"), *(said("stopped") for _ in range(LENGTH - 1))])
    changes = []
    for one in false:
        reason = "NULL" if one.reason is None else f"'{one.reason}'"
        changes.append(
            f"UPDATE entry SET at_ms = {T0 + one.seq * 1000}, kind = '{one.kind}', reason = {reason}, detail = NULL, "
            f"prev = x'{one.prev}', hash = x'{one.hash}' WHERE post = 'dong' AND seq = {one.seq}"
        )
    changes.append(f"UPDATE book SET hash = x'{false[-1].hash}' WHERE post = 'dong'")
    found, told = faults_after(ledger, *changes)
    assert found == []
    assert told["wrong"] == [("dong", BOOK, LENGTH)]
    found, told = faults_after(ledger, *changes, "DELETE FROM head WHERE post = 'dong'")
    assert (found, told["tips"]) == ([], [(KID, "heads_differ")]), "nor is it enough to strike the head"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (["DELETE FROM book WHERE post = 'dong'"], [("dong", 1, "no_chain")]),
        (["UPDATE book SET hash = zeroblob(32) WHERE post = 'dong'"], [("dong", LENGTH, "not_the_end")]),
        (["UPDATE book SET seq = 9 WHERE post = 'dong'"], [("dong", LENGTH + 1, "missing")]),
        (["UPDATE entry SET at_ms = -5 WHERE post = 'dong' AND seq = 2"], [("dong", 2, "changed")]),
    ],
)
def test_what_is_kept_of_a_chain_must_fit_its_entries(
    ledger: Ledger, changes: list[str], wanted: list[tuple[str, int, str]]
) -> None:
    """Also where the row holds what no entry can hold."""
    assert faults_after(ledger, *changes)[0] == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (["DELETE FROM head"], [(KID, "heads_differ")]),
        (["DELETE FROM head WHERE post = 'tay'"], [(KID, "heads_differ")]),
        ([f"DELETE FROM value WHERE key = '{TIP}{KID}'"], [(KID, "missing")]),
        (["DELETE FROM head", f"DELETE FROM value WHERE key = '{TIP}{KID}'"], [(KID, "missing")]),
        ([f"UPDATE value SET value = 'x.y.z' WHERE key = '{TIP}{KID}'"], [(KID, "unsigned")]),
        (["UPDATE audit SET hash = 'x'"], [(KID, "audit_differs")]),
    ],
)
def test_heads_that_were_struck_are_seen_and_so_is_the_list_of_them(
    ledger: Ledger, changes: list[str], wanted: list[tuple[str, str]]
) -> None:
    """Each key keeps a signed sum of its heads, and the audit book says that there must be one."""
    assert faults_after(ledger, *changes)[1]["tips"] == wanted


@pytest.fixture
def fresh(ledger_url: str) -> Iterator[Connection]:
    """A ledger of its own, in each of the two databases: one post, two entries, signed."""
    made = Ledger(ledger_url)
    with made.write() as connection:
        merge(connection, heard("dong", true_book(LENGTH)[:2]), T0)
        assert sign_grown(connection, KID, KEY, T0) == 1
        yield connection
    made.close()


def grown(connection: Connection, length: int = LENGTH) -> None:
    merge(connection, heard("dong", true_book(LENGTH)[:length]), T0)


def tips(connection: Connection, keys: Keys = RING) -> list[tuple[str, str]]:
    return list(look_at_heads(connection, keys, T0).tips)


def test_a_list_that_was_struck_and_begun_again_is_told_for_ever(fresh: Connection) -> None:
    """The hub goes on signing, and says so in its own book: nobody loses the proofs unseen."""
    fresh.execute(text("DELETE FROM head"))
    fresh.execute(text(f"DELETE FROM value WHERE key = '{TIP}{KID}'"))
    assert sign_grown(fresh, KID, KEY, T0 + 60_000) == 1
    assert tips(fresh) == [(KID, "begun_again")]
    assert [(line.by, line.act, line.facts) for line in audits.read(fresh)] == [
        ("hub", BEGUN, {"kid": KID, "before": {}})
    ] * 2


def test_heads_of_before_there_was_a_list_are_in_it(fresh: Connection) -> None:
    """A ledger of an earlier release has signed heads and no list: it begins with them."""
    fresh.execute(text(f"DELETE FROM value WHERE key IN ('{TIP}{KID}', '{audits.HEAD}')"))
    fresh.execute(text("DELETE FROM audit"))
    grown(fresh)
    assert sign_grown(fresh, KID, KEY, T0 + 60_000) == 1
    assert look_at_heads(fresh, RING, T0) == proving.LookedHeads(2, (), (), ())


def test_a_forged_list_is_not_signed_into_a_true_one(fresh: Connection) -> None:
    """What is there is believed only with our own signature on it."""
    grown(fresh)
    other = sign_tip(fresh, NEXT)
    fresh.execute(text(f"UPDATE value SET value = '{other}' WHERE key = '{TIP}{KID}'"))
    sign_grown(fresh, KID, KEY, T0 + 60_000)
    assert tips(fresh) == [(KID, "begun_again"), (KID, "heads_differ")]


def sign_tip(connection: Connection, key: Ed25519PrivateKey) -> str:
    """The list of heads as it is, with another signature."""
    said_now = read_tip(tips_of(connection)[KID], RING.ring, KID)
    assert said_now is not None
    payload = json.dumps({name: getattr(said_now, name) for name in said_now.__slots__}).encode()
    return sign(payload, KID, key).decode()


def test_a_key_that_takes_over_signs_what_the_other_has_left(fresh: Connection) -> None:
    """Also where no book has grown: whoever has the old key can change nothing of before."""
    assert sign_grown(fresh, "hub-2027", NEXT, T0 + 60_000) == 0
    kept = tips_of(fresh)
    tip = read_tip(kept["hub-2027"], RING.ring, "hub-2027")
    assert tip is not None
    assert (tip.heads, int(tip.sum, 16), tip.before) == (0, 0, {KID: sha256(kept[KID].encode()).hexdigest()})
    grown(fresh, 4)
    assert [sign_grown(fresh, "hub-2027", NEXT, T0 + 120_000) for _ in range(2)] == [1, 0]
    assert tips(fresh) == []
    grown(fresh)
    assert sign_grown(fresh, KID, KEY, T0 + 121_000) == 0, "a worker that holds the old key for a moment longer"
    assert tips(fresh) == []


def test_whoever_has_a_key_that_was_replaced_can_add_nothing_to_what_it_signed(fresh: Connection) -> None:
    """The new key has signed the old one's list."""
    before = tips_of(fresh)[KID]
    grown(fresh)
    sign_grown(fresh, KID, KEY, T0 + 1_000)  # so he would do it, elsewhere
    stolen = tips_of(fresh)[KID]
    fresh.execute(text(f"UPDATE value SET value = '{before}' WHERE key = '{TIP}{KID}'"))
    fresh.execute(text(f"DELETE FROM head WHERE seq = {LENGTH}"))
    sign_grown(fresh, "hub-2027", NEXT, T0 + 60_000)
    assert tips(fresh) == []
    fresh.execute(text(f"UPDATE value SET value = '{stolen}' WHERE key = '{TIP}{KID}'"))
    assert ("hub-2027", "before_differ") in tips(fresh)


def test_what_a_revoked_key_signed_before_is_good_and_after_it_is_not(fresh: Connection) -> None:
    """By the moment in the signed words; ten seconds are a worker's that has not heard yet."""
    ended = Keys(RING.ring, {KID: T0 + 1_000})
    assert look_at_heads(fresh, ended, T0) == proving.LookedHeads(1, (), (), ())
    grown(fresh, 4)
    sign_grown(fresh, KID, KEY, T0 + 1_000 + LEEWAY_MS)
    assert look_at_heads(fresh, ended, T0) == proving.LookedHeads(2, (), (), ())
    grown(fresh)
    sign_grown(fresh, KID, KEY, T0 + 1_001 + LEEWAY_MS)
    found = look_at_heads(fresh, ended, T0)
    assert found.wrong == (("dong", BOOK, LENGTH),)
    assert found.tips == ((KID, "revoked"), (KID, "heads_differ"))


def test_entries_that_nobody_signed_for_ten_minutes_are_named(fresh: Connection) -> None:
    """The hub signs each minute: something has struck the newest heads, or stands still."""
    grown(fresh)
    assert look_at_heads(fresh, RING, T0 + LATE_MS).unsigned == ()
    assert look_at_heads(fresh, RING, T0 + LATE_MS + 1).unsigned == (("dong", BOOK, 3),)


def test_an_entry_laid_aside_is_proved_by_itself(fresh: Connection) -> None:
    """It stands beside the book under the beginning of its hash."""
    other = chained([said("started", reason="new"), said("stopped")])
    merge(fresh, heard("dong", other[1:], T0 + 1), T0)
    assert [(len(book.book), book.count) for book in look_at_books(fresh)] == [(16, 0), (33, 0)]
    fresh.execute(text("UPDATE entry SET kind = 'finished' WHERE heard_ms = :late"), {"late": T0 + 1})
    assert [book.faults for book in look_at_books(fresh)] == [[], [(2, "changed")]]


def test_entries_waiting_behind_a_gap_are_no_fault_until_the_chain_is_beyond(fresh: Connection) -> None:
    """A gap is a condition of its own; what was changed behind it is seen all the same."""
    merge(fresh, heard("dong", true_book(LENGTH)[4:]), T0)
    assert [book.faults for book in look_at_books(fresh)] == [[]]
    fresh.execute(text("UPDATE entry SET kind = 'finished' WHERE seq = 6"))
    assert [book.faults for book in look_at_books(fresh)] == [[(6, "changed")]]


def test_a_long_book_is_looked_at_a_stretch_at_a_time(tmp_path: Path) -> None:
    """A ledger may hold a million entries: memory does not grow with it."""
    ledger = Ledger(sqlite_url(tmp_path / "ledger.sqlite"))
    length = 12_000
    with ledger.write() as connection:
        merge(connection, [Heard("dong", entry, T0) for entry in true_book(length)], T0)
    with ledger.read() as connection:
        tracemalloc.start()
        [book] = list(look_at_books(connection))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    ledger.close()
    assert (book.entries, book.count) == (length, 0)
    print(f"{peak / 1e6:.1f} MB")
    assert peak < 8_000_000


# ---- as an officer asks for it


@pytest.fixture
def hub(tmp_path: Path) -> Station:
    """An Lão has three entries, whose head is signed."""
    made = station(tmp_path)
    for n in range(3):
        made.hears("an-lao", "condition_raised" if n else "started", reason="mains_lost" if n else "new")
    made.hub.clockwork._sign_heads(wall_ms())
    return made


def checked(officer: Officer) -> dict[str, Any]:
    found: dict[str, Any] = officer.get("/api/books/check").json()
    return found


def test_the_check_names_what_was_changed_in_words(hub: Station) -> None:
    """With its place, in Vietnamese, and how much was looked at."""
    whole = checked(hub.admin)
    assert (whole["whole"], whole["entries"], whole["heads"]) == (True, 3, 1)
    with hub.hub.ledger.write() as connection:
        connection.execute(text("UPDATE entry SET \"by\" = 'ai đó' WHERE seq = 2"))
        connection.execute(text("DELETE FROM head"))
    place = {"post": "an-lao", "book": "b" * 16}
    assert checked(hub.admin) == {
        "whole": False, "entries": 3, "entries_wrong": 1,
        "wrong_entries": [{**place, "seq": 2, "wrong": "changed", "vi": FAULT_VI["changed"]}],
        "heads": 0, "wrong_heads": [], "unsigned": [],
        "wrong_keys": [{"kid": "cong-lac-2026", "wrong": "heads_differ", "vi": TIP_VI["heads_differ"]}],
        "audit_wrong_seq": None,
    }  # fmt: skip


def test_after_a_key_was_revoked_its_heads_stay_good_and_the_new_one_vouches_for_them(hub: Station) -> None:
    """Revoking a key is an ordinary act: it makes no book doubtful."""
    authority = hub.hub.authority
    old = authority.signing()[0]
    authority.new_key("xa-moi", wall_ms())
    authority.revoke_key(old, wall_ms())
    assert checked(hub.admin)["whole"] is True
    hub.hub._signing, hub.hub.clockwork._heads_ms = None, 0  # a minute later
    hub.hub.clockwork._sign_heads(wall_ms())
    assert checked(hub.admin)["whole"] is True
    with hub.hub.ledger.read() as connection:
        tip = read_tip(tips_of(connection)["xa-moi"], KeyRing(authority.public_keys()), "xa-moi")
        assert tip is not None and list(tip.before) == [old]
        assert connection.execute(HEAD.select()).mappings().one()["seq"] == 3
