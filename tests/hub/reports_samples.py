"""Entries as a post writes them, and a small commune, for the tests of reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from kengd import clock
from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source
from kengd.hub.reports.facts import (
    Ground,
    IncidentFacts,
    JoinedFacts,
    PostFacts,
    PresenceFacts,
    RingFacts,
    VillageFacts,
)
from kengd.wire.entry import FIRST_PREV, Entry, format_at


def at(text: str) -> int:
    """Unix ms of a local time "2026-11-05T22:00:03"."""
    return clock.unix_ms(datetime.fromisoformat(text).replace(tzinfo=clock.zone()))


class Book:
    """Makes entries in order. Each call: kind, local time, and the keys that are not null."""

    def __init__(self, book: str = "b1") -> None:
        self._book = book
        self.entries: list[Entry] = []

    def write(self, kind: str, when: str, **given: Any) -> Entry:
        """One entry more; the chain is not what these tests are about."""
        said: dict[str, Any] = dict.fromkeys(
            ("activation", "command_id", "signal", "purpose", "source", "place", "by", "reason", "detail")
        )
        said |= {"clock": "ntp"} | given
        entry = Entry(
            book=self._book,
            seq=len(self.entries) + 1,
            at=format_at(at(when)),
            kind=kind,
            prev=FIRST_PREV,
            hash=FIRST_PREV,
            **said,
        )
        self.entries.append(entry)
        return entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


POSTS = (
    PostFacts("thon-1", "Kẻng thôn 1, nhà văn hóa", ("v1",)),
    PostFacts("thon-2", "Kẻng thôn 2, đình làng", ("v2", "v3")),
    PostFacts("thon-2b", "Kẻng bờ đê", ("v2",)),
    PostFacts("xa", "Còi trụ sở xã"),
)
VILLAGES = (
    VillageFacts("v1", "Thôn An Lạc", 412),
    VillageFacts("v2", "Thôn Đông Cao", 388),
    VillageFacts("v3", "Thôn Đồng Bông", 505),
)
FROM = at("2026-11-01T00:00:00")
DAY = 86_400_000


def ring(post: PostFacts, when: str, **given: Any) -> RingFacts:
    """A ring that lasted 3 minutes."""
    begun = at(when)
    facts: dict[str, Any] = {
        "post": post.id,
        "villages": post.villages,
        "at_ms": begun,
        "outcome": "finished",
        "signal": "alarm",
        "kind": Kind.ALARM,
        "purpose": Purpose.ACTUAL,
        "source": Source.BUTTON,
        "activation": f"{post.id}-{when}",
        "ringing_ms": begun,
        "ended_ms": begun + 180_000,
        "signal_name": "Báo động",
    }
    return RingFacts(**(facts | given))


def commune() -> Ground:
    """A month of Cộng Lạc as it might have been."""
    rings: list[RingFacts] = []
    for n in range(30):
        for post in POSTS[:2]:
            day = datetime(2026, 11, 1) + timedelta(days=n)  # noqa: DTZ001
            due = at(f"{day:%Y-%m-%d}T22:00:00")
            night: dict[str, Any] = {
                "signal": "curfew",
                "kind": Kind.CURFEW,
                "signal_name": "Báo yên (kẻng đêm)",
                "source": Source.TIMETABLE,
                "asked_ms": due,
            }
            if n == 11 and post.id == "thon-1":
                missed = {
                    "outcome": "missed",
                    "reason": "after_alarm",
                    "at_ms": due,
                    "ringing_ms": None,
                    "ended_ms": None,
                }
                rings.append(ring(post, f"{day:%Y-%m-%d}T22:00:00", **(night | missed)))
            else:
                rings.append(ring(post, f"{day:%Y-%m-%d}T22:00:00", measured=True, **night, ended_ms=due + 9_000))
    rings += [
        ring(POSTS[0], "2026-11-12T21:48:10", place="nhà văn hóa", outcome="cut", reason="hushed", hushed_by="Trần Văn B",
             joined=(JoinedFacts(at("2026-11-12T21:48:30"), Source.HUB, by="Lê C"),)),
        ring(POSTS[1], "2026-11-12T21:49:02", source=Source.HUB, signal="support", kind=Kind.SUPPORT,
             signal_name="Chi viện thôn bạn", by="Thiếu tá Lê Văn C", why="vây bắt trộm ở An Lạc", measured=True,
             asked_ms=at("2026-11-12T21:49:01"), command_id="c-1"),
        ring(POSTS[2], "2026-11-12T21:49:05", outcome="unanswered", reason="no_answer", source=Source.HUB,
             by="Thiếu tá Lê Văn C", ringing_ms=None, ended_ms=None, activation=None),
        ring(POSTS[1], "2026-11-20T09:00:00", purpose=Purpose.DRILL, source=Source.HUB, by="Lê C", measured=True,
             asked_ms=at("2026-11-20T08:59:59"), ended_ms=at("2026-11-20T09:00:30")),
        ring(POSTS[0], "2026-11-21T03:00:00", outcome="refused", reason="bad_signature", signal=None, kind=None, purpose=None,
             source=Source.HUB, ringing_ms=None, ended_ms=None, count=37, signal_name=None, activation=None),
        ring(POSTS[0], "2026-11-22T03:30:00", outcome="tested", source=Source.HUB, purpose=Purpose.TEST),
    ]  # fmt: skip
    incidents = (
        IncidentFacts("i1", at("2026-11-12T21:48:10"), "v1", "theft", False, at("2026-11-12T21:48:41"), "Thiếu tá Lê Văn C",
                      "Bắt giữ 1 đối tượng, thu hồi tài sản", "Nhân dân thôn An Lạc và Đông Cao vây bắt."),
        IncidentFacts("i2", at("2026-11-15T19:10:00"), "v2", "quarrel", True, at("2026-11-15T19:10:00"), "Đại úy Vũ D",
                      "Hòa giải tại chỗ"),
        IncidentFacts("i3", at("2026-11-25T01:12:00"), "v3", None, False),
    )  # fmt: skip
    presences = (
        PresenceFacts("thon-1", FROM - 9 * DAY, FROM + 40 * DAY, ((FROM - 9 * DAY, FROM + 40 * DAY),)),
        PresenceFacts("thon-2", FROM + 10 * DAY, FROM + 40 * DAY, ((FROM + 11 * DAY, FROM + 30 * DAY),)),
        PresenceFacts("thon-2b", FROM - DAY, FROM + 40 * DAY, ((FROM, FROM + 3 * DAY),)),
        PresenceFacts("xa", FROM + 33 * DAY, FROM + 40 * DAY, ()),
    )
    return Ground(POSTS, VILLAGES, tuple(rings), incidents, presences)
