"""What each post last said of itself: believed only as far as it was said, and when (P9, R49)."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.ledger import values
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import STALE_MS, Seen
from kengd.hub.watch import Watch
from kengd.wire.status import ABSENT, build_status
from tests.hub.spine_kit import T0, status

News = tuple[str, Seen, Seen]


@pytest.fixture
def news() -> list[News]:
    return []


@pytest.fixture
def watch(news: list[News]) -> Watch:
    return Watch(lambda post, before, after: news.append((post, before, after)))


def present(at_ms: int = T0, **more: object) -> bytes:
    return build_status(status(at_ms=at_ms, **more))


def text_without_end() -> str:
    """36 KB that nothing makes shorter."""
    return "".join(map(chr, random.Random(2).choices(range(0x4E00, 0x9FFF), k=12_000)))


@pytest.mark.parametrize(
    ("where", "what"),
    [("activation", "bad id!"), ("activation", ""), ("activation", "x" * 65), ("signal", text_without_end()),
     ("code", text_without_end()), ("book", text_without_end()), ("nonce", text_without_end()), ("hash", "0" * 201),
     ("version", text_without_end()), ("codebook_version", 2**53), ("seq", -(10**30))],
)  # fmt: skip
def test_a_status_with_what_no_post_says_changes_nothing(
    watch: Watch, news: list[News], where: str, what: object
) -> None:
    """R49: what would fill a key, an index or a command to bursting is no status; the post stays as it was, and nobody is told."""
    sounding = Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, T0)
    good = present(
        sounding=sounding, conditions=(Condition("battery_low", "critical", "Ắc quy sắp hết", "battery low"),)
    )
    data = json.loads(good)
    assert watch.status("thon-1", good, retained=False, now_ms=T0)
    owner = next(one for one in (data, data["sounding"], data["conditions"][0]) if where in one)
    owner[where] = what
    before = watch.all()
    assert not watch.status("thon-1", json.dumps(data).encode(), retained=False, now_ms=T0 + 1)
    assert (watch.all(), len(news)) == (before, 1)


def test_a_condition_that_talks_on_is_cut_and_the_rest_is_heard(watch: Watch) -> None:
    """H17: a condition may quote a system's own words, of any length; the post that is ill is heard all the same."""
    long = Condition("battery_low", "critical", "ắ" * 5_000, "x" * 5_000)
    assert watch.status("thon-1", present(conditions=(long,)), retained=False, now_ms=T0)
    said = watch.seen("thon-1").status
    assert said is not None
    assert said.conditions == (Condition("battery_low", "critical", "ắ" * 1_000, "x" * 1_000),)


def test_a_post_that_never_spoke_is_not_there(watch: Watch, news: list[News]) -> None:
    """P9: not known is not well."""
    assert (watch.seen("thon-1"), watch.all(), news) == (Seen(), {}, [])
    assert not Seen().is_present(T0)


def test_a_live_status_is_there_for_as_long_as_it_may_be_silent(watch: Watch, news: list[News]) -> None:
    """A present post speaks once a minute; its clock is compared with ours."""
    assert watch.status("thon-1", present(T0 + 4_000), retained=False, now_ms=T0)
    found = watch.seen("thon-1")
    assert found == Seen(status(at_ms=T0 + 4_000), True, T0, T0, True, 4_000, word_ms=T0)
    assert (found.is_present(T0 + STALE_MS - 1), found.is_present(T0 + STALE_MS)) == (True, False)
    assert news == [("thon-1", Seen(), found)]


def test_a_post_of_another_version_is_there_and_nothing_more_is_known_of_it(watch: Watch, news: list[News]) -> None:
    """P9: neither dead nor ready; its next word in our version is believed again."""
    newer = json.dumps({"v": 2, "presence": "present"}).encode()
    watch.status("thon-1", present(T0), retained=False, now_ms=T0)
    assert watch.status("thon-1", newer, retained=False, now_ms=T0 + 1_000)
    found = watch.seen("thon-1")
    assert found == Seen(None, True, T0 + 1_000, T0, True, speaks=2, word_ms=T0 + 1_000)
    assert found.is_present(T0 + 1_000) and not found.needs_nonce()
    watch.status("thon-1", json.dumps({"v": 2, "presence": "absent"}).encode(), retained=False, now_ms=T0 + 2_000)
    assert not watch.seen("thon-1").is_present(T0 + 2_000)
    watch.status("thon-1", present(T0 + 3_000), retained=False, now_ms=T0 + 3_000)
    assert watch.seen("thon-1") == Seen(
        status(at_ms=T0 + 3_000), True, T0 + 3_000, T0 + 3_000, True, 0, word_ms=T0 + 3_000
    )
    assert len(news) == 4


