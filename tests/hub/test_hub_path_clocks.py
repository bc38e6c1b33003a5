"""Clocks that are wrong, on the whole path: a post's, the hub's, before and while it runs (H22)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from kengd import clock
from kengd.duty.words import Instant
from kengd.hub import silent_test
from kengd.hub.absences import LOST
from kengd.hub.desk import board
from kengd.hub.incidents import Incident
from kengd.hub.ledger import incidents, merging, values
from kengd.hub.ledger.merging import ENTRY
from kengd.hub.roster import Seen, hub_clock_wrong
from kengd.hub.service import Hub
from tests.hub.commune import HOLD_MS, OFFICER, ROOT, Bell, Commune, now_ms, until

HOUR_MS = 3_600_000
YEARS_MS = 5 * 365 * 24 * HOUR_MS
POSTS = ("dong", "tay", "nam")
_true_now = clock.now


class HubClock:
    """The hub's own clock: it runs in this process, the posts in theirs."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> Instant:
        true = _true_now()
        return Instant(true.mono_ms, true.wall_ms + self.ahead_ms)


@pytest.fixture(scope="module")
def hub_clock() -> Iterator[HubClock]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", HubClock())
        yield clock.now  # type: ignore[misc]


def put(bell: Bell, ahead_ms: int) -> None:
    """Its clock, against the true one."""
    shift = bell.directory / "shift"
    shift.write_text(str(ahead_ms))
    shim = f"{ROOT / 'tests' / 'post' / 'shim'}:{ROOT}"
    bell.environment = {"KENGD_TEST_SHIFT": str(shift), "PYTHONPATH": shim}


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory, hub_clock: HubClock) -> Iterator[Commune]:
    """dong is right; tay believes a clock that is an hour slow; nam knows that it does not know the time: five years ago."""
    with Commune(tmp_path_factory.mktemp("clocks")) as whole:
        for number, post in enumerate(POSTS, start=1):
            untrusted = post == "nam"
            whole.enrol(post, [f"Thôn {number}"], change=_no_assumption if untrusted else str)
        put(whole.bells["tay"], -HOUR_MS)
        put(whole.bells["nam"], -YEARS_MS)
        whole.start_broker()
        whole.hub.start()
        for bell in whole.bells.values():
            bell.start()
        all_present(whole, 60)
        for bell in whole.bells.values():
            until(bell.book, 60, "its page is up")
        yield whole


def _no_assumption(settings: str) -> str:
    return settings.replace('assume = "ntp"', "")


def all_present(commune: Commune, within_s: float = 15) -> None:
    until(lambda: all(seen(commune, post).is_present(clock.now().wall_ms) for post in POSTS), within_s, "all are there")


def seen(commune: Commune, post: str) -> Seen:
    return commune.hub.watch.seen(post)


def clock_lines(commune: Commune) -> dict[str, str | None]:
    """What the desk says of each clock, up to the colon."""
    now_ms = clock.now().wall_ms
    posts = board.posts_now(commune.hub.roster(), commune.hub.watch.all(), {}, now_ms, True)
    return {post["id"]: post["clock_vi"] and post["clock_vi"].partition(":")[0] for post in posts}


def rings_everywhere(commune: Commune, act: str) -> None:
    """As if no clock were wrong; and then it is quiet."""
    commune.ring(act, POSTS, "drill")
    until(lambda: set(commune.states(act).values()) == {"ringing"}, 10, f"{act}: {commune.targets(act)}")
    commune.hub.acts.hush(OFFICER, f"hush-{act}", POSTS, None)
    until(lambda: set(commune.states(f"hush-{act}").values()) == {"done"}, 10, f"{commune.targets(f'hush-{act}')}")


def pressed(commune: Commune, post: str) -> Incident:
    """A button alarm there: the incident, begun now by the hub's clock, and somebody is to be called."""
    commune.bells[post].press(hold_ms=HOLD_MS + 60)
    let_go_ms = now_ms() + HOLD_MS + 300

    def found() -> list[Incident]:
        with commune.hub.ledger.read() as connection:
            return [one for one in incidents.open_ones(connection) if one.post == post]

    incident: Incident
    [incident] = until(found, 10, "the incident is there")
    assert incident.call_due_ms is not None, "somebody is to be called"
    assert abs(clock.now().wall_ms - incident.began_ms) < 20_000
    until(lambda: now_ms() > let_go_ms, 5, "the finger is off the button: the next test presses it again")
    commune.hub.acts.acknowledge(OFFICER, incident.id)
    commune.hub.acts.hush(OFFICER, f"hush-{incident.id}", [post], None)
    until(lambda: commune.states(f"hush-{incident.id}") == {post: "done"}, 10, "quiet")
    with commune.hub.ledger.write() as connection:
        incidents.close(connection, incident.id, OFFICER.name, clock.now().wall_ms)
    return incident


def test_posts_with_wrong_clocks_ring_and_the_officer_reads_what_is_wrong_with_each(commune: Commune) -> None:
    """H22: those that differ are addressed with their nonce; a slow clock makes no alarm history; silent test and book are true."""
    assert clock_lines(commune) == {
        "dong": None,
        "tay": "đồng hồ chậm 60 phút so với máy trực ban",
        "nam": "đồng hồ chưa tin được",
    }
    rings_everywhere(commune, "act-clock-0001")
    pressed(commune, "tay")
    name = commune.hub.silent_test.start(POSTS, OFFICER, clock.now().wall_ms)

    def results() -> dict[str, tuple[str, str]]:
        with commune.hub.ledger.read() as connection:
            return {one.post: (one.result, silent_test.why_vi(one)) for one in silent_test.results(connection, name)}

    until(lambda: {result for result, _ in results().values()} == {"passed", "failed"}, 15, "tested")
    found = results()
    assert (found["dong"][0], found["tay"][0], found["nam"][0]) == ("passed", "passed", "failed")
    assert "đồng hồ" in found["nam"][1].lower()
    assert all(bell.edges()[-1:] in ([], [0]) for bell in commune.bells.values())
    in_true_order(commune)


