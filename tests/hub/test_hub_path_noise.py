"""Whatever comes on whatever topic: the hub neither falls nor believes it (P8, P9, R49)."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.ledger import incidents, merging
from kengd.hub.roster import why_silent
from kengd.hub.service import Hub, wall_ms
from kengd.uplink.line import Inbound, Token
from kengd.wire.entry import to_json
from kengd.wire.status import ABSENT, OtherVersion, Status, build_status, parse_status
from kengd.wire.topics import all_command_topic, command_topic, entry_topic, status_topic
from tests.hub.desk_kit import Line, Station, station
from tests.hub.spine_kit import BOOK, COMMUNE, true_book

REAL, NOISY, UNKNOWN = "an-lao", "bo-trang", "khong-co"
MESSAGES = 10_000
WEIRD: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, -(2**63), 10**400, 1e308, 1.5, "", "\x00", "a\x00b", "\ud83d", "ấ" * 5_000, [], {}, [[]],
    {"a": {"b": []}}, "present", "absent", "9999-12-31T23:59:59.999Z", "0000-00-00T00:00:00.000Z", "1970-01-01T00:00:00.000Z",
    "0" * 64, "x" * 70_000,
]  # fmt: skip


class NoisyLine(Line):
    """It counts what is acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.acked = 0
        self.done = threading.Event()
        self.wanted = -1

    def ack(self, token: Any, *, flush: bool = True) -> None:
        self.acked += 1
        if self.acked == self.wanted:
            self.done.set()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Station]:
    """The hub itself, with its own watch and ingest, on a line that is not there; and its desk."""
    made = station(tmp_path)
    made.hub.line = NoisyLine()  # type: ignore[assignment]
    yield made
    made.hub.ledger.close()


def real_status(seq: int, head: str = "0" * 64) -> Status:
    """What the real post says: it rings, and something is wrong with it."""
    sounding = Sounding("a" * 16, "curfew", Purpose.ACTUAL, Source.TIMETABLE, wall_ms(), None)
    sick = (Condition("mains_lost", "major", "mất điện lưới", "mains lost"),)
    return Status(wall_ms(), "ntp", "ab" * 16, BOOK, seq, head, "0.1.0", 1, 1, sounding=sounding, conditions=sick)


def spoilt_json(chance: random.Random, raw: bytes) -> bytes:
    """One part of it, or a part of a part, is something else, gone, or more."""
    said = json.loads(raw)
    inner = said["sounding"] if chance.random() < 0.2 else said
    key = chance.choice(sorted(inner))
    how = chance.randrange(4)
    if how == 0:
        del inner[key]
    elif how == 1:
        inner[f"{key}{chance.randrange(9)}"] = chance.choice(WEIRD)
    else:
        inner[key] = chance.choice(WEIRD)
    return json.dumps(said).encode()


def spoilt(chance: random.Random, raw: bytes) -> bytes:
    """One of many ways in which a message may be none."""
    how = chance.randrange(9)
    if how == 0:
        return chance.randbytes(chance.randrange(300))
    if how == 1:
        return raw[: chance.randrange(len(raw))]
    if how == 2:
        return b"[" * 20_000 + b"]" * 20_000 if chance.random() < 0.1 else b'{"v":' + b"[" * 900 + b"]" * 900 + b"}"
    if how == 3:
        return b'{"v":1,"presence":"present","seq":' + b"9" * 6_000 + b"}"
    if how == 4:
        return raw.replace(b'"', b"\xff", chance.randint(1, 3))
    if how == 5:
        return json.dumps(chance.choice(WEIRD)).encode()
    data = bytearray(raw)
    if how == 6:
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)
    return spoilt_json(chance, raw)


def strange_topic(chance: random.Random) -> str:
    """Another commune's, no post's, no topic of ours at all."""
    named = [
        status_topic("xa-khac", REAL), entry_topic("xa-khac", REAL), status_topic(COMMUNE, UNKNOWN), entry_topic(COMMUNE, UNKNOWN),
        command_topic(COMMUNE, REAL), all_command_topic(COMMUNE), f"kengd/2/{COMMUNE}/{REAL}/status", f"kengd/1/{COMMUNE}/all/status",
        f"kengd/1/{COMMUNE}/{REAL}", f"kengd/1/{COMMUNE}/{REAL}/status/", f"kengd/1/{COMMUNE}/{REAL.upper()}/status", "$SYS/broker/x",
        f"kengd/1/{COMMUNE}/{REAL}\x00/status", f"kengd/1/{COMMUNE}/+/status", "", "/", "/" * 200, "kengd/1///status", "\ufffd" * 9,
    ]  # fmt: skip
    if chance.random() < 0.2:
        return "/".join(
            chance.choice(["kengd", "1", COMMUNE, REAL, "status", "entry", "\x00", "ấ", ""]) for _ in range(5)
        )
    return chance.choice(named)


