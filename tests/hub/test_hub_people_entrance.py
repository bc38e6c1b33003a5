"""Signing in: devices that stay, PINs for idle ones, limits that end nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from kengd.errors import KengdError, UsageError
from kengd.hub.ledger import audits
from kengd.hub.ledger import people as kept
from kengd.hub.people.entrance import IDLE_MS, STAYS_MS, TOUCH_MS
from kengd.hub.people.limits import ADDRESS, NAME
from kengd.hub.people.passwords import Busy, argon2
from kengd.hub.people.people import People
from tests.hub.people_database import PASSWORD, Dice, Station, on_disk, station

PIN = "271828"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Station]:
    """A hub with its first admin."""
    ledger = on_disk(tmp_path)
    yield station(ledger)
    ledger.close()


def code_of(call: object, *words: object, **more: object) -> str:
    """The code with which it is refused."""
    with pytest.raises(KengdError) as refused:
        call(*words, **more)  # type: ignore[operator]
    return refused.value.code


def acts(here: Station) -> list[tuple[str, str]]:
    """Who did what, in the audit book."""
    with here.ledger.read() as connection:
        return [(row.by, row.act) for row in audits.read(connection)]


def test_an_officer_signs_in_and_out(here: Station) -> None:
    """The secret is 32 random bytes; only its SHA-256 is kept; both acts are in the audit book."""
    made = here.officer("an", phone="0912 345 678")
    before = len(acts(here))
    secret, officer = here.people.sign_in(" An ", PASSWORD, "10.0.0.1", "điện thoại\n\x00của An")
    caller = here.caller(secret)
    assert (officer.id, officer.login, officer.must_change) == (made.id, "an", False)
    assert (caller.officer, caller.role, caller.locked) == (officer, "duty", False)
    assert len(secret) == 43
    with here.ledger.read() as connection:
        hashes = connection.execute(select(kept.SESSION.c.hash)).scalars().all()
    assert all(secret not in text and len(text) == 64 for text in hashes)
    assert [item.device for item in here.people.devices(caller)] == ["điện thoạicủa An"]
    here.people.sign_out(caller)
    assert here.people.of_session(secret) is None
    assert acts(here)[before:] == [(made.id, "sign_in"), (made.id, "sign_out")]


@pytest.mark.parametrize(
    ("login", "password"), [("an", "x"), ("ai", PASSWORD), ("Ấn", PASSWORD), ("", ""), ("an", "\ud800")]
)
def test_an_unknown_name_and_a_wrong_password_are_told_alike(here: Station, login: str, password: str) -> None:
    """R57: nobody learns who is an officer here."""
    here.officer("an")
    with pytest.raises(KengdError) as refused:
        here.people.sign_in(login, password, "10.0.0.1")
    assert (refused.value.code, refused.value.vi) == ("sign_in_wrong", "tên đăng nhập hoặc mật khẩu không đúng")


def test_wrong_passwords_slow_a_name_and_end_no_device(here: Station) -> None:
    """An officer must always be able to hush: what exists goes on, whoever hammers at the door."""
    made = here.officer("an")
    secret, _ = here.signed_in("an", "10.0.0.1")
    for _ in range(NAME.free):
        assert code_of(here.people.sign_in, "an", "sai", "192.0.2.7") == "sign_in_wrong"
    assert code_of(here.people.sign_in, "an", PASSWORD, "192.0.2.7") == "try_later"
    assert code_of(here.people.sign_in, "an", PASSWORD, "192.0.2.8") == "try_later"
    here.caller(secret).require("hush")
    here.caller(secret).require("ring")
    assert acts(here)[-1] == (made.id, "sign_in_slowed")
    here.later(NAME.first_ms)
    here.signed_in("an", "192.0.2.8")
    here.signed_in("an", "192.0.2.9")


def test_where_somebody_has_signed_in_before_others_tries_do_not_slow_them(here: Station) -> None:
    """Otherwise anybody could keep an officer out for the price of a try a minute."""
    here.officer("an")
    here.signed_in("an", "10.0.0.1")
    for _ in range(NAME.free):
        code_of(here.people.sign_in, "an", "sai", "192.0.2.7")
    assert code_of(here.people.sign_in, "an", PASSWORD, "192.0.2.7") == "try_later"
    here.signed_in("an", "10.0.0.1")


def test_many_names_from_one_address_are_slowed_and_an_own_account_does_not_wash_it_clean(here: Station) -> None:
    """Somebody with an account of their own tries others' in between."""
    here.officer("an")
    told = []
    for n in range(ADDRESS.free + 5):
        here.signed_in("an", "192.0.2.7")
        told.append(code_of(here.people.sign_in, f"ten-{n}", "sai", "192.0.2.7"))
    assert told == ["sign_in_wrong"] * ADDRESS.free + ["try_later"] * 5


