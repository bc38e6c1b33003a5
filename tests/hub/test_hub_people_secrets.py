"""Passwords and PINs: how they are kept, what is refused, and that slow things cannot be piled up."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.errors import UsageError
from kengd.hub.people.passwords import ALPHABET, Busy, Gate, Passwords, argon2, check_new, one_time
from kengd.wire.pin import check_pin, pin_hash, pin_holds
from tests.hub.people_database import Dice

CHEAP = argon2(time_cost=1, memory_kib=8)


class Counting:
    """A hasher that counts how often it was made to work."""

    def __init__(self) -> None:
        self.works = 0
        self.against: list[str] = []

    def hash(self, password: str) -> str:
        """As the real one."""
        return CHEAP.hash(password)

    def verify_and_update(self, password: str, stored: str) -> tuple[bool, str | None]:
        """As the real one."""
        self.works += 1
        self.against.append(stored)
        return CHEAP.verify_and_update(password, stored)


def passwords() -> Passwords:
    """With the cheapest argon2id."""
    return Passwords(CHEAP, Gate(), Dice())


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    """pwdlib; the costs are OWASP's: 19 MiB, two rounds."""
    one, two = passwords().hash("con trâu đi trước"), passwords().hash("con trâu đi trước")
    assert one != two
    assert one.startswith("$argon2id$")
    assert argon2().hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords().check(one, "con trâu đi trước") == (True, None)
    assert passwords().check(one, "con trâu đi sau") == (False, None)


def test_letters_composed_in_two_ways_are_one_password() -> None:
    """Telex on a phone and on a PC write ế differently."""
    stored = passwords().hash("kẻng làng tôi".encode().decode())
    decomposed = "ke\u0309ng la\u0300ng to\u0302i"
    assert decomposed != "kẻng làng tôi"
    assert passwords().check(stored, decomposed)[0]


def test_an_unknown_name_costs_as_much_as_a_wrong_password() -> None:
    """R57: the same computation with the same costs, and it is always wrong."""
    counting = Counting()
    found = Passwords(counting, Gate(), Dice())  # type: ignore[arg-type]
    assert found.check(None, "gì cũng được") == (False, None)
    assert counting.works == 1
    assert found.check(found.hash("a"), "b") == (False, None)
    assert counting.works == 2
    assert len({tuple(stored.split("$")[1:4]) for stored in counting.against}) == 1
    assert found.check(None, one_time(Dice())) == (False, None)  # the very password that nobody has


def test_a_stored_hash_that_is_none_is_nobodys() -> None:
    """An ended officer has an empty one."""
    assert passwords().check("rubbish", "x") == (False, None)
    assert passwords().check("", "x") == (False, None)


def test_a_hash_with_old_costs_is_made_anew() -> None:
    """When the costs are raised, at the next sign-in."""
    old = argon2(time_cost=2, memory_kib=16).hash("con trâu đi trước")
    right, newer = passwords().check(old, "con trâu đi trước")
    assert (right, (newer or "").startswith("$argon2id$v=19$m=8,t=1,")) == (True, True)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_too_short"),
        ("123456789", "password_too_short"),
        ("    ngắn      ", "password_too_short"),
        ("x" * 201, "password_too_long"),
        ("Nguyen.Van.An", "password_guessable"),
        ("đại úy nguyễn văn an", "password_guessable"),
        ("abababababab", "password_guessable"),
    ],
)
def test_a_poor_password_is_refused_in_vietnamese(password: str, code: str) -> None:
    """At least ten characters, not the name, not two letters repeated."""
    with pytest.raises(UsageError) as refused:
        check_new(password, "nguyen.van.an", "Đại úy Nguyễn Văn An")
    assert (refused.value.code, refused.value.vi.startswith("mật khẩu")) == (code, True)


def test_a_one_time_password_is_long_readable_and_even() -> None:
    """No letter twice as likely as another; none that is misread on paper."""
    dice = Dice()
    made = [one_time(dice) for _ in range(300)]
    letters = Counter("".join(made).replace("-", ""))
    assert len(set(made)) == 300
    assert {len(text) for text in made} == {19}
    assert set(letters) == set(ALPHABET)
    assert max(letters.values()) < 2 * min(letters.values())


def test_bytes_that_would_favour_some_letters_are_thrown_away() -> None:
    """256 is no multiple of 31: the last eight bytes would come to the first letters."""
    given = iter([bytes([255, 248, 0] * 11)[:32], bytes([30] * 32)])
    assert one_time(lambda _: next(given)) == "aaaa-aaaa-aa99-9999"


def test_only_a_few_wait_at_the_gate_and_the_next_is_sent_away_at_once() -> None:
    """A flood of sign-ins must not hold the threads that a hush needs; nor do two slow things run at a time."""
    gate, inside, leave, order = Gate(places=2), threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        with gate.pass_one():
            order.append("in")
            inside.set()
            leave.wait(20)
            order.append("out")

    threads = [threading.Thread(target=slow) for _ in range(2)]
    threads[0].start()
    assert inside.wait(20)
    threads[1].start()
    while gate._places._value:  # until the second one stands in line
        threads[1].join(0.005)
    with pytest.raises(Busy), gate.pass_one():
        pass
    leave.set()
    for thread in threads:
        thread.join(20)
    assert order == ["in", "out", "in", "out"]
    with gate.pass_one():
        pass


def test_a_pin_is_kept_as_scrypt_with_its_salt() -> None:
    """n = 2^14, r = 8, p = 1: `scrypt$N$SALT$HASH`."""
    stored = pin_hash("271828", bytes(range(16)))
    assert stored.startswith("scrypt$16384$000102030405060708090a0b0c0d0e0f$")
    assert len(stored) == len("scrypt$16384$") + 32 + 1 + 64
    assert [pin_holds(stored, pin) for pin in ("271828", "271829", "27182", "", "２７１８２８", "\ud800")] == [
        True, False, False, False, False, False,
    ]  # fmt: skip
    assert [pin_holds(bad, "271828") for bad in (None, "", "scrypt$16384$00$00", "scrypt$3" + stored[12:])] == [
        False
    ] * 4


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ("12345", "bad_pin"), ("1234567", "bad_pin"), ("12345a", "bad_pin"), ("１２３４５６", "bad_pin"), ("", "bad_pin"),
        ("271828\n", "bad_pin"), ("000000", "pin_guessable"), ("123456", "pin_guessable"), ("987654", "pin_guessable"),
    ],
)  # fmt: skip
def test_what_is_no_pin_or_the_first_that_one_guesses_is_refused(pin: str, code: str) -> None:
    """Six digits, not repeated, not in a row."""
    with pytest.raises(UsageError) as refused:
        check_pin(pin)
    assert refused.value.code == code


@given(
    st.from_regex(r"[0-9]{6}", fullmatch=True).filter(
        lambda pin: len(set(pin)) > 1 and pin not in "0123456789876543210"
    )
)
def test_any_other_six_digits_are_a_pin(pin: str) -> None:
    """The people choose."""
    check_pin(pin)