def test_a_hush_ends_all_that_sounds_at_a_post_without_a_clock_also_what_joined(commune: Commune) -> None:
    """P13, H22: the keeper has pressed twice, or two orders met there; one "dừng" is enough, and the bell is still."""
    bell = commune.bells["nam"]
    before = bell.book()[-1]["seq"]
    bell.press(hold_ms=HOLD_MS + 60)
    let_go_ms = now_ms() + HOLD_MS + 500
    until(lambda: sounds(commune, "nam"), 10, "the hub knows of it")
    until(lambda: now_ms() > let_go_ms, 5, "the finger is off the button")
    bell.press(hold_ms=HOLD_MS + 60)

    def begun() -> int:
        return sum(entry["kind"] == "ringing" and entry["seq"] > before for entry in bell.book())

    until(lambda: begun() == 2, 10, "the second has joined")
    until(lambda: seen(commune, "nam").status.seq >= bell.book()[-1]["seq"], 5, "the hub was told")  # type: ignore[union-attr]
    commune.hub.acts.hush(OFFICER, "hush-joined-01", ["nam"], None)
    until(lambda: commune.states("hush-joined-01") == {"nam": "done"}, 10, "done")
    until(lambda: not sounds(commune, "nam"), 3, "and still")
    commune.ring("act-join-00001", ["nam"])
    commune.ring("act-join-00002", ["nam"])
    until(lambda: commune.states("act-join-00002") == {"nam": "ringing"}, 10, "both ring")
    until(lambda: seen(commune, "nam").status.seq >= bell.book()[-1]["seq"], 5, "the hub was told")  # type: ignore[union-attr]
    commune.hub.acts.hush(OFFICER, "hush-joined-02", POSTS, None)
    until(lambda: commune.states("hush-joined-02")["nam"] == "done", 10, "done")
    until(lambda: not sounds(commune, "nam"), 3, "and still")
    assert bell.edges()[-1] == 0
    with commune.hub.ledger.write() as connection:
        for one in incidents.open_ones(connection):
            incidents.close(connection, one.id, OFFICER.name, clock.now().wall_ms)


def sounds(commune: Commune, post: str) -> bool:
    status = seen(commune, post).status
    return status is not None and status.sounding is not None


def in_true_order(commune: Commune) -> None:
    """Whatever the entries' own times say: heard in the order in which they were written, the chains whole."""
    with commune.hub.ledger.read() as connection:
        for chain in merging.all_chains(connection):
            heard = select(ENTRY.c.seq).where(ENTRY.c.post == chain.post, ENTRY.c.book == chain.book)
            seqs = list(connection.execute(heard.order_by(ENTRY.c.n)).scalars())
            assert seqs == sorted(seqs) and (chain.gap_ms, chain.wrong_seq) == (None, None), chain


def test_a_clock_that_is_put_right_is_seen_to_be_right(commune: Commune) -> None:
    """The post writes that it was put, its next status shows it."""
    put(commune.bells["tay"], 0)
    until(lambda: clock_lines(commune)["tay"] is None, 15, "tay is right again")
    assert "clock_stepped" in {entry["kind"] for entry in commune.bells["tay"].book()}
    in_true_order(commune)


@pytest.mark.parametrize("ahead_ms", [HOUR_MS, -YEARS_MS, YEARS_MS, 0])
def test_a_hub_whose_clock_is_put_loses_nobody_and_rings_as_before(
    commune: Commune, hub_clock: HubClock, ahead_ms: int
) -> None:
    """H22: nobody is lost, nobody is told so; rings, alarms and calls go on; it is said that it is the hub's clock."""
    hub_clock.ahead_ms = ahead_ms
    now_ms = clock.now().wall_ms
    assert [post for post in POSTS if not seen(commune, post).is_present(now_ms)] == []
    assert hub_clock_wrong(commune.hub.watch.all().values(), now_ms) is (ahead_ms != 0)
    rings_everywhere(commune, f"act-put-{ahead_ms}")
    pressed(commune, "dong")
    commune.hub.herald.turn()
    with commune.hub.ledger.read() as connection:
        assert values.under(connection, LOST) == {}
        assert incidents.calls_due(connection, now_ms) == []


@pytest.mark.parametrize("ahead_ms", [HOUR_MS, -YEARS_MS])
def test_a_hub_that_starts_with_a_wrong_clock_rings_from_its_first_second(
    commune: Commune, hub_clock: HubClock, ahead_ms: int
) -> None:
    """H22: all it has of the posts is what the broker kept; that their times do not go with its own is enough to be careful."""
    commune.hub.stop()
    hub_clock.ahead_ms = ahead_ms
    commune.hub = Hub(commune.settings)
    commune.hub.start()
    until(lambda: len(commune.hub.watch.all()) == len(POSTS), 15, "what the broker kept is there")
    assert not any(one.live for one in commune.hub.watch.all().values())
    rings_everywhere(commune, f"act-start-{ahead_ms}")
    pressed(commune, "dong")
    all_present(commune)


def test_put_right_it_is_right(commune: Commune, hub_clock: HubClock) -> None:
    """And the books of all of it are whole, in the order in which things happened."""
    hub_clock.ahead_ms = 0
    now_ms = clock.now().wall_ms
    assert not hub_clock_wrong(commune.hub.watch.all().values(), now_ms)
    rings_everywhere(commune, "act-right-0001")
    in_true_order(commune)
    assert Path(commune.directory / "mosquitto.log").exists()
