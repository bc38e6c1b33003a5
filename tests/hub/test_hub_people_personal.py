"""Personal data: shown, erased, swept; on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select

from kengd.errors import KengdError
from kengd.hub.incidents import Incident, Outcome
from kengd.hub.ledger import audits, incidents, personal
from kengd.hub.ledger.personal import DISPATCH, ENTRY, NOTICE
from kengd.hub.ledger.rosters import put_keeper, put_post, read_roster
from kengd.hub.ledger.rows import Row
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Keeper, Post
from tests.hub.people_database import PASSWORD, Station, station

DAY_MS = 86_400_000
PHONE = "0912 345 678"


@pytest.fixture
def here(ledger: Ledger) -> Station:
    """A hub with its first admin, on each database."""
    return station(ledger)


def code_of(call: Any, *words: object) -> str:
    """The code with which it is refused."""
    with pytest.raises(KengdError) as refused:
        call(*words)
    return refused.value.code


def worked(here: Station, officer: str, name: str) -> None:
    """An alarm that this officer dealt with, a keeper's entry about it, a notice to each."""
    with here.ledger.write() as connection:
        put_post(connection, Post("dinh", "Đình làng"))
        put_keeper(connection, Keeper("k1", "dinh", "Ông Tư", "0988 000 111", 0, None, ("sms://0988000111",)))
        row = {"id": "d1", "do": "ring", "by": name, "officer": officer, "made_ms": 5, "gap_s": 0, "digest": b"x"}
        connection.execute(DISPATCH.insert().values(**row))
        incidents.add(connection, Incident("i1", "alarm", 5, acknowledged_ms=6, acknowledged_by=name))
        incidents.add_outcome(connection, Outcome("i1", 7, name, "theft", done_by="Ông Tư"))
        notice = {"at_ms": 5, "kind": "alarm", "channel": "sms", "text": "Báo động", "ok": True, "detail": ""}
        connection.execute(NOTICE.insert().values(to=PHONE, **notice))
        connection.execute(NOTICE.insert().values(to="k1", **notice))
        for n, who in enumerate((name, "Ông Tư"), start=1):
            entry = {
                "post": "dinh", "book": "b", "seq": n, "at_ms": 5, "kind": "accepted", "by": who, "clock": "ntp",
                "prev": b"p", "hash": b"h", "heard_ms": 5,
            }  # fmt: skip
            connection.execute(ENTRY.insert().values(**entry))


def everything(ledger: Ledger) -> str:
    """All tables but the books, as text."""
    with ledger.read() as connection:
        return "\n".join(
            f"{rows.name} {tuple(row)}"
            for rows in Row.metadata.sorted_tables
            if rows.name not in ("entry", "audit")
            for row in connection.execute(select(rows))
        )


def test_rows_and_migrations_agree(ledger: Ledger) -> None:
    """A column that only one of them has would break at a restore."""
    with ledger.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []


def test_an_officers_data_are_shown_whole_and_without_secrets(here: Station) -> None:
    """Their own to everybody; JSON that can be handed out."""
    made = here.officer("an", phone=PHONE)
    worked(here, made.id, made.name)
    _, caller = here.signed_in("an")
    here.people.set_pin(caller, PASSWORD, "271828")
    here.people.make_token(caller, "máy", "duty")
    found = json.loads(json.dumps(here.people.officer_data(caller, made.id)))
    assert (found["officer"]["phone"], found["officer"]["has_pin"]) == (PHONE, True)
    assert {key: len(found[key]) for key in found if key != "officer"} == {
        "devices": 1, "tokens": 1, "audit": 6, "shifts": 0, "dispatches": 1, "incidents": 1, "outcomes": 1, "notices": 1, "entries": 1,
    }  # fmt: skip
    assert not any(text in json.dumps(found) for text in ("argon2", "scrypt", 'password":'))
    assert code_of(here.people.officer_data, here.admin, "cb-ai") == "no_such_officer"
    assert here.people.audit_newest(here.admin, None, 1)[0].act == "data_shown"


