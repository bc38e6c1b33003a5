"""An alarm that a word of before has told of is begun by the next word of now; and what belongs to an incident is its alone."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.authority.authority import Authority
from kengd.hub.ledger import incidents, rosters
from kengd.hub.roster import Neighbour
from kengd.hub.service import wall_ms
from kengd.wire.status import build_status
from tests.hub.authority_kit import begin
from tests.hub.desk_kit import Station, station
from tests.hub.spine_kit import claims_of, status


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def says(hub: Station, sounding: Sounding | None, **how: Any) -> None:
    raw = build_status(status(at_ms=wall_ms(), sounding=sounding))
    assert hub.hub.watch.status("an-lao", raw, now_ms=wall_ms(), **{"retained": False, **how})
    hub.hub.clockwork._alarms(wall_ms())


def begun(hub: Station) -> list[str]:
    with hub.hub.ledger.read() as connection:
        return [one.id for one in incidents.open_ones(connection)]


@pytest.mark.parametrize("how", [{"late": True}, {"retained": True}, {}], ids=["waited", "kept", "live"])
def test_an_alarm_is_begun_by_the_first_live_word_of_it(hub: Station, how: dict[str, bool]) -> None:
    """H6: after a restart or a broken line the first word of it may be an old one; its entry may wait behind thousands."""
    says(hub, None)
    alarm = Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    says(hub, alarm, **how)
    for _ in range(3):
        says(hub, alarm)
    assert begun(hub) == ["an-lao-an-0001"]


def test_alarms_with_long_ids_that_differ_at_their_end_each_get_their_own_support(hub: Station) -> None:
    """R47, H13: an id that was cut to fit was another incident's: help was not asked a second time."""
    with hub.hub.ledger.write() as connection:
        rosters.put_neighbours(connection, "an-lao", [Neighbour("an-lao", "bo-trang", by_itself=True)])
    hub.hub.forget_roster()
    for number in (1, 2):
        act = f"tong-dai-113.cong-an-xa-cong-lac.huyen-tu-ky.bao-dong-{number:04}"[:60]
        form = {"id": act, "signal": "alarm", "purpose": "actual", "why": "trộm", "posts": ["an-lao"]}
        assert hub.admin.post("/api/rings", form).status_code == 201
        hub.answers(act, "an-lao", "received", "ringing", activation=f"hd-{number}")
    asked = [claims_of(jws)["cmd"].get("signal") for _, jws in hub.line.said]
    assert asked.count("support") == 2, asked


def test_the_authority_is_opened_at_once_while_somebody_else_changes_it(tmp_path: Path) -> None:
    """A hush from the shell must not wait for an enrolment, nor for a process that hangs with the lock."""
    begin(tmp_path / "hub")
    lock = os.open(tmp_path / "hub" / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    began_s = time.monotonic()
    opened = Authority.open(tmp_path / "hub")
    kid, _ = opened.signing()
    os.close(lock)
    assert kid and time.monotonic() - began_s < 5 and opened.index.commune == "cong-lac"
