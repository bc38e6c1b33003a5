"""What officers may do, and the data of officers, their devices and tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from kengd.errors import KengdError, UsageError

Role = Literal["duty", "chief", "admin"]
Act = Literal[
    "ring", "hush", "acknowledge", "outcome", "ring_all", "people", "silence", "codebook", "enrol", "keys", "backup",
    "settings", "audit",
]  # fmt: skip

ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""From the least to the most."""
ACTS: Final[tuple[Act, ...]] = get_args(Act)
ROLE_VI: Final[dict[Role, str]] = {"duty": "trực ban", "chief": "chỉ huy", "admin": "quản trị"}

_DUTY: Final[frozenset[Act]] = frozenset({"ring", "hush", "acknowledge", "outcome"})
_CHIEF: Final[frozenset[Act]] = _DUTY | {"ring_all", "people", "silence", "codebook", "audit"}
MAY: Final[dict[Role, frozenset[Act]]] = {
    "duty": _DUTY,
    "chief": _CHIEF,
    "admin": _CHIEF | {"enrol", "keys", "backup", "settings"},
}

WhyNot = Literal["role", "must_change", "locked"]


def may(role: Role, act: Act) -> bool:
    """Whether the role includes the act. `ring`: single posts, villages, groups; `ring_all`: all posts."""
    return act in MAY[role]


def lower(one: Role, other: Role) -> Role:
    """The lesser of two roles."""
    return min(one, other, key=ROLES.index)


def role_of(text: str) -> Role:
    """The role of this name. Raises UsageError `bad_role`."""
    for role in ROLES:
        if role == text:
            return role
    raise UsageError(
        "bad_role",
        f"không có vai trò “{text[:40]}”",
        cure="dùng duty (trực ban), chief (chỉ huy) hoặc admin (quản trị)",
        en=f"no such role: {text[:40]!r}",
    )


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer. `id` is made up by the hub and says nothing of the person; `login` is what they sign in with, None: ended.

    `channels`: notice addresses. `erased_ms`: phone, channels and name are gone.
    """

    id: str
    login: str | None
    name: str
    role: Role
    must_change: bool = False
    phone: str = ""
    rank: int = 0
    channels: tuple[str, ...] = ()
    has_pin: bool = False
    made_ms: int = 0
    ended_ms: int | None = None
    erased_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in device. `id`: the first 12 digits of its secret's hash, good for nothing but naming it."""

    id: str
    officer: str
    device: str
    made_ms: int
    used_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, without itself. `id` as for a device; `ended_ms`: revoked."""

    id: str
    name: str
    officer: str
    role: Role
    made_ms: int
    until_ms: int | None = None
    ended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for something now. `role`: theirs, or less where a token is narrower. `locked`: a device idle for long."""

    officer: Officer
    role: Role
    locked: bool = False
    session: str | None = None
    token: str | None = None

    def why_not(self, act: Act) -> WhyNot | None:
        """None: they may. Stopping the sound is never refused to anybody who is signed in."""
        if act == "hush":
            return None
        if not may(self.role, act):
            return "role"
        if self.officer.must_change:
            return "must_change"
        return "locked" if self.locked else None

    def require(self, act: Act) -> None:
        """Raises KengdError `not_allowed`, `password_must_change` or `session_locked`."""
        why = self.why_not(act)
        if why is not None:
            raise _refusal(why, self.role)

    def require_awake(self) -> None:
        """For one's own affairs: everybody may see to them, but not from a device that was left lying. Raises `session_locked`."""
        if self.locked:
            raise _refusal("locked", self.role)


def shell_caller(user: str) -> Caller:
    """Somebody at the hub machine's own shell; a login never contains a colon, so nobody else is called so."""
    name = f"shell:{user}"
    return Caller(Officer(name, None, name, "admin"), "admin")


def _refusal(why: WhyNot, role: Role) -> KengdError:
    if why == "role":
        return KengdError(
            "not_allowed",
            f"vai trò {ROLE_VI[role]} không được làm việc này",
            cure="nhờ chỉ huy hoặc quản trị",
            en=f"the role {role} may not do this",
        )
    if why == "must_change":
        return KengdError(
            "password_must_change",
            "mật khẩu này chỉ để vào lần đầu",
            cure="đặt mật khẩu mới của riêng mình, rồi làm lại",
            en="the first password has to be changed",
        )
    return KengdError(
        "session_locked",
        "máy này đã lâu không dùng",
        cure="nhập mã PIN hoặc mật khẩu; dừng kẻng thì không cần",
        en="this device was idle: PIN or password needed",
    )