def test_what_the_broker_kept_is_as_old_as_the_post_says(watch: Watch) -> None:
    """P9: a status retained since yesterday proves nothing about now; only a trusted clock says how old it is."""
    watch.status("old", present(T0 - 86_400_000), retained=True, now_ms=T0)
    watch.status("young", present(T0 - 20_000), retained=True, now_ms=T0)
    watch.status("untrusted", present(T0 - 86_400_000, clock="untrusted"), retained=True, now_ms=T0)
    watch.status("ahead", present(T0 + 60_000), retained=True, now_ms=T0)
    assert {post: seen.is_present(T0) for post, seen in watch.all().items()} == {
        "old": False, "young": True, "untrusted": True, "ahead": True
    }  # fmt: skip
    assert {(seen.live, seen.ahead_ms) for seen in watch.all().values()} == {(False, None)}


def test_the_last_will_says_that_it_is_gone_and_since_when(watch: Watch, news: list[News]) -> None:
    """Absent since the first word of it, however often the broker tells it again."""
    watch.status("thon-1", present(), retained=False, now_ms=T0)
    watch.status("thon-1", ABSENT, retained=False, now_ms=T0 + 1_000)
    watch.status("thon-1", ABSENT, retained=True, now_ms=T0 + 50_000)
    gone = watch.seen("thon-1")
    assert (gone.present, gone.since_ms, gone.status) == (False, T0 + 1_000, status())
    watch.status("thon-1", present(T0 + 60_000), retained=False, now_ms=T0 + 60_000)
    assert (watch.seen("thon-1").present, watch.seen("thon-1").since_ms) == (True, T0 + 60_000)
    assert [after.present for _, _, after in news] == [True, False, False, True]


