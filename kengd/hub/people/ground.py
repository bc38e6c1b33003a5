"""What the parts of the facade stand on: ledger, clock, chance, limits; and the few refusals they share."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

from pwdlib import PasswordHash

from kengd.errors import KengdError, UsageError
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.lately import Lately
from kengd.hub.people.limits import Limits, Rule
from kengd.hub.people.passwords import Busy, Gate, Passwords, Random, argon2
from kengd.hub.people.words import Caller
from kengd.wire.orders import LONGEST_TEXT, is_text

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}", re.ASCII)


class Ground:
    """One for all parts; safe from any thread."""

    def __init__(
        self, ledger: Ledger, wall_ms: Callable[[], int], random: Random, hasher: PasswordHash | None = None
    ) -> None:
        """`wall_ms`: unix ms. `random`: that many bytes nobody can guess. `hasher`: argon2id with the costs that are wanted."""
        self.ledger = ledger
        self.wall_ms = wall_ms
        self.random = random
        self.limits = Limits()
        self.lately = Lately()
        self.familiar: dict[tuple[str, str], None] = {}
        self.gate = Gate()
        self.passwords = Passwords(hasher or argon2(), self.gate, random)

    @contextmanager
    def trying(self, keys: Sequence[tuple[str, Rule]]) -> Iterator[list[str]]:
        """One try under these keys, which is none when the gate is too full to make it. Yields those that begin to be slowed.

        Raises Wait, Busy.
        """
        slowed = self.limits.take(keys, self.wall_ms())
        try:
            yield slowed
        except Busy:
            for key, _ in keys:
                self.limits.give_back(key)
            raise

    def new_secret(self) -> str:
        """32 random bytes as text that fits into a cookie or a header."""
        return base64.urlsafe_b64encode(self.random(32)).rstrip(b"=").decode()

    def new_id(self) -> str:
        """An officer's id: it says nothing of the person, so that it may stand in chained books."""
        return f"cb-{self.random(6).hex()}"


def digest_of(secret: str) -> str:
    """SHA-256 (hex) of a secret that is random enough to need no more."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def login_of(text: str) -> str | None:
    """What somebody typed as a login, or None where nobody can be called so."""
    folded = text[:100].strip().casefold()
    return folded if _LOGIN.fullmatch(folded) else None


def checked_login(text: str) -> str:
    """Raises UsageError `bad_login`."""
    login = login_of(text)
    if login is None:
        raise UsageError(
            "bad_login",
            "tên đăng nhập chỉ gồm chữ không dấu, số, dấu chấm và dấu gạch nối",
            cure="ví dụ: an.nguyen (nhiều nhất 40 ký tự)",
            en="a login consists of a-z, 0-9, dots and hyphens, at most 40",
        )
    return login


def checked_name(text: str) -> str:
    """A name as it goes into commands and books. Raises UsageError `bad_name`."""
    name = text.strip()
    if not is_text(name):
        raise UsageError(
            "bad_name",
            f"tên phải có từ 1 đến {LONGEST_TEXT} ký tự, không có ký tự điều khiển",
            cure="ghi họ tên và chức danh, ví dụ: Đại úy Nguyễn Văn An",
            en="a name has 1 to 200 printable characters",
        )
    return name


def wrong_password() -> KengdError:
    """The same for an unknown name and a wrong password."""
    return KengdError(
        "sign_in_wrong",
        "tên đăng nhập hoặc mật khẩu không đúng",
        cure="nhập lại; quên mật khẩu thì nhờ chỉ huy hoặc quản trị đặt lại",
        en="wrong login or password",
    )


def only_officers(caller: Caller) -> str:
    """The id of somebody who is an officer in person. Raises KengdError `officers_only` for tokens and the shell."""
    if caller.session is None:
        raise KengdError(
            "officers_only",
            "việc này chỉ làm được khi tự mình đăng nhập",
            cure="đăng nhập trên trang của máy trực ban",
            en="only for an officer who is signed in",
        )
    return caller.officer.id


def no_such_keeper() -> KengdError:
    """Nobody of this id keeps a bell."""
    return KengdError(
        "no_such_keeper", "không có người giữ kẻng này", cure="tải lại danh sách người giữ kẻng", en="no such keeper"
    )