def test_a_keepers_data_are_shown_whole_and_without_the_pin(here: Station) -> None:
    """By those who look after people."""
    made = here.officer("an", phone=PHONE)
    worked(here, made.id, made.name)
    here.people.set_keeper_pin(here.admin, "k1", "271828")
    found = json.loads(json.dumps(here.people.keeper_data(here.admin, "k1")))
    assert found["keeper"] == {
        "id": "k1", "post": "dinh", "name": "Ông Tư", "phone": "0988 000 111", "rank": 0, "away_until_ms": None,
        "channels": ["sms://0988000111"], "has_pin": True,
    }  # fmt: skip
    assert {key: len(found[key]) for key in found if key != "keeper"} == {
        "incidents": 0, "outcomes": 1, "notices": 1, "entries": 1,
    }  # fmt: skip
    assert code_of(here.people.keeper_data, here.admin, "k9") == "no_such_keeper"


def test_who_has_left_is_erased_everywhere_but_in_the_books(here: Station) -> None:
    """Phone, channels and name; what was done stays done, and the chains hold."""
    made = here.officer("an", phone=PHONE)
    here.people.change_officer(here.admin, made.id, channels=["zalo://123:token/77"])
    worked(here, made.id, made.name)
    assert code_of(here.people.erase_officer, here.admin, made.id) == "not_ended"
    here.people.end_officer(here.admin, made.id)
    here.people.erase_officer(here.admin, made.id)
    left = everything(here.ledger)
    assert [text for text in (made.name, PHONE, "zalo://", "'an'") if text in left] == []
    assert "Ông Tư" in left
    with here.ledger.read() as connection:
        incident = incidents.find(connection, "i1")
        assert incident is not None
        assert (incident.acknowledged_by, incident.acknowledged_ms) == (personal.OFFICER_LEFT, 6)
        assert incidents.outcomes_of(connection, ["i1"])[0].by == personal.OFFICER_LEFT
        written = connection.execute(select(ENTRY.c.by).order_by(ENTRY.c.seq)).scalars().all()
        assert list(written) == [made.name, "Ông Tư"]
        assert audits.verify(connection) is None
    assert code_of(here.people.erase_officer, here.admin, made.id) == "not_ended"


def test_a_keeper_is_erased_with_the_place_in_the_roster(here: Station) -> None:
    """Nobody is left to be called without a number."""
    made = here.officer("an", phone=PHONE)
    worked(here, made.id, made.name)
    here.people.erase_keeper(here.admin, "k1")
    left = everything(here.ledger)
    assert [text for text in ("Ông Tư", "0988", "'k1'") if text in left] == []
    assert made.name in left
    with here.ledger.read() as connection:
        assert read_roster(connection).keepers == ()
        assert incidents.outcomes_of(connection, ["i1"])[0].done_by == personal.KEEPER_LEFT
    assert code_of(here.people.erase_keeper, here.admin, "k1") == "no_such_keeper"


def test_a_name_that_is_also_anothers_stays_where_nobody_can_say_whose_it_was(here: Station) -> None:
    """Two Nguyễn Văn An, an officer and a keeper: erasing one does not erase what the other did."""
    made = here.officer("an", phone=PHONE)
    worked(here, made.id, made.name)
    with here.ledger.write() as connection:
        put_keeper(connection, Keeper("k2", "dinh", made.name))
    here.people.end_officer(here.admin, made.id)
    here.people.erase_officer(here.admin, made.id)
    with here.ledger.read() as connection:
        assert connection.execute(select(DISPATCH.c.by)).scalars().all() == [personal.OFFICER_LEFT]
        incident = incidents.find(connection, "i1")
        assert incident is not None
        assert incident.acknowledged_by == made.name
    assert PHONE not in everything(here.ledger)


def test_those_who_left_long_ago_are_erased_by_the_nightly_sweep(here: Station) -> None:
    """`duty.keep_personal_days`; who left yesterday is kept, and nobody twice."""
    long_ago, yesterday = here.officer("an", phone=PHONE), here.officer("binh", phone="0977 111 222")
    here.people.end_officer(here.admin, long_ago.id)
    here.later(30 * DAY_MS)
    here.people.end_officer(here.admin, yesterday.id)
    here.later(DAY_MS)
    assert here.people.sweep(30) == (1, 1)
    assert here.people.sweep(30) == (0, 0)
    left = everything(here.ledger)
    assert (PHONE in left, "0977 111 222" in left) == (False, True)
    with here.ledger.read() as connection:
        last = audits.newest(connection, None, 1)[0]
        assert (last.by, last.act, last.facts) == ("hub", "data_erased", {"officer": long_ago.id, "days": 30})
        assert here.people.audit_wrong() is None
