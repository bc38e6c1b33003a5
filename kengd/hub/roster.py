"""Who is in the commune, and in one line why a post would not ring now (P9). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from kengd.wire.status import VERSION, Status

LOCAL: Final = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh, which has known no other since 1975; the pure rooms read no time zone files."""
STALE_MS: Final = 90_000
"""A present post speaks once a minute: after this long without a word nobody knows that it is there, whatever is retained."""
_LATEST_MS: Final = 253_402_214_400_000
"""The last day of the year 9999 is not told: seven hours later no calendar has a day."""
SKEW_MS: Final = 10_000
PAGE: Final = r"^https?://[!-~]{1,300}$"
"""What the address of a post's public page looks like (it goes into a QR code)."""


@dataclass(frozen=True, slots=True)
class Village:
    """A village (thôn, tổ dân phố)."""

    id: str
    name: str
    households: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """A bell post as the roster knows it. `sounder`: the duty room's own. `x`, `y`: metres on the commune's plan."""

    id: str
    name: str
    villages: tuple[str, ...] = ()
    sounder: bool = False
    x: float | None = None
    y: float | None = None
    page: str | None = None
    enrolled_ms: int = 0


@dataclass(frozen=True, slots=True)
class Keeper:
    """A bell keeper; `away_until_ms`: not to be called before. `channels`: notice addresses."""

    id: str
    post: str
    name: str
    phone: str = ""
    rank: int = 0
    away_until_ms: int | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """When `village` is in alarm `neighbour` is asked for help; `by_itself`: without an officer's yes (H13)."""

    village: str
    neighbour: str
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """Everything of it, each in its order."""

    posts: tuple[Post, ...] = ()
    villages: tuple[Village, ...] = ()
    keepers: tuple[Keeper, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    groups: Mapping[str, tuple[str, ...]] | None = None
    _posts: Mapping[str, Post] = field(init=False, repr=False, compare=False)
    _villages: Mapping[str, Village] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """A thousand posts ring at once, and each is looked up several times."""
        object.__setattr__(self, "_posts", {post.id: post for post in reversed(self.posts)})
        object.__setattr__(self, "_villages", {village.id: village for village in reversed(self.villages)})

    def post(self, post_id: str) -> Post | None:
        """The post with this id."""
        return self._posts.get(post_id)

    def village(self, village_id: str) -> Village | None:
        """The village with this id."""
        return self._villages.get(village_id)

    def bells(self) -> tuple[Post, ...]:
        """Posts that villages hear: all but the duty room's sounder."""
        return tuple(post for post in self.posts if not post.sounder)

    def serving(self, villages: Iterable[str]) -> tuple[Post, ...]:
        """The posts of these villages."""
        wanted = set(villages)
        return tuple(post for post in self.bells() if wanted & set(post.villages))

    def households(self, posts: Iterable[str]) -> int:
        """How many households hear these posts; a village with several posts counts once."""
        wanted = set(posts)
        heard = {village for post in self.posts if post.id in wanted for village in post.villages}
        return sum(village.households for village in self.villages if village.id in heard)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the hub last heard of a post. `heard_ms`: unix ms by the hub's clock of its last word, None: never.

    `live`: that word was spoken now, not kept by the broker from before. `since_ms`: present or absent since.
    `ahead_ms`: its clock against ours when it last spoke live. `refused`: it last refused our signature for this reason.
    `odd`: what the broker had kept of it bears a time that does not go with our clock; which of the two is wrong, or whether it
    is long gone, its next word tells. `speaks`: the version of its statuses, where that is none of ours (its words are then unknown).
    `word_ms`: unix ms of its own last word, which a Last Will is not; None: this process knows of none.
    """

    status: Status | None = None
    present: bool = False
    heard_ms: int | None = None
    since_ms: int | None = None
    live: bool = False
    ahead_ms: int | None = None
    refused: str | None = None
    odd: bool = False
    speaks: int | None = None
    word_ms: int | None = None

    def is_present(self, now_ms: int) -> bool:
        """It says that it is there, and said so not long ago."""
        return self.present and self.heard_ms is not None and now_ms - self.heard_ms < STALE_MS

    def needs_nonce(self) -> bool:
        """Its clock is not trusted, or is not ours (DESIGN section 7, freshness; H22)."""
        if self.status is None:
            return False
        return self.odd or self.status.clock == "untrusted" or self.differs()

    def differs(self) -> bool:
        """Its clock is another than ours."""
        return self.ahead_ms is not None and abs(self.ahead_ms) > SKEW_MS


def hub_clock_wrong(seen: Iterable[Seen], now_ms: int) -> bool:
    """Most present posts whose clocks are trusted disagree with ours: it is ours that is wrong (H22)."""
    ahead = [
        item.differs()
        for item in seen
        if item.is_present(now_ms)
        and item.ahead_ms is not None
        and item.status is not None
        and item.status.clock == "ntp"
    ]
    return len(ahead) >= 2 and sum(ahead) * 2 > len(ahead)


def moment_vi(at_ms: int, now_ms: int) -> str:
    """ "01:12", or with the day where it is not today's."""
    at, now = (datetime.fromtimestamp(min(ms, _LATEST_MS) / 1000, UTC).astimezone(LOCAL) for ms in (at_ms, now_ms))
    return (
        f"{at:%H:%M}"
        if at.date() == now.date()
        else f"{at:%H:%M} ngày {at.day}/{at.month}" + (f"/{at.year}" if at.year != now.year else "")
    )


def why_silent(seen: Seen, now_ms: int, *, line_up: bool = True) -> str | None:
    """In one line why this post would not ring an alarm if it were asked now; None: nothing is known against it."""
    if not line_up:
        return "máy trực ban mất liên lạc với máy chủ MQTT, chưa biết điểm kẻng này thế nào"
    if seen.heard_ms is None:
        return "chưa bao giờ liên lạc với máy trực ban"
    if not seen.is_present(now_ms):
        since = seen.heard_ms if seen.present else (seen.since_ms or seen.heard_ms)
        return f"mất liên lạc từ {moment_vi(since, now_ms)}"
    if seen.speaks is not None:
        older = "điểm kẻng" if seen.speaks < VERSION else "máy trực ban"
        return (
            f"điểm kẻng nói giao thức phiên bản {seen.speaks}, máy trực ban phiên bản {VERSION}: phải nâng cấp {older}"
        )
    if seen.refused is not None:
        from_key = {
            "unknown_key": "khóa của máy trực ban không có ở điểm kẻng",
            "bad_signature": "chữ ký không đúng khóa",
        }
        return from_key.get(seen.refused, f"điểm kẻng từ chối lệnh ({seen.refused})")
    status = seen.status
    if status is not None:
        for item in status.conditions:
            if item.severity == "critical":  # also one that only a newer post knows
                return " ".join(item.vi.split())
    return None


HUB_CLOCK_VI: Final = (
    "đồng hồ máy trực ban khác đồng hồ của hầu hết các điểm kẻng: kẻng vẫn đánh theo lệnh, nhưng giờ ghi ở máy này không đúng; "
    "chỉnh lại ngày giờ của máy trực ban"
)


def clock_vi(seen: Seen, *, hub_wrong: bool = False) -> str | None:
    """In one line what is wrong with this post's clock, or None. `hub_wrong`: it is ours that most posts disagree with (H22)."""
    if seen.status is None or not seen.live:
        return None
    if seen.status.clock == "untrusted":
        return "đồng hồ chưa tin được: kẻng theo giờ không đánh, lệnh của máy trực ban vẫn đánh"
    if hub_wrong or seen.ahead_ms is None or not seen.differs():
        return None
    fast, far = ("nhanh" if seen.ahead_ms > 0 else "chậm"), _length_vi(abs(seen.ahead_ms))
    return f"đồng hồ {fast} {far} so với máy trực ban: kẻng theo giờ sẽ đánh sai giờ, lệnh của máy trực ban vẫn đánh"


def _length_vi(ms: int) -> str:
    """ "15 giây", "2 giờ 5 phút", "400 ngày"."""
    if ms < 120_000:
        return f"{round(ms / 1000)} giây"
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} phút"
    return f"{minutes // 60} giờ {minutes % 60} phút" if minutes < 2 * 24 * 60 else f"{minutes // (24 * 60)} ngày"


def why_calm_silent(seen: Seen, now_ms: int) -> str | None:
    """In one line why the next routine ring (the 22:00 one) would not sound, beyond what silences an alarm."""
    status = seen.status
    if status is None:
        return None
    if status.silenced_until_s * 1000 > now_ms:
        return f"đang tạm ngừng kẻng thường lệ đến {moment_vi(status.silenced_until_s * 1000, now_ms)}"
    if status.clock == "untrusted":
        return "đồng hồ chưa tin được, kẻng theo giờ không đánh"
    return None
