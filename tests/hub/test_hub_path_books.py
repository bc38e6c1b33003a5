"""Books on the whole path: a week without a line, a card put back to an older copy, a rewritten entry, a new card in a swapped Pi."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kengd.duty.words import Draft, EntryKind, Instant, Purpose, Source, Stamped
from kengd.errors import KengdError
from kengd.hub.authority.enrolment import PostWish
from kengd.hub.chains import Chain
from kengd.hub.founding import write_broker
from kengd.hub.incidents import Incident
from kengd.hub.ingest import Stored
from kengd.hub.ledger import incidents, merging
from kengd.hub.ledger.merging import ENTRY
from kengd.journal.batch import Batch
from kengd.journal.book import Book
from kengd.journal.reading import connect, entries_after, head_of
from kengd.uplink.shell import ShellLink
from kengd.wire.entry import chain_hash, detail_json
from tests.hub.commune import OFFICER, Bell, Commune, now_ms, until

WEEK = 5_000
POST = "dong"
DAY_MS = 86_400_000
BOOT = "11112222-3333-4444-5555-666677778888"


def week_without_a_line(directory: Path) -> None:
    """The post's own journal writes what it would have written: the nightly rings, one alarm of each night, the mains on and off."""
    began_ms = now_ms() - 8 * DAY_MS
    opened = Book.open(directory, post=POST, now=Instant(0, began_ms), boot=BOOT, clock="ntp")
    drafts: list[Stamped] = []

    def write(draft: Draft) -> None:
        at_ms = began_ms + (len(drafts) + 1) * (7 * DAY_MS // WEEK)
        drafts.append(Stamped(0, BOOT, len(drafts), at_ms, "ntp", draft))

    while len(drafts) < WEEK - 1:
        nth = len(drafts)
        if nth % 700 == 0:
            ring = ("alarm", Purpose.ACTUAL, Source.BUTTON, "nhà văn hóa")
            write(Draft(EntryKind.RINGING, f"old{nth:013}", None, *ring))
            write(Draft(EntryKind.FINISHED, f"old{nth:013}", None, *ring))
        kind = EntryKind.CONDITION_RAISED if nth % 2 else EntryKind.CONDITION_CLEARED
        write(Draft(kind, reason="mains_lost", detail={"số": nth}))
    for first in range(0, WEEK, 1_000):
        opened.book.write(Batch(drafts=drafts[first : first + 1_000]))
    opened.book.close()


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    """One post with a week in its book; its broker and its hub have never been there."""
    with Commune(tmp_path_factory.mktemp("books")) as whole:
        bell = whole.enrol(POST, ["Thôn 1"])
        week_without_a_line(bell.directory / "state" / "book")
        bell.start()
        until(bell.book, 60, "the post is up, without a line")
        yield whole


def book_file(bell: Bell) -> Path:
    return bell.directory / "state" / "book" / "book.db"


def head(path: Path) -> int:
    """The seq of the newest entry in this file."""
    reader = connect(path)
    try:
        return head_of(reader).seq
    finally:
        reader.close()


def chains(commune: Commune) -> list[Chain]:
    """The post's books, in the order in which they came."""
    with commune.hub.ledger.read() as connection:
        first = select(ENTRY.c.book).where(ENTRY.c.seq == 1, ENTRY.c.post == POST).order_by(ENTRY.c.n)
        order = [str(book) for book in connection.execute(first).scalars()]
        begun = [chain for chain in merging.all_chains(connection) if chain.book in order]
    return sorted(begun, key=lambda chain: order.index(chain.book))


def newest(commune: Commune) -> Chain:
    """The book that the post writes now, as the hub has it; one with nothing in it before the first entry."""
    found = chains(commune)
    return found[-1] if found else Chain(POST, "")


def slowed(told: Callable[[Stored], None]) -> Callable[[Stored], None]:
    """A hub on a small machine: a tenth of a second for each batch."""

    def tell(stored: Stored) -> None:
        told(stored)
        time.sleep(0.1)

    return tell


def open_alarms(commune: Commune) -> list[Incident]:
    """Untaken, and somebody is to be called for it."""
    with commune.hub.ledger.read() as connection:
        return [item for item in incidents.open_ones(connection) if item.call_due_ms is not None]


def whole_at_the_hub(commune: Commune, bell: Bell) -> None:
    """All that the post has written by now has come."""
    last = until(bell.book, 60, "its page is up")[-1]
    until(
        lambda: newest(commune).book == last["book"] and newest(commune).seq >= last["seq"], 60, f"up to {last['seq']}"
    )


def test_a_week_without_a_line_comes_once_in_order_and_an_alarm_goes_before_it(commune: Commune) -> None:
    """P8, P9: 5,000 entries, and pressed meanwhile: an incident at once, long before its own entry; last week's alarms wake nobody."""
    bell = commune.bells[POST]
    bell.freeze()  # the broker is to know the hub before the post comes, as any but the very first day
    commune.start_broker()
    commune.hub.start()
    until(lambda: commune.hub.line.up, 20, "the hub's line is up")
    commune.hub.ingest._on_stored = slowed(commune.hub.ingest._on_stored)
    bell.thaw()
    until(lambda: newest(commune).seq > 0, 60, "it is catching up")
    bell.press()
    pressed_s = time.monotonic()
    [alarm] = until(lambda: open_alarms(commune), 10, "the alarm is an incident")
    took_s, caught_up = time.monotonic() - pressed_s, newest(commune).seq
    print(f"incident {took_s:.2f} s after the press, at entry {caught_up} of {WEEK}")
    assert caught_up < WEEK
    assert (alarm.post, alarm.village, now_ms() - alarm.began_ms < 60_000) == (POST, "thon-1", True)
    whole_at_the_hub(commune, bell)
    print(f"all of it {time.monotonic() - pressed_s:.2f} s after the press")
    chain = newest(commune)
    with commune.hub.ledger.read() as connection:
        heard = select(ENTRY.c.seq).where(ENTRY.c.post == POST, ENTRY.c.book == chain.book).order_by(ENTRY.c.n)
        in_order = list(connection.execute(heard).scalars())
        stored = merging.stored(connection, POST, chain.book, 0, 2 * WEEK)
        again = incidents.sounded_of(connection, [alarm.id])
    assert in_order == list(range(1, len(in_order) + 1)), "each once, in the post's own order"
    reader = connect(book_file(bell))
    written = list(entries_after(reader, 0, len(stored)))
    reader.close()
    assert stored == written and len(stored) > WEEK
    assert (chain.gap_ms, chain.wrong_seq, chain.began) == (None, None, "new")
    assert [item.id for item in open_alarms(commune)] == [alarm.id], "seven alarms of last week woke nobody"
    assert [item.place for item in again] == ["nhà văn hóa"], "its entry has come behind"


def test_a_card_put_back_to_an_older_copy_is_seen_and_the_post_is_still_heard(commune: Commune) -> None:
    """P8: the end of the book is gone and other entries stand in its place: said with the first of them; what the post does now
    is followed all the same, and both versions are kept."""
    bell = commune.bells[POST]
    copy = book_file(bell).with_name("copy.db")
    with sqlite3.connect(book_file(bell)) as now, sqlite3.connect(copy) as then:
        now.backup(then)
    commune.hub.acts.hush(OFFICER, "hush-book-0001", [POST], None)
    until(lambda: commune.states("hush-book-0001") == {POST: "done"}, 10, "hushed")
    whole_at_the_hub(commune, bell)
    bell.end()
    before = newest(commune)
    copied = head(copy)
    assert copied < before.seq
    for tail in ("-wal", "-shm"):
        book_file(bell).with_name(f"book.db{tail}").unlink(missing_ok=True)
    copy.replace(book_file(bell))
    bell.start()
    until(lambda: newest(commune).wrong_seq is not None and commune.present(POST), 60, "it is seen")
    commune.ring("act-book-0001", [POST], "drill")
    until(lambda: commune.states("act-book-0001")[POST] == "ringing", 15, "what it does now is heard")
    commune.hub.acts.hush(OFFICER, "hush-book-0002", [POST], None)
    until(lambda: commune.states("hush-book-0002") == {POST: "done"}, 15, "and its end")
    chain = newest(commune)
    assert (chain.book, chain.wrong_seq, chain.wrong) == (before.book, copied + 1, "rewritten")
    with commune.hub.ledger.read() as connection:
        kept = merging.stored(connection, POST, chain.book, copied, 1)
        said = select(ENTRY).where(
            ENTRY.c.post == POST, ENTRY.c.book.like(f"{chain.book}~%"), ENTRY.c.seq == copied + 1
        )
        [other] = [merging.entry_from(row) for row in connection.execute(said).mappings()]
    assert kept[0].hash != other.hash == chain_hash(other.prev, other)


def rewrite(path: Path, seq: int) -> None:
    """As somebody would who knows how the book is made: one word, and every hash behind it."""
    book: Any = sqlite3.connect(path)
    reader = connect(path)
    prev, changed = entries_after(reader, seq - 2, 1)[0].hash, []
    for entry in entries_after(reader, seq - 1, 2 * WEEK):
        detail = {"số": "khác"} if entry.seq == seq else entry.detail
        said = {name: getattr(entry, name) for name in entry.__slots__} | {"detail": detail, "prev": prev}
        prev = chain_hash(prev, said)
        changed.append((detail_json(detail), bytes.fromhex(prev), entry.seq))
    reader.close()
    with book:
        book.executemany("UPDATE entry SET detail = ?, hash = ? WHERE seq = ?", changed)
        book.execute("UPDATE head SET hash = ? WHERE id = 1", (bytes.fromhex(prev),))
        book.execute("DELETE FROM value WHERE key = '_proved'")
    book.close()


def test_a_rewritten_entry_is_found_though_every_hash_behind_it_was_made_anew(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: the post itself finds its book whole; the hub, which has the true one, names the first entry that was changed."""
    monkeypatch.setattr("kengd.hub.chains.ASK_AGAIN_MS", 1_000)  # it was asked for as a whole a moment ago
    bell = commune.bells[POST]
    bell.end()
    rewrite(book_file(bell), WEEK - 900)
    bell.start()
    until(lambda: newest(commune).wrong_seq == WEEK - 900, 60, "the first wrong entry is named")
    assert newest(commune).wrong == "rewritten"
    assert bell.book()[-1]["book"] == newest(commune).book, "the post goes on with it"


def test_a_swapped_pi_goes_on_under_the_same_post_and_the_old_book_stays(commune: Commune) -> None:
    """R42, P8: enrolled again: a new certificate and a new book under the same name; the old one is kept, its certificate is not."""
    bell = commune.bells[POST]
    bell.end()
    until(lambda: newest(commune).seq == head(book_file(bell)), 10, "its last word is here")
    old = newest(commune)
    worn = commune.directory / "worn"
    shutil.copytree(bell.directory / "keys", worn)
    shutil.rmtree(bell.directory / "state")
    wish = PostWish(POST, "Điểm dong", ("Thôn 1",), "127.0.0.1", commune.port, bell.config.read_text())
    made = commune.authority.enrol(wish, now_ms())
    for name, text in made.keys.items():
        (bell.directory / "keys" / name).write_text(text)
    bell.config.write_text(made.settings)
    write_broker(commune.authority, commune.settings)
    commune.kill_broker()
    commune.start_broker()
    bell.start()
    until(lambda: newest(commune).book != old.book and commune.present(POST), 60, "a new book has begun")
    commune.ring("act-book-0002", [POST], "drill")
    until(lambda: commune.states("act-book-0002")[POST] == "ringing", 15, "it rings")
    commune.hub.acts.hush(OFFICER, "hush-book-0003", [POST], None)
    until(lambda: commune.states("hush-book-0003") == {POST: "done"}, 15, "hushed")
    whole_at_the_hub(commune, bell)
    former, now = chains(commune)
    assert (former.book, former.seq, former.hash, former.wrong_seq) == (old.book, old.seq, old.hash, WEEK - 900)
    assert (now.wrong_seq, now.gap_ms, now.began) == (None, None, "new")
    stolen = ShellLink(
        "127.0.0.1", commune.port, ca=str(worn / "ca.pem"), cert=str(worn / "broker.pem"), key=str(worn / "broker.key")
    )
    with pytest.raises(KengdError), stolen as link:
        link.connect()
        link.publish(f"kengd/1/cong-lac/{POST}/status", b"x", retain=True)