def test_since_when_a_post_is_gone_outlives_the_process_that_saw_it(watch: Watch, tmp_path: Path) -> None:
    """P9: the broker keeps a Last Will without its time; a restart, or the shell, must not say that it went just now."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.write() as connection:
        values.note_presence(connection, [("thon-1", True, T0), ("thon-1", False, T0 + 5_000), ("thon-2", True, T0)])
    with ledger.read() as connection:
        watch.remember(values.absent_since(connection))
    ledger.close()
    for post in ("thon-1", "thon-2"):
        watch.status(post, ABSENT, retained=True, now_ms=T0 + 700_000)
    assert {post: (one.since_ms, one.heard_ms, one.present) for post, one in watch.all().items()} == {
        "thon-1": (T0 + 5_000, T0 + 5_000, False),
        "thon-2": (T0 + 700_000, T0 + 700_000, False),
    }
    watch.status("thon-1", present(T0 + 800_000), retained=False, now_ms=T0 + 800_000)
    assert watch.seen("thon-1").is_present(T0 + 800_000)


def test_an_older_retained_status_does_not_replace_what_was_heard_live(watch: Watch, news: list[News]) -> None:
    """After a reconnection the broker tells again what it kept."""
    watch.status("thon-1", present(T0, seq=9), retained=False, now_ms=T0)
    before = watch.seen("thon-1")
    watch.status("thon-1", present(T0, seq=9), retained=True, now_ms=T0 + 5_000)
    assert (watch.seen("thon-1"), len(news)) == (before, 1)


def test_a_status_that_waited_at_the_broker_says_nothing_about_a_clock(watch: Watch) -> None:
    """P9, H22: it is newer than what was known, but not a word of now; the post's clock stays what it was found to be, and the
    next word heard live tells more."""
    watch.status("right", present(T0), retained=False, now_ms=T0)
    watch.status("slow", present(T0 - 3_600_000), retained=False, now_ms=T0)
    for post, at_ms in (("right", T0 + 60_000), ("slow", T0 + 60_000 - 3_600_000), ("new", T0 + 60_000)):
        watch.status(post, present(at_ms, seq=9), retained=False, late=True, now_ms=T0 + 80_000)
        watch.status(post, present(at_ms, seq=9), retained=True, now_ms=T0 + 80_001)
    seen = watch.all()
    assert {
        post: (one.live, one.ahead_ms, one.heard_ms, one.is_present(T0 + 80_001)) for post, one in seen.items()
    } == {
        "right": (False, 0, T0 + 60_000, True),
        "slow": (False, -3_600_000, T0 + 60_000, True),
        "new": (False, None, T0 + 60_000, True),
    }
    assert {one.status.seq for one in seen.values() if one.status} == {9}
    watch.status("right", present(T0 + 90_000), retained=False, now_ms=T0 + 90_001)
    assert (watch.seen("right").live, watch.seen("right").ahead_ms) == (True, -1)


def test_an_entry_shows_that_a_present_post_is_there(watch: Watch) -> None:
    """And nothing about one that has gone or was never heard of: entries may come late."""
    watch.status("thon-1", present(), retained=False, now_ms=T0)
    watch.spoke("thon-1", T0 + 80_000)
    assert watch.seen("thon-1").is_present(T0 + 100_000)
    watch.status("thon-1", ABSENT, retained=False, now_ms=T0 + 100_000)
    watch.spoke("thon-1", T0 + 101_000)
    watch.spoke("thon-2", T0)
    assert not watch.seen("thon-1").is_present(T0 + 101_000)
    assert list(watch.all()) == ["thon-1"]


def test_a_refused_signature_is_remembered_until_a_command_is_taken(watch: Watch, news: list[News]) -> None:
    """A post that does not know our key would not ring: said until it obeys again; told when it changes only."""
    watch.status("thon-1", present(), retained=False, now_ms=T0)
    for reason in ("unknown_key", "unknown_key", None, None):
        watch.refused("thon-1", reason)
    assert [after.refused for _, _, after in news] == [None, "unknown_key", None]
    watch.refused("thon-1", "bad_signature")
    watch.status("thon-1", present(T0 + 1), retained=False, now_ms=T0 + 1)
    assert watch.seen("thon-1").refused == "bad_signature", "a status says nothing about keys"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted(json.loads(present()))


@given((st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())).filter(lambda raw: raw != ABSENT))
def test_what_is_no_status_leaves_the_post_as_it_was(raw: bytes) -> None:
    """R49: whatever comes, it is told unreadable, and no post changes."""
    watch = Watch(lambda *_: None)
    watch.status("thon-1", present(), retained=False, now_ms=T0)
    before = watch.seen("thon-1")
    assert watch.status("thon-1", raw, retained=False, now_ms=T0 + 9) is False
    assert watch.seen("thon-1") == before


@given(st.sampled_from(KEYS), JSON | st.just(...))
def test_a_status_with_one_part_spoilt_is_read_or_refused_whole(key: str, value: object) -> None:
    """R49: never half of it, never an error that would stop the line."""
    said = json.loads(present())
    if value is ...:
        del said[key]
    else:
        said[key] = value
    watch = Watch(lambda *_: None)
    good = watch.status("thon-1", json.dumps(said).encode(), retained=False, now_ms=T0)
    assert good is (watch.seen("thon-1") != Seen())


def test_news_may_come_from_several_threads_at_once() -> None:
    """The line's thread, the ingest's: nothing is lost between them."""
    news: list[News] = []
    watch = Watch(lambda post, before, after: news.append((post, before, after)))

    def speak(post: str) -> None:
        for n in range(1, 201):
            watch.status(post, present(T0 + n), retained=False, now_ms=T0 + n)
            watch.refused(post, "unknown_key" if n % 2 else None)

    threads = [threading.Thread(target=speak, args=(f"thon-{n % 2}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(watch.all()) == {"thon-0", "thon-1"}
    assert all(before != after for _, before, after in news)


def test_presence_is_kept_once_for_each_change(ledger: Ledger) -> None:
    """Reports: several workers see the same change; one row."""
    with ledger.write() as connection:
        came = [("thon-1", present, at_ms) for present, at_ms in [(True, 10), (True, 11), (False, 20), (False, 21)]]
        assert values.note_presence(connection, came) == [came[0], came[2]]
        later = [("thon-1", False, 22), ("thon-1", True, 30), ("thon-1", False, 99), ("thon-2", False, 15)]
        assert values.note_presence(connection, later) == later[1:]
        assert values.presence_between(connection, 25, 99) == {
            "thon-1": [(20, False), (30, True)],
            "thon-2": [(15, False)],
        }
        assert values.presence_between(connection, 0, 11) == {"thon-1": [(10, True)]}


def test_values_are_kept_by_their_key(ledger: Ledger) -> None:
    """New, changed, struck; and those under a prefix, whose `%` and `_` mean themselves."""
    with ledger.write() as connection:
        for key, value in [("a", "1"), ("a", "2"), ("b", "3"), ("b", None), ("x_1", "4"), ("xy1", "5"), ("x%1", "6")]:
            values.put_value(connection, key, value)
        assert [values.value_of(connection, key) for key in ("a", "b", "c")] == ["2", None, None]
        assert values.under(connection, "x_") == {"x_1": "4"}
        assert values.under(connection, "x") == {"x%1": "6", "x_1": "4", "xy1": "5"}
