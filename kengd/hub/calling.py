"""Whether somebody can be called when nobody takes charge of an alarm. Who was called is who could be told: a service has taken
the notice; everything else is a try (H6, P9). Pure.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from kengd.clock import local
from kengd.hub.incidents import Callee, Incident, next_callee
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.notices import Sent
from kengd.hub.notices import wording
from kengd.hub.notices.words import Notice, NoticeKind
from kengd.hub.roster import Roster
from kengd.hub.tidings import Tiding, about, is_news, name_of, told_once

NOBODY: Final = ""
"""In the place of a person's id: there is nobody on the list whom anything could reach."""

CODE: Final = "nobody_reached"
KEPT: Final = "calling:nobody"
"""Under this key of the ledger's values, while it lasts: `Unreached` as JSON."""
MORNING_HOUR: Final = 6
"""Local: when the quiet hours of calm notices end."""
NO_WAY_VI: Final = "không có số điện thoại hay kênh nhắn tin nào dùng được"
NOBODY_VI: Final = "không ai trong danh sách có số điện thoại hay kênh nhắn tin nào dùng được"
CURE_VI: Final = (
    "ghi số điện thoại hoặc kênh nhắn tin cho cán bộ trực và người giữ kẻng, xem mục [sms] trong hub.toml và đường mạng ra ngoài "
    "của máy trực ban; tình trạng này tự hết khi có một tin gửi được tới người"
)


@dataclass(frozen=True, slots=True)
class Unreached:
    """An alarm that nobody took, and nobody on the list could be reached. `why_vi`: of the last who was tried. Stays until a notice
    to a person gets through, also when the alarm is over: next time it would be the same."""

    since_ms: int
    incident: str
    why_vi: str

    def kept(self) -> str:
        """As the ledger keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)


def unreached(kept: str | None) -> Unreached | None:
    """What the ledger has kept."""
    return None if kept is None else Unreached(**json.loads(kept))


def condition(found: Unreached) -> dict[str, Any]:
    """The condition of the hub, for pages and machines: no names, no addresses."""
    return {
        "code": CODE,
        "severity": "critical",
        "vi": f"báo động chưa ai nhận mà không gọi, nhắn được ai: {found.why_vi}",
        "en": "an alarm was not taken and nobody on the list could be reached",
        "cure": CURE_VI,
        "since_ms": found.since_ms,
        "incident": found.incident,
    }


def of_turn(
    incident: Incident,
    sounded: Sequence[Sounded],
    roster: Roster,
    people: Sequence[Callee],
    call_after_s: int,
    now_ms: int,
    *,
    phone: str = "",
) -> list[Tiding]:
    """Nobody takes it: whose turn it is, or that there is nobody at all; and once, as what could not be said, each on the list whom
    nothing can reach. `people`: who is called in turn, officers before keepers (H6). `phone`: of the police, for keepers."""
    waits = incident.turns and incident.acknowledged_ms is None and incident.closed_ms is None
    if not waits or not is_news(incident, sounded, now_ms):
        return []
    keepers = {keeper.id for keeper in roster.keepers}

    def turn(key: str, to: str, name: str) -> Tiding:
        head = sounded[0]
        said = wording.unacknowledged(
            at_ms=now_ms, post=head.post, post_name=name_of(roster, head.post), activation=head.activation,
            waited_s=incident.turns * call_after_s, attempt=incident.turns, to=name, keeper=to in keepers, phone=phone,
        )  # fmt: skip
        return about(incident, replace(told_once(key, replace(said, turn=incident.turns), now_ms), to=to))

    mute = [turn(f"uncalled:{incident.id}:{one.id}", one.id, one.name) for one in people if not one.reachable]
    callee = next_callee(people, incident.turns - 1)
    whom = (NOBODY, "cán bộ trực") if callee is None else (callee.id, callee.name)
    return [*mute, turn(f"call:{incident.id}:{incident.turns}", *whom)]


def of_morning(found: Unreached | None, now_ms: int) -> list[Tiding]:
    """From six o'clock on, once a day while it lasts: that nobody could be reached. Whom this reaches clears it."""
    now = local(now_ms)
    if found is None or now.hour < MORNING_HOUR:
        return []
    text = (
        f"Lúc {wording.clock_text(found.since_ms)} có báo động chưa ai nhận mà máy trực ban KHÔNG gọi, nhắn được ai: {found.why_vi}. "
        f"Cách sửa: {CURE_VI}."
    )
    key = f"nobody:{now.date()}"
    said = Notice(NoticeKind.CONDITION, key, "Không gọi được ai khi có báo động", text, now_ms, incident=found.incident)
    return [told_once(key, said, now_ms, ("officers",))]


def nobody_reached(tries: Iterable[Sent], people: Collection[str]) -> bool:
    """Everybody on the list (`people`: who has a way to be reached) was tried in vain since somebody was last reached.

    `tries`: notices about this incident, oldest first. What went out by one of several ways went out.
    """
    tries = [one for one in tries if one.to in people]
    out = {(one.to, one.errand) for one in tries if one.ok}
    vain: set[str] = set()
    for one in tries:
        if one.ok:
            vain.clear()
        elif (one.to, one.errand) not in out:
            vain.add(one.to)
    return vain >= set(people)