def test_many_names_from_one_address_do_not_lock_out_who_has_signed_in_from_there(here: Station) -> None:
    """A whole office, or a village behind one line, shares an address: one who guesses there keeps no officer out. Tries at that
    officer's own password from there wait all the same, and only for a minute."""
    here.officer("an")
    here.officer("binh")
    here.signed_in("an", "192.0.2.7")
    for n in range(ADDRESS.free + 5):
        code_of(here.people.sign_in, f"ten-{n}", "sai", "192.0.2.7")
    here.signed_in("an", "192.0.2.7")
    assert code_of(here.people.sign_in, "binh", PASSWORD, "192.0.2.7") == "try_later"
    told = [code_of(here.people.sign_in, "an", "sai", "192.0.2.7") for _ in range(NAME.free + 1)]
    assert told == ["sign_in_wrong"] * NAME.free + ["try_later"]
    here.later(NAME.most_ms)
    here.signed_in("an", "192.0.2.7")


def test_a_full_gate_counts_as_no_try(here: Station) -> None:
    """A flood makes officers wait, but does not make them suspects."""
    here.officer("an")
    gate = here.people.gate
    for _ in range(8):
        gate._places.acquire()
    for _ in range(30):
        with pytest.raises(Busy):
            here.people.sign_in("an", PASSWORD, "10.0.0.1")
    for _ in range(8):
        gate._places.release()
    here.signed_in("an")


def test_a_device_stays_for_thirty_days_after_its_last_use(here: Station) -> None:
    """Sliding: who uses it keeps it."""
    here.officer("an")
    secret, caller = here.signed_in("an")
    for _ in range(40):
        here.later(STAYS_MS - 1)
        assert here.caller(secret).locked
        assert not here.people.unlock(secret, PASSWORD).locked
    here.later(STAYS_MS)
    assert here.people.of_session(secret) is None
    assert code_of(here.people.unlock, secret, PASSWORD) == "signed_out"
    assert here.people.sweep(365) == (2, 0)
    with here.ledger.read() as connection:
        assert connection.execute(select(kept.SESSION)).all() == []
    assert caller.session is not None


def test_use_is_written_down_once_a_minute_and_a_polling_page_is_no_use(here: Station) -> None:
    """A wall screen that asks every second neither writes every second nor keeps a phone awake."""
    here.officer("an")
    secret, caller = here.signed_in("an")

    def used() -> int:
        with here.ledger.read() as connection:
            return kept.sessions(connection, caller.officer.id, here.clock.ms)[0].used_ms

    begin = used()
    here.clock.ms = begin + TOUCH_MS - 1
    here.caller(secret)
    assert used() == begin
    here.clock.ms = begin + TOUCH_MS
    here.people.of_session(secret, use=False)
    assert used() == begin
    here.caller(secret)
    assert used() == begin + TOUCH_MS
    here.clock.ms = begin + TOUCH_MS + IDLE_MS
    locked = here.people.of_session(secret, use=False)
    assert locked is not None
    assert locked.locked