def is_status(raw: bytes) -> bool:
    """By chance it still says something of a post."""
    try:
        parse_status(raw)
    except OtherVersion:
        return True
    except ValueError:
        return False
    return True


def test_ten_thousand_messages_on_all_topics_move_no_state_of_a_real_post(desk: Station) -> None:
    """P9, R49: random bytes, spoilt statuses, deep and huge JSON, NUL and half characters, foreign topics, retained or not: all are
    acknowledged, none raises, and what the hub says of a post is what that post last said."""
    chance, hub = random.Random(4), desk.hub
    assert isinstance(hub.line, NoisyLine)
    hub.line.wanted = MESSAGES
    book = true_book(100)
    assert {REAL, NOISY} <= {post.id for post in hub.roster().posts}
    hub.ingest.start()
    last: Status | None = None
    began_ms = wall_ms()
    for number in range(MESSAGES):
        retained = chance.random() < 0.3
        if number % 200 == 0:
            last = real_status(number // 200 + 1, book[number // 200].hash)
            topic, payload, retained = status_topic(COMMUNE, REAL), build_status(last), False
        elif number % 200 == 100:
            topic, payload = entry_topic(COMMUNE, REAL), to_json(book[number // 200]).encode()
        elif chance.random() < 0.5:
            # what is by chance a whole status is the word of another post, which may lie about itself
            payload = spoilt(chance, build_status(real_status(1)))
            topic = status_topic(COMMUNE, NOISY if is_status(payload) else REAL)
        else:
            topic, payload = (
                strange_topic(chance),
                chance.choice([spoilt(chance, build_status(real_status(1))), ABSENT]),
            )
        hub._arrived(Inbound(topic, payload, retained, Token(1, number % 65_535 + 1)))
    assert hub.line.done.wait(30), f"{hub.line.acked} of {MESSAGES} acknowledged"
    hub.ingest.stop()
    seen, now_ms = hub.watch.seen(REAL), wall_ms()
    assert (seen.status, seen.present, seen.live, seen.refused) == (last, True, True, None)
    assert seen.heard_ms is not None and began_ms <= seen.heard_ms <= now_ms
    assert why_silent(seen, now_ms) is None
    assert set(hub.watch.all()) <= {REAL, NOISY}
    turn_by_hand(hub)
    board = desk.admin.get("/api/desk")
    assert (board.status_code, desk.admin.get("/metrics").status_code) == (200, 200)
    shown = {post["id"]: post for post in board.json()["posts"]}
    assert shown[REAL]["sounding"]["activation"] == "a" * 16 and shown[REAL]["present"]
    with hub.ledger.read() as connection:
        found = {chain.post: chain for chain in merging.all_chains(connection) if chain.book == BOOK}
        assert [one.post for one in incidents.open_ones(connection) if one.post != NOISY] == []
    assert (found[REAL].seq, found[REAL].wrong_seq) == (50, None)
    assert hub.trouble is None


def turn_by_hand(hub: Hub) -> None:
    """What the clockwork, the herald and the desk's board make of it: each part once, nothing raises."""
    now_ms = wall_ms()
    for part in (hub.clockwork._presence, hub.clockwork._alarms, hub.clockwork._books):
        part(now_ms)
    hub.herald.turn()


@pytest.mark.parametrize("text", ["a\x00b", "\ud83d"])
@pytest.mark.parametrize(
    "path", [("sounding", "activation"), ("sounding", "signal"), ("version",), ("conditions", 0, "vi")]
)
def test_a_status_with_a_text_that_no_database_and_no_page_can_hold_is_none(text: str, path: tuple[Any, ...]) -> None:
    """R49: one such alarm would keep the alarms of all other posts from being written down, one such version the board from
    being shown."""
    said: Any = json.loads(build_status(real_status(1)))
    inner = said
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = text
    with pytest.raises(ValueError):
        parse_status(json.dumps(said).encode())
