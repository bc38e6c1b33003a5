"""The words of the notices: what is said, to whom, by which channel, and what went wrong on the way. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal
from urllib.parse import urlsplit

from kengd.errors import KengdError

ChannelKind = Literal["apprise", "sms", "webhook", "frigate"]


class NoticeKind(StrEnum):
    """What a notice is about. A person chooses among these."""

    ALARM = "alarm"
    TAKEN = "taken"
    UNACKNOWLEDGED = "unacknowledged"
    ENDED = "ended"
    WILL_NOT_RING = "will_not_ring"
    ABSENT = "absent"
    BACK = "back"
    CONDITION = "condition"
    SILENT_TEST_MISSED = "silent_test_missed"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    TRIAL = "trial"


KINDS_VI: dict[str, str] = {
    NoticeKind.ALARM: "báo động",
    NoticeKind.TAKEN: "công an xã đã nhận",
    NoticeKind.UNACKNOWLEDGED: "gọi người vì chưa ai nhận",
    NoticeKind.ENDED: "hết báo động",
    NoticeKind.WILL_NOT_RING: "kẻng không đánh đúng giờ",
    NoticeKind.ABSENT: "mất liên lạc",
    NoticeKind.BACK: "có liên lạc lại",
    NoticeKind.CONDITION: "điểm kẻng có sự cố",
    NoticeKind.SILENT_TEST_MISSED: "kiểm tra thầm không đạt",
    NoticeKind.CERTIFICATE_EXPIRING: "chứng thư sắp hết hạn",
    NoticeKind.TRIAL: "tin thử",
}
"""As pages name them."""


class Weight(IntEnum):
    """What gives way when there is too much to say, and what waits for the end of quiet hours (CALM only, R45)."""

    CALM = 0
    MATTERS = 1
    URGENT = 2


# `back` weighs as much as `absent`: both go the same way, so that they arrive in their order.
WEIGHTS: dict[NoticeKind, Weight] = {
    NoticeKind.ALARM: Weight.URGENT,
    NoticeKind.TAKEN: Weight.URGENT,
    NoticeKind.UNACKNOWLEDGED: Weight.URGENT,
    NoticeKind.ENDED: Weight.URGENT,
    NoticeKind.WILL_NOT_RING: Weight.MATTERS,
    NoticeKind.ABSENT: Weight.MATTERS,
    NoticeKind.BACK: Weight.MATTERS,
    NoticeKind.CONDITION: Weight.MATTERS,
    NoticeKind.SILENT_TEST_MISSED: Weight.CALM,
    NoticeKind.CERTIFICATE_EXPIRING: Weight.CALM,
    NoticeKind.TRIAL: Weight.MATTERS,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told. Repeats carry the same `key` (folding.py).

    `at_ms`: unix ms UTC of what happened. `posts`: slugs it is about; empty = the commune. `short_vi`: the kernel for an
    SMS (diacritics allowed here, taken off later); empty = title and body. `repeats`: how many more times it happened
    than this one telling. `incident`, `turn`: what it is about, and as whose turn somebody is called for it. `errand`: what this
    is a part of, until all of it has gone out (`hub/errands.py`).
    """

    kind: NoticeKind
    key: str
    title_vi: str
    body_vi: str
    at_ms: int
    posts: tuple[str, ...] = ()
    activation: str | None = None
    short_vi: str = ""
    repeats: int = 0
    incident: str | None = None
    turn: int | None = None
    errand: str = ""

    @property
    def weight(self) -> Weight:
        return WEIGHTS[self.kind]

    @property
    def id(self) -> str:
        """32 hex, the same for the same telling: a receiver can see a repeat for what it is."""
        told = "\x00".join((self.kind, self.key, self.activation or "", str(self.at_ms), str(self.repeats)))
        return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to somebody. `target` (a URL or a phone number) and `secret` are never in a repr, a log or a result (P12).

    `secret`: key of the HMAC (webhook) or bearer token (frigate). `short`: takes only short texts without diacritics.
    `camera`, `label`, `duration_s`: where and how Frigate marks the time.
    """

    kind: ChannelKind
    target: str = field(repr=False)
    secret: str = field(default="", repr=False)
    short: bool = False
    camera: str = ""
    label: str = "kengd"
    duration_s: int = 60

    @property
    def family(self) -> str:
        """Channels that hang together when their service hangs: the modem, or one account at one host. Shows no secret."""
        if self.kind == "sms":
            return "sms"
        scheme, _, rest = self.target.partition("://")
        place = rest.split("/", 1)[0].split("?", 1)[0]
        return f"{self.kind}:{scheme.lower()}:{hashlib.sha256(place.encode('utf-8', 'replace')).hexdigest()[:12]}"

    @property
    def shown(self) -> str:
        """The channel for pages, logs and the ledger: the service, or the last three digits of a number."""
        if self.kind == "sms":
            return f"sms …{self.target[-3:]}"
        if self.kind == "apprise":
            return self.target.partition("://")[0].lower()
        try:
            host = urlsplit(self.target).hostname or "?"
        except ValueError:
            host = "?"
        return f"{self.kind} {host}" + (f" {self.camera}" if self.camera else "")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody, or something, that is told. `posts`: only about these; empty = all.

    `quiet`: minutes after local midnight (from, to) in which calm notices wait; None = never quiet.
    """

    id: str
    name: str
    kinds: frozenset[NoticeKind]
    channels: tuple[Channel, ...]
    posts: frozenset[str] = frozenset()
    quiet: tuple[int, int] | None = None

    def wants(self, notice: Notice) -> bool:
        """Kind and post agree. A notice about no post is about all of them."""
        concerned = not self.posts or not notice.posts or not self.posts.isdisjoint(notice.posts)
        return notice.kind in self.kinds and concerned


class NoticeFailed(KengdError):
    """A notice did not get through one channel. `retry`: trying again can help. Its texts never hold a secret."""

    def __init__(self, code: str, vi: str, *, retry: bool, cure: str = "", en: str = "") -> None:
        super().__init__(code, vi, cure=cure, en=en)
        self.retry = retry


def recipients_of(notice: Notice, people: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Who of these people is told, in their order."""
    return tuple(person for person in people if person.wants(notice))


def quiet_left_ms(recipient: Recipient, notice: Notice, local_minute: int) -> int:
    """How long a notice waits for the end of this person's quiet hours, in ms; 0 = now. Only calm ones ever wait (R45).

    `local_minute`: minutes after local midnight, 0…1439.
    """
    if recipient.quiet is None or notice.weight is not Weight.CALM:
        return 0
    begin, end = recipient.quiet
    inside = begin <= local_minute < end if begin <= end else local_minute >= begin or local_minute < end
    return (end - local_minute) % 1440 * 60_000 if inside else 0