def test_an_idle_device_asks_for_the_pin_but_never_before_a_hush(here: Station) -> None:
    """Long device sessions plus a short PIN: at two in the morning six digits are enough."""
    here.officer("an")
    secret, caller = here.signed_in("an")
    here.people.set_pin(caller, PASSWORD, PIN)
    here.later(IDLE_MS)
    idle = here.caller(secret)
    idle.require("hush")
    assert code_of(idle.require, "ring") == "session_locked"
    for _ in range(5):
        assert code_of(here.people.unlock, secret, "141421") == "pin_wrong"
        here.caller(secret).require("hush")
    assert code_of(here.people.unlock, secret, PIN) == "try_later"
    here.caller(secret).require("hush")
    here.later(2_000)
    here.people.unlock(secret, PIN).require("ring")
    here.caller(secret).require("ring")


def test_an_idle_device_without_a_pin_takes_the_password(here: Station) -> None:
    """A PIN is a convenience, not a duty."""
    here.officer("an")
    secret, _ = here.signed_in("an")
    here.later(IDLE_MS)
    assert code_of(here.people.unlock, secret, PIN) == "pin_wrong"
    here.people.unlock(secret, PASSWORD).require("ring")


def test_a_device_left_lying_does_nothing_but_hush(here: Station) -> None:
    """Who finds a phone does not sign the officer's other devices out, nor read their data, nor make tokens."""
    made = here.officer("an")
    secret, _ = here.signed_in("an")
    here.later(IDLE_MS)
    idle, people = here.caller(secret), here.people
    assert [
        code_of(people.end_other_devices, idle), code_of(people.end_device, idle, "x"), code_of(people.devices, idle),
        code_of(people.make_token, idle, "máy", "duty"), code_of(people.tokens, idle), code_of(people.end_token, idle, "x"),
        code_of(people.officer_data, idle, made.id),
    ] == ["session_locked"] * 7  # fmt: skip
    assert code_of(people.change_password, idle, "sai", "một mật khẩu khác") == "sign_in_wrong"


def test_a_device_used_in_a_wrong_future_is_not_kept_awake_by_it(here: Station) -> None:
    """H22: the clock was a year ahead and is put right: the device counts from now on."""
    here.officer("an")
    year = 365 * 86_400_000
    here.clock.ms += year
    secret, _ = here.signed_in("an")
    here.clock.ms -= year
    here.caller(secret).require("ring")
    here.later(IDLE_MS)
    assert here.caller(secret).locked


def test_a_first_password_lets_in_only_to_change_it(here: Station) -> None:
    """A password somebody else has seen is not the officer's own."""
    _, first = here.people.make_officer(here.admin, "an", "An", "chief")
    secret, officer = here.people.sign_in("an", first, "10.0.0.1")
    assert officer.must_change
    caller = here.caller(secret)
    caller.require("hush")
    assert code_of(caller.require, "ring") == "password_must_change"
    assert code_of(here.people.make_token, caller, "máy", "duty") == "password_must_change"
    assert code_of(here.people.change_password, caller, first, "ngắn") == "password_too_short"
    assert code_of(here.people.change_password, caller, first, first) == "password_same"
    assert code_of(here.people.change_password, caller, "sai", PASSWORD) == "sign_in_wrong"
    here.people.change_password(caller, first, PASSWORD)
    here.caller(secret).require("ring_all")
    assert code_of(here.people.sign_in, "an", first, "10.0.0.1") == "sign_in_wrong"
    here.signed_in("an")


def test_a_changed_password_signs_the_other_devices_out(here: Station) -> None:
    """The one it was changed on stays."""
    here.officer("an")
    lost, _ = here.signed_in("an")
    mine, caller = here.signed_in("an")
    here.people.change_password(caller, PASSWORD, "một mật khẩu khác")
    assert here.people.of_session(lost) is None
    here.caller(mine).require("ring")


def test_one_device_or_all_others_are_ended(here: Station) -> None:
    """A lost phone; one's own devices only."""
    here.officer("an")
    other = here.officer("binh")
    one, _ = here.signed_in("an")
    two, _ = here.signed_in("an")
    mine, caller = here.signed_in("an")
    theirs, _ = here.signed_in("binh")
    with here.ledger.read() as connection:
        foreign = kept.sessions(connection, other.id, here.clock.ms)[0].id
    assert not here.people.end_device(caller, foreign)
    assert here.people.end_device(caller, here.caller(one).session or "")
    assert here.people.of_session(one) is None
    assert here.people.end_other_devices(caller) == 1
    assert here.people.of_session(two) is None
    assert here.caller(mine).officer.login == "an"
    assert here.caller(theirs).officer.id == other.id


