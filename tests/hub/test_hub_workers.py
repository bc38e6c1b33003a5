"""Two workers of one hub on one PostgreSQL: they share the load, do nothing twice, and either may die at any moment."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kengd import clock
from kengd.hub.authority.broker import ACL
from kengd.hub.founding import BROKER_DIR, SHELL
from kengd.hub.incident_acts import part_of
from kengd.hub.ledger import audits, changes, dispatches, merging, rosters, trials
from kengd.hub.people.people import People
from kengd.hub.people.words import Caller
from kengd.hub.roster import Neighbour, Village
from kengd.hub.silent_test import night_due
from kengd.uplink.shell import ShellLink
from kengd.wire.topics import command_topic
from tests.broker import free_port
from tests.hub.commune import COMMUNE, Commune, Service, now_ms, until
from tests.hub.conftest import Server
from tests.hub.people_database import PASSWORD
from tests.hub.spine_kit import claims_of

POSTS = ("dong", "tay")
TOLD_WITHIN_S = 1.0


class Wire:
    """Every command that goes over the broker, as a further client hears it."""

    def __init__(self, commune: Commune) -> None:
        files = commune.authority.client_files(SHELL, now_ms())
        self._link = ShellLink("127.0.0.1", commune.port, ca=files.ca, cert=files.cert, key=files.key, client_id=SHELL)
        until(self._connected, 20, "the broker listens")
        self._link.subscribe([command_topic(COMMUNE, "+")])
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def commands(self, dispatch: str, commune: Commune) -> list[str]:
        """The topics to which this dispatch's commands went, in their order."""
        jtis = {target.jti for target in commune.targets(dispatch).values()}
        return [topic for topic, jti, _ in list(self.heard) if jti in jtis]

    def close(self) -> None:
        """Hang up."""
        self._ended.set()
        self._thread.join(5)
        self._link.close()

    def _connected(self) -> bool:
        try:
            self._link.connect()
        except Exception:  # noqa: BLE001 not yet
            return False
        return True

    def _listen(self) -> None:
        while not self._ended.is_set():
            for topic, payload, _ in self._link.messages(0.2):
                claims = claims_of(payload)
                self.heard.append((topic.split("/")[-2], claims["jti"], claims["cmd"]))


@dataclass
class Worker:
    """One `kengd hub serve`, and an officer's machine that calls its API."""

    service: Service
    web: httpx.Client

    def get(self, path: str, **query: Any) -> Any:
        return self.web.get(path, params=query).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        return self.web.post(path, json=body).raise_for_status().json()

    def present(self) -> set[str]:
        """The posts that it sees; none while it does not answer."""
        try:
            return {post["id"] for post in self.get("/api/desk")["posts"] if post["present"]}
        except httpx.TransportError:
            return set()

    def sees_all(self) -> None:
        """Wait for it."""
        until(lambda: self.present() == set(POSTS), 60, "the worker sees every post")

    def states(self, dispatch: str) -> list[str]:
        """As its page shows them."""
        return [post["state"] for post in self.get(f"/api/dispatches/{dispatch}")["targets"]]

    def alarms(self) -> list[tuple[str, str]]:
        """Open ones: incident and post."""
        found = self.get("/api/desk")["incidents"]
        return [(each["id"], each["post"]) for each in found if each["origin"] == "alarm"]

    def tells(self, topic: str, **data: Any) -> Tells:
        """From now on, in a thread: how long until its feed tells this."""
        return Tells(self, topic, data)


