"""Passwords: argon2id (pwdlib), a least length, one-time passwords; and a gate before everything that is slow by design."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from kengd.errors import KengdError, UsageError

SHORTEST: Final = 10
LONGEST: Final = 200
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0, 1: a one-time password is read aloud and copied from paper."""

Random = Callable[[int], bytes]


def argon2(time_cost: int = 2, memory_kib: int = 19_456) -> PasswordHash:
    """OWASP's setting for argon2id (19 MiB, 2 rounds, 1 lane): 64 MiB each would not fit beside a hub on a small Pi."""
    return PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1),))


class Busy(KengdError):
    """Too many are waiting at the gate."""

    def __init__(self) -> None:
        """Try again in a moment."""
        super().__init__(
            "sign_in_busy",
            "quá nhiều người đăng nhập cùng lúc",
            cure="thử lại sau vài giây; máy đang đăng nhập sẵn không bị ảnh hưởng",
            en="too many sign-ins at once",
        )


class Gate:
    """One slow computation at a time, a few waiting: a flood of sign-ins takes neither the memory nor the threads of the desk."""

    def __init__(self, places: int = 8) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._one = threading.Lock()

    @contextmanager
    def pass_one(self) -> Iterator[None]:
        """Raises Busy (`sign_in_busy`) at once when too many wait already."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._one:
                yield
        finally:
            self._places.release()


class Passwords:
    """Makes and checks hashes, through the gate."""

    def __init__(self, hasher: PasswordHash, gate: Gate, random: Random) -> None:
        self._hasher = hasher
        self._gate = gate
        self._nobody = hasher.hash(one_time(random))

    def hash(self, password: str) -> str:
        """The hash that is kept."""
        with self._gate.pass_one():
            return self._hasher.hash(_composed(password))

    def check(self, stored: str | None, password: str) -> tuple[bool, str | None]:
        """Whether it is right; and a newer hash to keep where the old one was made with other costs.

        Without a stored hash (no such officer) it takes as long as a wrong password, and is wrong.
        """
        text = _composed(password[: LONGEST + 1])
        with self._gate.pass_one():
            try:
                right, newer = self._hasher.verify_and_update(text, stored or self._nobody)
            except PwdlibError:
                return False, None
        return (True, newer) if right and stored else (False, None)


def check_new(password: str, login: str, name: str) -> None:
    """Raises UsageError `password_too_short`, `password_too_long`, `password_guessable`."""
    text = _composed(password)
    if len(text.strip()) < SHORTEST:
        raise UsageError(
            "password_too_short",
            f"mật khẩu phải có ít nhất {SHORTEST} ký tự",
            cure="dùng vài từ dễ nhớ với mình, người khác không đoán được",
            en=f"a password has at least {SHORTEST} characters",
        )
    if len(text) > LONGEST:
        raise UsageError(
            "password_too_long",
            f"mật khẩu dài quá {LONGEST} ký tự",
            cure="dùng mật khẩu ngắn hơn",
            en=f"a password has at most {LONGEST} characters",
        )
    folded = text.casefold().strip()
    if folded in (login.casefold(), _composed(name).casefold().strip()) or len(set(folded)) < 4:
        raise UsageError(
            "password_guessable",
            "mật khẩu này quá dễ đoán",
            cure="không dùng tên của mình, không lặp đi lặp lại một vài ký tự",
            en="the password is the name, or a few characters repeated",
        )


def one_time(random: Random) -> str:
    """A first password: four groups of four, 79 bits."""
    limit = 256 - 256 % len(ALPHABET)
    letters: list[str] = []
    while len(letters) < 16:
        letters += [ALPHABET[byte % len(ALPHABET)] for byte in random(32) if byte < limit]
    text = "".join(letters[:16])
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _composed(text: str) -> str:
    """Two keyboards write “ế” in two ways; a lone surrogate is no character."""
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode()
