"""What people are told, and who of them: decided from what the ledger and the posts say. Pure; `herald.py` does the telling.

Each tiding has a key that is used once by all workers together and across restarts, so nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Literal

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.clock import local, unix_ms
from kengd.duty.words import Source
from kengd.hub.authority.own import Expiry
from kengd.hub.incidents import FROM_VILLAGE, Incident
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.notices import TOLD, MissedRing
from kengd.hub.ledger.trials import WAITING, Trial
from kengd.hub.notices import wording
from kengd.hub.notices.words import Notice, NoticeKind
from kengd.hub.reports.names import lowered, reason_words
from kengd.hub.roster import SKEW_MS, Post, Roster, Seen, moment_vi
from kengd.hub.silent_test import why_vi

Group = Literal["officers", "keepers", "hooks"]
FEED: Final = "CAP "
"""Before the name of the source, in the place of an officer's name, where a bulletin has rung by itself."""
ALL: Final[tuple[Group, ...]] = ("officers", "keepers", "hooks")
CURFEW_WARNED_AT: Final = (21, 30)
CURFEW_AT: Final = (22, 0)
"""Local. The nightly ring of the model; a post's own timetable may differ, the warning then comes early or is of no use."""
STALE_MS: Final = 24 * 3_600_000
"""An incident that began longer ago is no news, whatever has become of it."""
PLACE_WITHIN_MS: Final = 2_000
"""A post says first that it sounds, and a moment later which button it was: an alarm waits so long for the place."""
MISSED_STALE_MS: Final = 12 * 3_600_000
RENEWS_WITHIN_MS: Final = 30 * 86_400_000
"""A certificate that renews itself has less than this left only when that has failed."""


@dataclass(frozen=True, slots=True)
class Tiding:
    """Something to be told. `key`, `value`: what is claimed in the ledger first; `value` None: the key is struck instead.

    `groups`: who is told, as far as they want such notices about these posts; `to`: one person alone, by id. `notice` None:
    nothing is said, only the key changes.
    """

    key: str
    value: str | None
    notice: Notice | None
    groups: tuple[Group, ...] = ALL
    to: str | None = None


@cache
def signal_vi(signal: str | None) -> str:
    """The signal's Vietnamese name, in the shipped codebooks; an unknown one is shown as it is."""
    for name in BUILTIN_NAMES:
        found = builtin(name).signals.get(signal or "")
        if found is not None:
            return found.name_vi
    return signal or "kẻng"


def is_news(incident: Incident, sounded: Sequence[Sounded], now_ms: int) -> bool:
    """It has been rung for, in earnest and lately: a call (tin báo) that nothing has been rung for is told to nobody."""
    return bool(sounded) and incident.purpose == "actual" and now_ms - incident.began_ms <= STALE_MS


def of_incident(
    incident: Incident, sounded: Sequence[Sounded], roster: Roster, now_ms: int, order: Dispatch | None = None
) -> list[Tiding]:
    """New alarm, taken, over, however it came to be rung; that nobody takes it says `calling.of_turn`.

    Of an alarm that sounds at many posts officers hear once, each keeper of his own post. `order`: what was ordered for it first,
    where it was an order.
    """
    if not is_news(incident, sounded, now_ms):
        return []
    found = []
    first: dict[str, Sounded] = {}
    for item in sounded:
        first.setdefault(item.post, item)
    for number, (post, item) in enumerate(first.items()):
        if item.source == "button" and not item.place and 0 <= now_ms - item.began_ms < PLACE_WITHIN_MS:
            continue
        key = f"alarm:{incident.id}:{post}" if number else f"alarm:{incident.id}"
        groups: tuple[Group, ...] = ("keepers", "hooks") if number else ALL
        found.append(told_once(key, _alarm(incident, item, roster, order), now_ms, groups))
    head = sounded[0]
    name, posts = name_of(roster, head.post), tuple(first)
    if incident.acknowledged_ms is not None and head.source in FROM_VILLAGE:
        said = wording.taken(
            at_ms=incident.acknowledged_ms, post=head.post, post_name=name, activation=head.activation,
            by=incident.acknowledged_by or "",
        )  # fmt: skip
        found.append(told_once(f"taken:{incident.id}", replace(said, posts=posts), now_ms))
    if incident.closed_ms is not None:
        names = [name_of(roster, post) for post in posts]
        over = wording.ended(
            at_ms=incident.closed_ms, posts=posts, names=names, activation=head.activation, by=incident.closed_by or ""
        )
        found.append(told_once(f"ended:{incident.id}", over, now_ms))
    return [about(incident, tiding) for tiding in found]


