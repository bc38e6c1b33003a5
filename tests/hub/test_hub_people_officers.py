"""Officers, their tokens and keepers' PINs: who makes, changes and ends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kengd.errors import KengdError
from kengd.hub.ledger import audits
from kengd.hub.ledger import people as kept
from kengd.hub.ledger.rosters import put_keeper, put_post
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.limits import PIN as PIN_RULE
from kengd.hub.people.words import Caller, Role
from kengd.hub.roster import Keeper, Post
from tests.hub.people_database import PASSWORD, Clock, Station, on_disk, people_of, station


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Station]:
    """A hub with its first admin."""
    ledger = on_disk(tmp_path)
    yield station(ledger)
    ledger.close()


def code_of(call: Any, *words: object, **more: object) -> str:
    """The code with which it is refused."""
    with pytest.raises(KengdError) as refused:
        call(*words, **more)
    return refused.value.code


def last_acts(here: Station, count: int) -> list[tuple[str, str, dict[str, Any]]]:
    """The newest lines of the audit book, oldest first."""
    return [(row.by, row.act, row.facts) for row in reversed(here.people.audit_newest(here.admin, None, count))]


def test_the_first_officer_is_made_once_at_the_shell(tmp_path: Path) -> None:
    """A new hub has no password that anybody could know beforehand."""
    ledger = on_disk(tmp_path)
    people = people_of(ledger, Clock())
    first = people.first_officer("Truong", "Trưởng công an xã")
    assert [(item.login, item.name, item.role, item.must_change) for item in people.officers()] == [
        ("truong", "Trưởng công an xã", "admin", True)
    ]
    assert code_of(people.first_officer, "khac") == "officers_exist"
    assert people.sign_in("truong", first, "10.0.0.1")[1].role == "admin"
    with ledger.read() as connection:
        assert [(row.by, row.act) for row in audits.read(connection)][:1] == [("shell:root", "officer_made")]
    ledger.close()


def test_two_shells_at_once_make_one_first_officer(postgres_url: str) -> None:
    """Two installers, two workers: the second is told."""
    ledgers, start, told = [Ledger(postgres_url), Ledger(postgres_url)], threading.Barrier(2), list[str]()

    def make(n: int) -> None:
        people = people_of(ledgers[n], Clock())
        people.random(1000 * n + 1)
        start.wait(20)
        try:
            people.first_officer(f"an{n}", f"An {n}")
        except KengdError as refused:
            told.append(refused.code)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with ledgers[0].read() as connection:
        assert (told, len(kept.officers(connection))) == (["officers_exist"], 1)
    for ledger in ledgers:
        ledger.close()


def test_an_officers_id_says_nothing_of_the_person(here: Station) -> None:
    """It stands in chained books for good, the login does not."""
    made = here.officer("nguyen.van.an")
    assert made.id.startswith("cb-")
    assert last_acts(here, 4)[0] == (here.admin.officer.id, "officer_made", {"officer": made.id, "role": "duty"})
    assert "nguyen" not in str(last_acts(here, 100))


@pytest.mark.parametrize(
    ("login", "name", "more", "code"),
    [
        ("ấn", "An", {}, "bad_login"),
        ("", "An", {}, "bad_login"),
        ("a" * 41, "An", {}, "bad_login"),
        ("shell:root", "An", {}, "bad_login"),
        ("an", "", {}, "bad_name"),
        ("an", "A\nn", {}, "bad_name"),
        ("an", "x" * 201, {}, "bad_name"),
        ("truong", "An", {}, "login_taken"),
        ("an", "Trưởng công an xã", {}, "name_taken"),
        ("an", "An", {"phone": "gọi tôi"}, "bad_phone"),
        ("an", "An", {"phone": "12"}, "bad_phone"),
        ("an", "An", {"channels": ["nonsense"]}, "bad_notice_url"),
        ("an", "An", {"channels": ["zalo://123:token/77", "nosuch://x/y"]}, "unknown_notice_url"),
        ("an", "An", {"channels": ["x"] * 21}, "bad_channels"),
        ("an", "An", {"channels": ["a\nb"]}, "bad_channels"),
    ],
)
def test_what_cannot_be_an_officer_is_refused(
    here: Station, login: str, name: str, more: dict[str, Any], code: str
) -> None:
    """Nothing is written."""
    before = len(here.people.audit(here.admin, 0, 1000))
    assert code_of(here.people.make_officer, here.admin, login, name, "duty", **more) == code
    assert (len(here.people.officers()), len(here.people.audit(here.admin, 0, 1000))) == (1, before)


def test_nobody_gives_or_touches_a_role_above_their_own(here: Station) -> None:
    """A chief looks after people, but makes no admin of himself or of others, nor ends one."""
    chief = here.officer("chi-huy", "chief")
    duty = here.officer("an")
    _, by = here.signed_in("chi-huy")
    admin, people = here.admin.officer.id, here.people
    assert [
        code_of(people.make_officer, by, "moi", "Mới", "admin"),
        code_of(people.change_officer, by, chief.id, role="admin"),
        code_of(people.change_officer, by, admin, name="Khác"),
        code_of(people.reset_password, by, admin),
        code_of(people.end_officer, by, admin),
        code_of(people.end_devices_of, by, admin),
        code_of(people.make_token, by, "máy", "admin"),
    ] == ["above_you"] * 7
    assert people.change_officer(by, duty.id, role="chief").role == "chief"
    _, on_duty = here.signed_in("an")
    people.change_officer(here.admin, duty.id, role="duty")
    on_duty = Caller(on_duty.officer, "duty", session=on_duty.session)
    assert [
        code_of(people.make_officer, on_duty, "moi", "Mới", "duty"),
        code_of(people.end_officer, on_duty, chief.id),
        code_of(people.officer_data, on_duty, chief.id),
        code_of(people.set_keeper_pin, on_duty, "k", "271828"),
        code_of(people.audit, on_duty),
        code_of(people.tokens, on_duty, chief.id),
        code_of(people.end_token, on_duty, "x", chief.id),
    ] == ["not_allowed"] * 7


def test_the_last_admin_stays(here: Station) -> None:
    """Otherwise nobody could enrol a post or make an admin again."""
    me, people = here.admin, here.people
    assert code_of(people.end_officer, me, me.officer.id) == "last_admin"
    assert code_of(people.change_officer, me, me.officer.id, role="chief") == "last_admin"
    other = here.officer("thu-hai", "admin")
    people.end_officer(me, other.id)
    assert code_of(people.end_officer, me, me.officer.id) == "last_admin"


def test_two_admins_who_end_each_other_at_once_leave_one(postgres_url: str) -> None:
    """Two workers look at the same time and both see two."""
    ledgers = [Ledger(postgres_url), Ledger(postgres_url)]
    here = station(ledgers[0])
    second = here.officer("thu-hai", "admin")
    _, by_second = here.signed_in("thu-hai")
    people, start, told = [here.people, people_of(ledgers[1], here.clock)], threading.Barrier(2), list[str]()

    def end(n: int) -> None:
        start.wait(20)
        try:
            people[n].end_officer(*((here.admin, second.id) if n else (by_second, here.admin.officer.id)))
        except KengdError as refused:
            told.append(refused.code)

    threads = [threading.Thread(target=end, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (told, len(here.people.officers())) == (["last_admin"], 1)
    for ledger in ledgers:
        ledger.close()


def test_what_is_changed_is_written_down_without_what_it_was_changed_to(here: Station) -> None:
    """A phone number in a chained book could never be erased."""
    made = here.officer("an")
    new = here.people.change_officer(
        here.admin,
        made.id,
        name="Đại úy An",
        role="chief",
        phone="0912 345 678",
        rank=7,
        channels=["zalo://123:token/77"],
    )
    assert new == here.people.officer(made.id)
    assert (new.name, new.role, new.phone, new.rank, new.channels) == (
        "Đại úy An", "chief", "0912 345 678", 7, ("zalo://123:token/77",),
    )  # fmt: skip
    line = {"officer": made.id, "changed": ["name", "role", "phone", "rank", "channels"], "role": "chief"}
    assert last_acts(here, 1) == [(here.admin.officer.id, "officer_changed", line)]
    here.people.change_officer(here.admin, made.id, rank=7)
    assert last_acts(here, 1) == [(here.admin.officer.id, "officer_changed", line)]


def test_a_forgotten_password_is_set_anew_and_signs_every_device_out(here: Station) -> None:
    """It may be forgotten because somebody else knows it."""
    made = here.officer("an")
    secret, caller = here.signed_in("an")
    here.people.set_pin(caller, PASSWORD, "271828")
    first = here.people.reset_password(here.admin, made.id)
    assert here.people.of_session(secret) is None
    assert code_of(here.people.sign_in, "an", PASSWORD, "10.0.0.1") == "sign_in_wrong"
    _, officer = here.people.sign_in("an", first, "10.0.0.1")
    assert (officer.must_change, officer.has_pin) == (True, False)
    assert code_of(here.people.reset_password, here.admin, made.id, "ngắn") == "password_too_short"
    assert here.people.reset_password(here.admin, made.id, "một câu đủ dài") == "một câu đủ dài"
    assert code_of(here.people.reset_password, here.admin, "cb-ai") == "no_such_officer"


def test_who_has_left_is_out_at_once_and_the_login_is_free(here: Station) -> None:
    """Devices and tokens too; what they did stays under their id."""
    made = here.officer("an")
    secret, caller = here.signed_in("an")
    token, _ = here.people.make_token(caller, "camera", "duty")
    here.people.end_officer(here.admin, made.id)
    assert (here.people.of_session(secret), here.people.of_token(token)) == (None, None)
    assert code_of(here.people.sign_in, "an", PASSWORD, "10.0.0.1") == "sign_in_wrong"
    assert code_of(here.people.end_officer, here.admin, made.id) == "no_such_officer"
    assert [item.id for item in here.people.officers()] == [here.admin.officer.id]
    assert [item.id for item in here.people.officers(ended=True)] == [here.admin.officer.id, made.id]
    again = here.officer("an")
    assert (again.id != made.id, here.people.officer_called("AN")) == (True, here.people.officer(again.id))


def test_another_is_signed_out_everywhere(here: Station) -> None:
    """A phone lost on patrol."""
    made = here.officer("an")
    secrets = [here.signed_in("an")[0] for _ in range(3)]
    assert len(here.people.devices_of(here.admin, made.id)) == 3
    assert here.people.end_devices_of(here.admin, made.id) == 3
    assert [here.people.of_session(secret) for secret in secrets] == [None] * 3


def test_a_token_is_shown_once_and_kept_as_a_hash(here: Station) -> None:
    """For machines: Home Assistant, Frigate, a province's board."""
    here.officer("an", "chief")
    _, caller = here.signed_in("an")
    secret, token = here.people.make_token(caller, "bảng tỉnh", "duty")
    found = here.people.of_token(secret)
    assert found is not None
    assert (found.officer.login, found.role, found.token, found.session) == ("an", "duty", token.id, None)
    with here.ledger.read() as connection:
        assert secret not in str(connection.execute(select(kept.TOKEN)).all())
    assert here.people.tokens(caller) == [token]
    assert code_of(found.require, "ring_all") == "not_allowed"
    assert here.people.of_token(secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None
    assert here.people.of_token(secret.removeprefix("kengd_")) is None
    assert here.people.of_session(secret) is None
    assert code_of(here.people.make_token, found, "con", "duty") == "officers_only"
    assert code_of(here.people.change_password, found, PASSWORD, "một câu đủ dài") == "officers_only"


@pytest.mark.parametrize(
    ("token", "officer", "role"), [("duty", "admin", "duty"), ("chief", "duty", "duty"), ("chief", "chief", "chief")]
)
def test_a_token_never_has_more_than_its_officers_role_of_today(
    here: Station, token: Role, officer: Role, role: Role
) -> None:
    """Who is a chief no more has no chief's machine left."""
    made = here.officer("an", "chief")
    _, caller = here.signed_in("an")
    secret, _ = here.people.make_token(caller, "máy", token)
    here.people.change_officer(here.admin, made.id, role=officer)
    found = here.people.of_token(secret)
    assert found is not None
    assert found.role == role


def test_a_token_ends_on_its_day_or_when_it_is_revoked(here: Station) -> None:
    """By its officer, or by those who look after people."""
    made = here.officer("an")
    _, caller = here.signed_in("an")
    end = here.clock.ms + 1_000
    dated, one = here.people.make_token(caller, "một tuần", "duty", end)
    secret, two = here.people.make_token(caller, "máy", "duty")
    assert code_of(here.people.make_token, caller, "máy", "duty", here.clock.ms) == "bad_end"
    here.clock.ms = end - 1
    assert here.people.of_token(dated) is not None
    here.clock.ms = end
    assert here.people.of_token(dated) is None
    assert here.people.end_token(here.admin, two.id, made.id)
    assert not here.people.end_token(caller, two.id)
    assert here.people.of_token(secret) is None
    assert here.people.end_token(caller, one.id)
    assert {item.id: item.ended_ms for item in here.people.tokens(caller)} == {one.id: end, two.id: end}
    assert not here.people.end_token(here.admin, one.id)


def test_a_keepers_pin_is_their_own_and_slows_who_guesses(here: Station) -> None:
    """Six digits; the delay grows and ends; a new PIN begins anew. Buttons ask for no PIN."""
    with here.ledger.write() as connection:
        put_post(connection, Post("dinh", "Đình làng"))
        put_keeper(connection, Keeper("k1", "dinh", "Ông Tư"))
        put_keeper(connection, Keeper("k2", "dinh", "Bà Năm"))
    people = here.people
    assert not people.keeper_pin_right("k1", "271828")
    people.set_keeper_pin(here.admin, "k1", "271828")
    assert [people.keeper_pin_right(who, "271828") for who in ("k1", "k2", "ai")] == [True, False, False]
    assert [people.keeper_pin_right("k1", "141421") for _ in range(PIN_RULE.free)] == [False] * PIN_RULE.free
    assert code_of(people.keeper_pin_right, "k1", "271828") == "try_later"
    here.later(PIN_RULE.first_ms)
    assert people.keeper_pin_right("k1", "271828")
    people.set_keeper_pin(here.admin, "k1", "314159")
    assert [people.keeper_pin_right("k1", pin) for pin in ("271828", "314159")] == [False, True]
    people.set_keeper_pin(here.admin, "k1", None)
    assert not people.keeper_pin_right("k1", "314159")
    assert code_of(people.set_keeper_pin, here.admin, "ai", "271828") == "no_such_keeper"
    assert code_of(people.set_keeper_pin, here.admin, "k1", "111111") == "pin_guessable"
    assert last_acts(here, 1) == [(here.admin.officer.id, "keeper_pin", {"keeper": "k1", "set": False})]
    with here.ledger.write() as connection:
        put_keeper(connection, Keeper("k2", "dinh", "Bà Năm", "0912"))


def test_no_secret_is_anywhere_in_the_ledger_in_clear(here: Station, tmp_path: Path) -> None:
    """P12: whoever copies the file signs in with nothing of it."""
    made, first = here.people.make_officer(here.admin, "an", "An", "duty")
    secret, _ = here.people.sign_in("an", first, "10.0.0.1")
    caller = here.caller(secret)
    here.people.change_password(caller, first, PASSWORD)
    here.people.set_pin(here.caller(secret), PASSWORD, "271828")
    token, _ = here.people.make_token(here.caller(secret), "máy", "duty")
    again = here.people.reset_password(here.admin, made.id)
    here.ledger.close()
    kept_bytes = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"officer_made" in kept_bytes
    words = (first, secret, PASSWORD, "271828", token, again, here.admin_secret)
    assert [word for word in words if word.encode() in kept_bytes] == []