class Tells:
    """`took_s` after `began_s` was set."""

    def __init__(self, worker: Worker, topic: str, data: dict[str, Any]) -> None:
        self._worker, self._wanted = worker, (topic, data)
        now = worker.get("/api/changes")
        self._after = f"{now['epoch']}.{now['n']}"
        self._found_s: float | None = None
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()
        self.began_s = time.monotonic()

    def within_s(self) -> float:
        """AssertionError when it never came."""
        self._thread.join(10)
        assert self._found_s is not None, f"never told: {self._wanted}"
        return self._found_s - self.began_s

    def _wait(self) -> None:
        until_s = time.monotonic() + 8
        while time.monotonic() < until_s:
            told = self._worker.get("/api/changes", after=self._after, wait_s=5)
            if any((each["topic"], each["data"]) == self._wanted for each in told["changes"]):
                self._found_s = time.monotonic()
                return
            self._after = f"{told['epoch']}.{told['n']}"


@dataclass
class Town:
    """The whole of it."""

    commune: Commune
    first: Worker
    second: Worker
    wire: Wire

    def missing(self, *posts: str) -> list[tuple[str, int]]:
        """What stands in these posts' own books and is not in the ledger, or is there twice."""
        found = []
        for post in posts or POSTS:
            own = self.commune.bells[post].book()
            with self.commune.hub.ledger.read() as connection:
                kept = [entry.seq for entry in merging.stored(connection, post, own[0]["book"], 0, 10_000)]
            found += [(post, entry["seq"]) for entry in own if kept.count(entry["seq"]) != 1]
        return found

    def rung(self, signal: str) -> list[int]:
        """How often each post has rung this."""
        return [sum(ring["signal"] == signal for ring in self.commune.bells[post].rings()) for post in POSTS]

    def writers(self) -> set[str]:
        """The processes that have stored entries."""
        with self.commune.hub.ledger.read() as connection:
            told = changes.after(connection, 0)
        return {change.by for change in told if any(noted.topic == "entry" for noted in change.noted)}