def _alarm(incident: Incident, item: Sounded, roster: Roster, order: Dispatch | None) -> Notice:
    post = roster.post(item.post)
    villages = [village.name for village in roster.villages if post is not None and village.id in post.villages]
    by = feed = why = ""
    if item.source not in FROM_VILLAGE:
        feed = feed_of(order)
        by = "" if feed else order.by if order is not None else incident.acknowledged_by or ""
        why = why_of(incident, order)
    return wording.alarm(
        at_ms=item.began_ms, post=item.post, post_name=name_of(roster, item.post), villages=villages,
        signal_vi=signal_vi(item.signal), activation=item.activation, source=_source(item.source),
        place=item.place or "", by=by, why=why, feed=feed,
    )  # fmt: skip


def feed_of(order: Dispatch | None) -> str:
    """The source whose CAP bulletin rang by itself; "": an officer ordered it, or nobody."""
    return (
        order.by.removeprefix(FEED) if order is not None and order.officer is None and order.by.startswith(FEED) else ""
    )


def why_of(incident: Incident, order: Dispatch | None = None) -> str:
    """Why it was rung, for everybody: the officer's reason, or what the bulletin says. What a caller has said to the officer is not
    (P12: it may name people)."""
    if incident.origin != "call":
        return incident.text
    if order is None or not order.why:
        return ""
    return (
        order.why.removeprefix(f"{order.by}: ") if feed_of(order) else order.why if order.why != incident.text else ""
    )


def about(incident: Incident, tiding: Tiding) -> Tiding:
    """So that the list of notices says which incident it is about."""
    return replace(tiding, notice=None if tiding.notice is None else replace(tiding.notice, incident=incident.id))


def of_missed(missed: MissedRing, roster: Roster, now_ms: int, ahead_ms: int | None = None) -> Tiding | None:
    """ "Vì sao 22h không kêu": to the post's keepers and the officers; None where it is long past, or the post is not ours.

    `ahead_ms`: by how much the post's clock is known to be ahead of ours. Whichever of the two is wrong, what was missed just now is
    told, and what is told is the hour that the post had missed (H22).
    """
    if roster.post(missed.post) is None:
        return None
    due_ms = _due_ms(missed)
    by_ms = ahead_ms if ahead_ms is not None and abs(ahead_ms) > SKEW_MS else 0
    if due_ms is None or not -SKEW_MS <= now_ms - (due_ms - by_ms) <= MISSED_STALE_MS:
        return None
    name, when = name_of(roster, missed.post), wording.clock_text(due_ms)
    what, why = lowered(signal_vi(missed.signal)), reason_words("missed", missed.reason)
    key = f"missed:{missed.post}:{missed.book}:{missed.seq}"
    text = f"{name} đã KHÔNG đánh {what} lúc {when}. Lý do: {why}."
    short = f"{name} KHÔNG ĐÁNH {what} lúc {when}: {why}."
    title = f"{name} không đánh lúc {when}"
    said = Notice(NoticeKind.WILL_NOT_RING, key, title, text, now_ms, (missed.post,), None, short)
    return told_once(key, said, now_ms)


def _due_ms(missed: MissedRing) -> int | None:
    if missed.due is None:
        return missed.at_ms
    try:
        due = datetime.fromisoformat(missed.due)
        return unix_ms(due) if due.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def why_no_curfew(seen: Seen, due_ms: int, now_ms: int) -> str | None:
    """Why the nightly ring will not sound, as far as the post has said so; of one that is silent nobody knows (P9)."""
    status = seen.status
    if status is None:
        return None
    if status.silenced_until_s * 1000 > due_ms:
        return f"đang tạm ngừng kẻng thường lệ đến {moment_vi(status.silenced_until_s * 1000, now_ms)}"
    if not seen.is_present(now_ms):
        return None
    if status.clock == "untrusted":
        return "đồng hồ chưa tin được"
    return next((" ".join(item.vi.split()) for item in status.conditions if item.severity == "critical"), None)