def test_a_pin_is_ones_own_and_needs_the_password(here: Station) -> None:
    """An open page left behind is not enough to give oneself a way in."""
    here.officer("an")
    _, caller = here.signed_in("an")
    assert code_of(here.people.set_pin, caller, "sai", PIN) == "sign_in_wrong"
    assert code_of(here.people.set_pin, caller, PASSWORD, "123456") == "pin_guessable"
    here.people.set_pin(caller, PASSWORD, PIN)
    with here.ledger.read() as connection:
        kept_pin = kept.kept_secrets(connection, caller.officer.id)
    assert kept_pin is not None
    assert (kept_pin[1] or "").startswith("scrypt$16384$")
    here.people.set_pin(caller, PASSWORD, None)
    found = here.people.officer(caller.officer.id)
    assert found is not None
    assert not found.has_pin


def test_a_password_changed_while_the_old_one_is_checked_lets_nobody_in(here: Station) -> None:
    """The slow check stands outside the transaction; what it found is looked at again inside."""
    made = here.officer("an")
    check = here.people.passwords.check

    def meanwhile(stored: str | None, password: str) -> tuple[bool, str | None]:
        found = check(stored, password)
        here.people.passwords.check = check  # type: ignore[method-assign]
        here.people.reset_password(here.admin, made.id)
        return found

    here.people.passwords.check = meanwhile  # type: ignore[method-assign]
    assert code_of(here.people.sign_in, "an", PASSWORD, "10.0.0.1") == "sign_in_wrong"


def test_costs_raised_later_are_taken_over_at_the_next_sign_in(here: Station) -> None:
    """Nobody has to choose a new password for it."""
    made = here.officer("an")
    dearer = People(here.ledger, here.clock, Dice(), argon2(time_cost=2, memory_kib=16))
    dearer.random(320)  # chance of its own
    dearer.sign_in("an", PASSWORD, "10.0.0.1")
    with here.ledger.read() as connection:
        found = kept.kept_secrets(connection, made.id)
    assert found is not None
    assert found[0].startswith("$argon2id$v=19$m=16,t=2,p=1$")


def test_an_ended_officers_leftover_device_is_nobodys(here: Station) -> None:
    """Even if a row were left behind."""
    made = here.officer("an")
    secret, _ = here.signed_in("an")
    with here.ledger.write() as connection:
        connection.execute(update(kept.OFFICER).where(kept.OFFICER.c.id == made.id).values(ended_ms=1))
    assert here.people.of_session(secret) is None


def test_six_officers_sign_in_at_once(here: Station) -> None:
    """The duty changes: none is sent away, none gets another's device."""
    for n in range(6):
        here.officer(f"an{n}")
    found: dict[int, str] = {}

    def sign_in(n: int) -> None:
        found[n] = here.people.sign_in(f"an{n}", PASSWORD, "10.0.0.1")[0]

    threads = [threading.Thread(target=sign_in, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {n: here.caller(found[n]).officer.login for n in range(6)} == {n: f"an{n}" for n in range(6)}


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "' OR 1=1 --", "a" * 100_000])
def test_a_secret_nobody_has_is_nobodys(here: Station, secret: str) -> None:
    """Cookies are what strangers send."""
    assert (here.people.of_session(secret), here.people.of_token(secret), here.people.of_token("kengd_" + secret)) == (
        None,
    ) * 3


def test_password_errors_are_usage_errors_with_a_cure(here: Station) -> None:
    """A page can show them beside the field."""
    here.officer("an")
    _, caller = here.signed_in("an")
    with pytest.raises(UsageError) as refused:
        here.people.change_password(caller, PASSWORD, "ngắn")
    assert refused.value.for_people().startswith("lỗi [password_too_short]: mật khẩu phải có ít nhất 10 ký tự")
