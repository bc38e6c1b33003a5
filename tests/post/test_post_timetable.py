"""P6, R33–R37 on a whole post whose wall clock the test puts."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing

from tests.post.conftest import NewPost
from tests.post.hub import Entry, Hub, until
from tests.post.village import Post, freeze

LINE = '[[timetable]]\nat = "22:00"\ndays = "daily"\nsignal = "meeting"\ngrace_s = {grace_s}'
BLOWS = 3


def ledger(post: Post) -> list[str]:
    """The states of the ledger's rows, read from the file."""
    with closing(sqlite3.connect(f"file:{post.state}/book/book.db?mode=ro", uri=True)) as book:
        return [state for (state,) in book.execute("SELECT state FROM ledger ORDER BY date")]


def known(post: Post) -> bool:
    """The book holds since when the line is known: before that nobody can say that it was missed."""
    with closing(sqlite3.connect(f"file:{post.state}/book/book.db?mode=ro", uri=True)) as book:
        return bool(book.execute("SELECT 1 FROM value WHERE key LIKE 'timetable_since:%'").fetchall())


def test_a_due_ring_is_in_the_ledger_before_it_is_sent_and_rings_once(new_post: NewPost, hub: Hub) -> None:
    """P6, R33–R35, R37: durable first; not again after kill -9 of the office, a clock put back, or years ahead; and not silent then."""
    post = new_post(id="gio", hub=hub, shim=True, timetable=LINE.format(grace_s=60))
    post.set_clock("21:30:00")
    post.start()
    freeze(post.pid)  # whatever the office asks for is not rung now
    post.set_clock("21:59:59")
    until(lambda: "sent" in ledger(post), 5, "the row")
    assert post.strokes() == 0
    post.signal(signal.SIGCONT)
    until(lambda: post.strokes() == BLOWS, 5, "the ring")
    post.renew_office()
    time.sleep(1.5)  # two ticks
    ringing = [each for each in hub.entries(post.id) if each["kind"] == "ringing"]
    assert [(each["source"], each["signal"]) for each in ringing] == [("timetable", "meeting")]
    assert ledger(post) == ["rung"]

    post.set_clock("21:50:00")  # back, and the same evening once more
    time.sleep(1.5)
    post.set_clock("22:00:05")
    time.sleep(2.5)
    assert post.strokes() == BLOWS

    before = post.head()
    post.set_clock("12:00:00", days=1_000)  # years ahead: one line says what was missed, nothing rings
    missed = _missed(post, before)
    assert missed["detail"]["count"] >= 998
    assert post.strokes() == BLOWS
    post.set_clock("21:59:59", days=1_000)
    until(lambda: post.strokes() == 2 * BLOWS, 6, "the ring of that evening")
    time.sleep(1.5)
    assert post.strokes() == 2 * BLOWS
    assert [kind for kind, _ in post.kinds(before)].count("missed") == 1
    assert "clock_stepped" in [kind for kind, _ in post.kinds(before)]


def _missed(post: Post, before: int) -> Entry:
    def found() -> Entry | None:
        return next((each for each in post.entries() if each["kind"] == "missed" and each["seq"] > before), None)

    entry: Entry = until(found, 8, "missed")
    return entry


def test_an_untrusted_clock_rings_no_line_and_judges_commands_by_nonce(new_post: NewPost, hub: Hub) -> None:
    """P6, R36: no timetable ring, later written as missed; a command needs the status's nonce (H22); the button needs nothing."""
    post = new_post(id="chua-dung", hub=hub, shim=True, clock="", timetable=LINE.format(grace_s=2))
    post.set_clock("21:30:00")
    post.start()
    assert "clock_untrusted" in post.conditions()
    post.set_clock("21:59:59")
    missed = _missed(post, 0)
    assert missed["reason"] == "clock_untrusted"
    assert post.strokes() == 0
    assert hub.refused(post.id, hub.ring(post.id, "meeting")) == "clock_untrusted"
    nonce = until(lambda: hub.status(post.id).get("nonce"), 3)
    assert hub.status(post.id)["clock"] == "untrusted"
    hub.answered(post.id, hub.ring(post.id, "meeting", nonce=nonce, iat=1_000, exp=1_060), "finished", 8)
    assert post.strokes() == BLOWS
    began_ns = post.press()
    post.rings(since_ns=began_ns)


def test_a_line_due_while_the_post_is_off_is_rung_within_its_grace_else_missed(new_post: NewPost, hub: Hub) -> None:
    """P6, R37: back 20 s late it rings; back after the grace it is written as missed."""
    post = new_post(id="tat", hub=hub, shim=True, timetable=LINE.format(grace_s=60))
    post.set_clock("21:30:00")
    post.start()
    until(lambda: known(post), 5, "the line is known since a moment")
    assert post.stop() == 0
    post.set_clock("22:00:20")
    post.start()
    until(lambda: post.strokes() == BLOWS, 5, "late, within its grace")
    assert post.stop() == 0
    post.set_clock("22:05:00", days=1)
    post.start()
    missed = _missed(post, 0)
    assert missed["source"] == "timetable"
    assert post.strokes() == BLOWS