def of_curfew(roster: Roster, seen: Mapping[str, Seen], now_ms: int) -> list[Tiding]:
    """From 21:30 local until the ring: each post that would not sound it, with the reason; once a night."""
    now = local(now_ms)
    due = now.replace(hour=CURFEW_AT[0], minute=CURFEW_AT[1], second=0, microsecond=0)
    if not (now.hour, now.minute) >= CURFEW_WARNED_AT or now >= due:
        return []
    found, due_ms = [], unix_ms(due)
    for post in roster.bells():
        why = why_no_curfew(seen.get(post.id, Seen()), due_ms, now_ms)
        if why is not None:
            said = wording.will_not_ring(
                at_ms=now_ms, post=post.id, post_name=post.name, signal_vi="kẻng đêm", due_ms=due_ms, reason_vi=why
            )
            found.append(told_once(f"curfew:{post.id}:{now.date()}", said, now_ms))
    return found


def of_certificates(expiring: Sequence[Expiry], roster: Roster, now_ms: int) -> list[Tiding]:
    """60 days ahead and once a week (R43); what renews itself only when that has failed. To officers and hooks."""
    week = f"{local(now_ms):%G-W%V}"
    found = []
    for one in expiring:
        if one.renews_itself and one.not_after_ms - now_ms > RENEWS_WITHIN_MS:
            continue
        if one.purpose == "post" and roster.post(one.subject) is None:
            continue
        post = roster.post(one.subject) if one.purpose == "post" else None
        said = wording.certificate_expiring(
            at_ms=now_ms, subject=_holder(one, post), expires_ms=one.not_after_ms, posts=(post.id,) if post else ()
        )
        key = f"certificate:{one.purpose}:{one.subject}:{week}"
        found.append(told_once(key, replace(said, key=key), now_ms, ("officers", "hooks")))
    return found


def _holder(one: Expiry, post: Post | None) -> str:
    if post is not None:
        return post.name
    words = {
        "ca": "cơ quan chứng thư của xã",
        "server": "máy chủ MQTT",
        "hub": "máy trực ban",
        "bridge": "cầu nối",
        "reader": "máy chỉ xem",
    }
    return f"{words.get(one.purpose, 'điểm kẻng')} ({one.subject})"


def of_silent_test(night: Sequence[Trial], roster: Roster, now_ms: int) -> list[Tiding]:
    """When every post of the night has a result: one notice to the officers, one to the keepers of each post that failed."""
    if not night or any(trial.result == WAITING for trial in night) or now_ms - night[0].at_ms > STALE_MS:
        return []
    bad = [trial for trial in night if trial.result != "passed" and roster.post(trial.post) is not None]
    if not bad:
        return []

    def said(trials: Sequence[Trial]) -> Notice:
        posts, names = [trial.post for trial in trials], [name_of(roster, trial.post) for trial in trials]
        return wording.silent_test_missed(
            at_ms=trials[0].at_ms, posts=posts, names=names, reasons_vi=[why_vi(trial) for trial in trials]
        )

    label = night[0].night
    found = [told_once(f"silent:{label}", said(bad), now_ms, ("officers", "hooks"))]
    for trial in bad:
        own = said([trial])
        key = f"silent:{label}:{trial.post}"
        found.append(told_once(key, replace(own, key=f"{own.key}:{trial.post}"), now_ms, ("keepers",)))
    return found


def not_told(tidings: Sequence[Tiding], told: Collection[str]) -> list[Tiding]:
    """Those whose key nobody has used."""
    return [tiding for tiding in tidings if tiding.key.removeprefix(TOLD) not in told]


def forgotten_before_ms(now_ms: int) -> int:
    """What was told before this is not asked about again: a week has gone by for all of it."""
    return now_ms - int(timedelta(days=10).total_seconds() * 1000)


def told_once(key: str, notice: Notice, now_ms: int, groups: tuple[Group, ...] = ALL) -> Tiding:
    """A tiding that is told once for all, under this key."""
    return Tiding(TOLD + key, str(now_ms), notice, groups)


def name_of(roster: Roster, post_id: str) -> str:
    """The post's name, or its id where it is none of ours."""
    post = roster.post(post_id)
    return post.name if post is not None else post_id


def _source(source: Any) -> Source:
    try:
        return Source(source)
    except ValueError:
        return Source.HUB
