"""A hush from the desk needs nothing but a line: no disk, no database, no fresh sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kengd.hub.ledger.store import Transaction
from kengd.hub.people.entrance import TOUCH_MS
from kengd.hub.people.lately import GOOD_FOR_MS
from tests.hub.desk_kit import Officer, Station, station
from tests.hub.spine_kit import claims_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


@contextmanager
def trouble(hub: Station, *ways: str) -> Iterator[None]:
    """The ledger cannot be written, or read, or neither."""

    @contextmanager
    def fails() -> Iterator[Transaction]:
        raise OSError(28, "No space left on device")
        yield  # a generator all the same

    with pytest.MonkeyPatch.context() as patch:
        for way in ways:
            patch.setattr(hub.hub.ledger, way, fails)
        yield


def hushed(hub: Station, who: Officer) -> tuple[str, list[str]]:
    """What is answered to a hush of all posts, and what kinds of orders went out (where something sounds it is named)."""
    hub.line.said.clear()
    answer = who.post("/api/hushes", {"id": hub.act(), "all": True}).json()
    return answer.get("error", ""), sorted({claims_of(jws)["cmd"]["do"] for _, jws in hub.line.said})


@pytest.mark.parametrize("ways", [("write",), ("write", "read")])
def test_a_hush_goes_out_while_the_ledger_is_full_or_away(hub: Station, ways: tuple[str, ...]) -> None:
    """H8, H14: that the device was used is not written first, and who was signed in just now still is; so is a machine."""
    hub.pressed("an-lao")
    machine = hub.machine(hub.admin)
    assert machine.get("/api/me").status_code == 200
    hub.clock.ahead_ms += 2 * TOUCH_MS
    with trouble(hub, *ways):
        for who in (hub.admin, machine):
            assert hushed(hub, who) == ("hush_unrecorded", ["hush"])
        assert hub.admin.post("/api/incidents/x/acknowledge").json()["error"] == "ledger_trouble"
    assert hushed(hub, hub.admin) == ("", ["hush"])


def test_only_who_was_let_in_just_now_is_remembered(hub: Station) -> None:
    """P12: who signed out, was signed out or was here some minutes ago is a stranger while nobody can be looked up."""
    an, binh, chi = (hub.officer(name) for name in ("an", "binh", "chi"))
    machine = hub.machine(chi)
    tokens = chi.get("/api/me/tokens").json()["tokens"]
    assert all(who.get("/api/me").status_code == 200 for who in (an, binh, chi, machine))
    an.web.cookies.set("kengd_desk", cookie := an.web.cookies["kengd_desk"])
    assert an.delete("/api/session").status_code == 200
    an.web.cookies.set("kengd_desk", cookie)
    officers = {item["login"]: item["id"] for item in hub.admin.get("/api/officers").json()["officers"]}
    assert hub.admin.delete(f"/api/officers/{officers['binh']}").status_code == 200
    assert chi.delete(f"/api/me/tokens/{tokens[0]['id']}").status_code == 200
    assert hushed(hub, chi) == ("", ["hush"])
    with trouble(hub, "read", "write"):
        for gone in (an, binh, machine):
            assert hushed(hub, gone) == ("ledger_trouble", [])
        assert hushed(hub, chi) == ("hush_unrecorded", ["hush"])
        hub.clock.ahead_ms += GOOD_FOR_MS
        assert hushed(hub, chi) == ("ledger_trouble", [])