@pytest.fixture(scope="module")
def town(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two posts, a broker, and two workers: the second by a copy of the first's file with another name and port, as an installer
    makes it. Its first start is before the broker's, which has then to know it. The silent test's hour has just struck."""
    directory = tmp_path_factory.mktemp("workers")
    ports = (free_port(), free_port())
    hour = clock.local(now_ms()) - timedelta(minutes=1)

    def shared(text: str) -> str:
        text = text.replace("# shared = true", "shared = true").replace("port = 0", f"port = {ports[0]}")
        return text.replace("[duty]", f'[duty]\nsilent_test_at = "{hour:%H:%M}"')

    with Commune(directory, serve=False, database=postgres.made_from("shaped"), change=shared) as commune:
        for number, post in enumerate(POSTS, 1):
            commune.enrol(post, [f"Thôn {number}"])
        other = directory / "hub-2.toml"
        text = commune.founded.config.read_text().replace(f"port = {ports[0]}", f"port = {ports[1]}")
        other.write_text(text.replace("[broker]", '[broker]\nclient = "hub-2"'))
        headers = {"Authorization": f"Bearer {token_of(commune)}"}
        workers = [
            Worker(
                Service(config),
                httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20, trust_env=False),
            )
            for config, port in zip((commune.founded.config, other), ports, strict=True)
        ]
        try:
            workers[1].service.start()
            acl = commune.settings.state / BROKER_DIR / ACL
            until(lambda: "user hub-2" in acl.read_text(), 40, "the second worker has told the broker of itself")
            commune.start_broker()
            wire = Wire(commune)
            for bell in commune.bells.values():
                bell.start()
            workers[0].service.start()
            for worker in workers:
                worker.sees_all()
            until(lambda: all(bell.book() for bell in commune.bells.values()), 60, "the posts' own pages are there")
            yield Town(commune, workers[0], workers[1], wire)
            wire.close()
        finally:
            for worker in workers:
                worker.service.end(signal.SIGKILL)
                worker.web.close()


def token_of(commune: Commune) -> str:
    """Of the first officer, whose password is his own by now."""
    people = People(commune.hub.ledger, now_ms, secrets.token_bytes)

    def signed_in(password: str) -> Caller:
        secret, _ = people.sign_in(commune.founded.login, password, "127.0.0.1")
        caller = people.of_session(secret)
        assert caller is not None
        return caller

    people.change_password(signed_in(commune.founded.password), commune.founded.password, PASSWORD)
    return people.make_token(signed_in(PASSWORD), "máy thử", "admin")[0]


def test_each_worker_sees_every_post_and_each_entry_is_kept_once(town: Town) -> None:
    """P8: statuses go to all workers, entries to one of them each."""
    assert [worker.present() for worker in (town.first, town.second)] == [set(POSTS), set(POSTS)]
    until(lambda: not town.missing(), 10, "every entry is in the ledger, once")


def test_the_nights_silent_test_is_begun_by_one_of_them(town: Town) -> None:
    """R31: both were there when its hour had struck; each post was given one command, and has one result."""
    night = night_due(now_ms(), town.commune.settings.duty.silent_test_at)
    assert night is not None

    def results() -> list[tuple[str, str]]:
        with town.commune.hub.ledger.read() as connection:
            return [(trial.post, trial.result) for trial in trials.of_night(connection, night)]

    until(lambda: [post for post, result in results() if result != "waiting"] == list(POSTS), 20, "each has a result")
    tests = {jti for _, jti, cmd in town.wire.heard if cmd["do"] == "ring" and cmd["purpose"] == "test"}
    with town.commune.hub.ledger.read() as connection:
        assert [act.id for act in dispatches.recent(connection)] == [f"silent-{night}"]
    assert len(tests) == 1
    assert [bell.edges() for bell in town.commune.bells.values()] == [[], []]


def test_an_act_that_both_are_given_at_once_is_sent_once_rings_once_and_is_written_down_once(town: Town) -> None:
    """R47, P5: the page sends again through the other worker; whoever was first sends it, both show how it goes."""
    act = {"id": "act-both-0001", "signal": "alarm", "purpose": "drill", "posts": list(POSTS), "why": "diễn tập"}
    together = threading.Barrier(2)
    answers: list[int] = []

    def order(worker: Worker) -> None:
        together.wait(10)
        answers.append(worker.web.post("/api/rings", json=act).status_code)

    threads = [threading.Thread(target=order, args=(worker,)) for worker in (town.first, town.second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [201, 201]
    for shows in (town.first.states, town.second.states):
        until(lambda: shows("act-both-0001") == ["ringing"] * 2, 10, "both show both ringing")  # noqa: B023
    assert town.wire.commands("act-both-0001", town.commune) == ["all"]
    assert [len(bell.rings()) for bell in town.commune.bells.values()] == [1, 1]
    town.second.post("/api/hushes", {"id": "hush-both-0001", "posts": list(POSTS)})
    until(lambda: town.commune.states("act-both-0001") == dict.fromkeys(POSTS, "cut"), 10, "hushed by the other one")
    assert len(town.writers()) == 2, "each has stored some of the answers"
    with town.commune.hub.ledger.read() as connection:
        lines = [line for line in audits.read(connection) if line.act in ("ring", "hush")]
    assert [line.facts["dispatch"] for line in lines] == ["act-both-0001", "hush-both-0001"]


def test_what_one_changes_the_other_tells_within_a_second(town: Town) -> None:
    """Whoever looks at a page of the one sees what was done at the other, or at the shell, though no message of a post says so."""
    took = {}
    for here, there, name in ((town.first, town.second, "first"), (town.second, town.first, "second")):
        call = {"id": f"call-{name}-0001", "text": "có người lạ"}
        told = there.tells("incident", incident=call["id"])
        here.post("/api/incidents", call)
        took[name] = told.within_s()
    both = [worker.tells("hub", roster=True) for worker in (town.first, town.second)]
    with town.commune.hub.ledger.write() as connection:
        rosters.put_village(connection, Village("thon-moi", "Thôn Mới", 10))
    took |= {f"shell {number}": told.within_s() for number, told in enumerate(both)}
    assert {name: round(took_s, 2) for name, took_s in took.items() if took_s > TOLD_WITHIN_S} == {}
    for worker in (town.first, town.second):
        assert "thon-moi" in {village["id"] for village in worker.get("/api/desk")["villages"]}


def test_an_alarm_that_both_see_is_one_and_is_helped_and_cleared_once(town: Town) -> None:
    """H13, H16, P5: its status reaches both and its entry one; the neighbours are rung once, the all-clear goes out once."""
    told = [worker.tells("hub", roster=True) for worker in (town.first, town.second)]
    with town.commune.hub.ledger.write() as connection:
        rosters.put_neighbours(connection, "thon-1", [Neighbour("thon-1", "thon-2", by_itself=True)])
    assert all(each.within_s() < TOLD_WITHIN_S for each in told)
    town.commune.bells["dong"].press()
    for worker in (town.first, town.second):
        ((incident, post),) = until(worker.alarms, 5, "it is at the top at once")
        assert post == "dong"
    support = part_of("support", incident)
    until(lambda: town.commune.states(support) == {"tay": "ringing"}, 10, "the neighbours ring")
    town.second.post(f"/api/incidents/{incident}/acknowledge", None)
    town.first.post(f"/api/incidents/{incident}/all-clear", {"id": "clear-both-0001"})
    until(lambda: min(town.rung("all_clear")) == 1, 15, "the all-clear is rung, also by those who helped")
    until(
        lambda: set(town.commune.states(part_of("hush", incident, "clear-both-0001")).values()) == {"done"},
        10,
        "all that sounded was hushed",
    )
    time.sleep(0.5)
    assert (town.rung("support"), town.rung("all_clear")) == ([0, 1], [1, 1])
    assert (town.wire.commands(support, town.commune), town.second.alarms()) == (["tay"], [])
    town.first.post("/api/hushes", {"id": "hush-both-0002", "posts": ["tay"]})
    until(lambda: town.commune.states("hush-both-0002") == {"tay": "done"}, 10, "and the neighbours are quiet again")


def test_when_the_one_that_ordered_dies_the_other_goes_on_and_asks_for_what_was_lost(town: Town) -> None:
    """R2, P8: its repeats go on within seconds, the post that comes late rings once; entries that it had been given, and which the
    broker drops with it, are asked for again and kept once. And when it is back it takes its share again."""
    tay = town.commune.bells["tay"]
    before = len(tay.rings())
    tay.freeze()
    town.first.post(
        "/api/rings", {"id": "act-dies-0001", "signal": "alarm", "purpose": "drill", "posts": list(POSTS), "why": "thử"}
    )
    town.first.service.freeze()
    for number in range(4):  # a share of what it answers goes to the one that stands still
        town.second.post("/api/hushes", {"id": f"hush-dies-{number:04}", "posts": ["dong"]})
    time.sleep(1.0)
    assert town.missing("dong"), "a share of them lies at the one that stands still"
    town.first.service.end(signal.SIGKILL)
    until(
        lambda: "tay" in town.wire.commands("act-dies-0001", town.commune), 7, "the other one repeats what was not answered"
    )  # fmt: skip
    tay.thaw()
    until(lambda: town.commune.states("act-dies-0001")["tay"] == "ringing", 10, "the late one rings")
    until(lambda: not town.missing(), 15, "what was lost was asked for again")
    town.first.service.start()
    town.second.post("/api/hushes", {"id": "hush-dies-last", "posts": list(POSTS)})
    until(lambda: town.commune.states("act-dies-0001")["tay"] == "cut", 10, "and is hushed")
    assert len(tay.rings()) == before + 1
    town.first.sees_all()
    writers = town.writers()
    for number in range(4):
        town.second.post("/api/hushes", {"id": f"hush-back-{number:04}", "posts": list(POSTS)})
    until(lambda: len(town.writers()) > len(writers), 10, "and takes its share again")
    until(lambda: not town.missing(), 15, "nothing is lost")
