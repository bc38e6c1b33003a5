"""What an officer sees first: what is wrong, open incidents with the alarms on top, and each post as it is now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kengd.clock import local
from kengd.hub.authority.own import Expiry
from kengd.hub.chains import WRONG_VI, Chain, Follows
from kengd.hub.desk.silence import silence_of
from kengd.hub.incident_acts import part_of
from kengd.hub.incidents import Incident, helpers_of, villages_of
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.reports.signals import BUILTIN_SIGNALS
from kengd.hub.roster import Post, Roster, Seen, clock_vi, hub_clock_wrong, why_calm_silent, why_silent

NO_PROOF = "rơ-le đã đóng, chưa kiểm được tiếng"
PROVED = "đã kiểm được tiếng"
DISPROVED = "rơ-le đã đóng nhưng không nghe thấy tiếng"


def proof_vi(proved: bool | None) -> str:
    """What is known of the sound itself (P9)."""
    return NO_PROOF if proved is None else PROVED if proved else DISPROVED


def signal_vi(signal: str | None) -> str | None:
    """The signal's Vietnamese name where it is one that everybody has."""
    known = BUILTIN_SIGNALS.get(signal or "")
    return known.name_vi if known else signal


def age_s(at_ms: int | None, now_ms: int) -> int | None:
    """Whole seconds by the hub's clock, never below 0."""
    return None if at_ms is None else max(0, now_ms - at_ms) // 1000


def posts_now(
    roster: Roster,
    seen: Mapping[str, Seen],
    rings: Mapping[str, Mapping[str, Any]],
    now_ms: int,
    line_up: bool,
    unread: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """Each post in the roster's order. `unread`: of how many lines of its book nobody knows what they say."""
    wrong, unread = hub_clock_wrong(seen.values(), now_ms), unread or {}
    return [
        _post(post, seen.get(post.id, Seen()), rings.get(post.id), now_ms, line_up, wrong, unread.get(post.id, 0))
        for post in roster.posts
    ]


def unread_condition(count: int) -> dict[str, Any]:
    """What the hub, not the post, says of a post: its lines came and could not be kept."""
    return {
        "code": "book_lines_unread",
        "severity": "major",
        "vi": f"{count} dòng sổ không đọc được",
        "en": f"{count} lines of its book could not be read or kept",
        "count": count,
        "cure": "xem nhật ký máy trực ban (journalctl -u kengd-hub); nâng cấp điểm kẻng và máy trực ban lên cùng bản",
    }


def _post(
    post: Post,
    seen: Seen,
    ring: Mapping[str, Any] | None,
    now_ms: int,
    line_up: bool,
    hub_wrong: bool,
    unread: int,
) -> dict[str, Any]:
    present = line_up and seen.is_present(now_ms)
    status, silence = seen.status, silence_of(seen, now_ms, line_up=line_up)
    return {
        "id": post.id,
        "name": post.name,
        "villages": list(post.villages),
        "sounder": post.sounder,
        "present": present,
        "heard_age_s": age_s(seen.word_ms, now_ms),
        "since_ms": seen.since_ms,
        "live": seen.live,
        "sounding": sounding_now(seen, now_ms) if present else None,
        "sounded_when_lost": sounding_now(seen, now_ms) if not present else None,
        "conditions": [
            {"code": item.code, "severity": item.severity, "vi": item.vi, "en": item.en}
            for item in (status.conditions if status is not None else ())
        ]
        + ([unread_condition(unread)] if unread else []),
        "why_silent": why_silent(seen, now_ms, line_up=line_up),
        "silence": asdict(silence) if silence is not None else None,
        "why_calm_silent": why_calm_silent(seen, now_ms),
        "clock": status.clock if status is not None else None,
        "ahead_ms": seen.ahead_ms,
        "clock_vi": clock_vi(seen, hub_wrong=hub_wrong),
        "version": status.version if status is not None else None,
        "codebook_version": status.codebook_version if status is not None else None,
        "timetable_version": status.timetable_version if status is not None else None,
        "last_ring": _last(ring, now_ms),
    }


def sounding_now(seen: Seen, now_ms: int) -> dict[str, Any] | None:
    """What its last status says of its sound; of one that is lost: what it was then."""
    sounding = seen.status.sounding if seen.status is not None else None
    if sounding is None:
        return None
    return {
        "activation": sounding.activation,
        "signal": sounding.signal,
        "signal_vi": signal_vi(sounding.signal),
        "purpose": sounding.purpose.value,
        "source": sounding.source.value,
        "since_ms": sounding.since_wall_ms,
        "age_s": age_s(sounding.since_wall_ms, now_ms),
        "proved": sounding.proved,
        "proved_vi": proof_vi(sounding.proved),
    }


def _last(ring: Mapping[str, Any] | None, now_ms: int) -> dict[str, Any] | None:
    if ring is None:
        return None
    more = {"signal_vi": signal_vi(ring["signal"]), "age_s": age_s(ring["heard_ms"], now_ms)}
    return {key: value for key, value in ring.items() if key != "n"} | more


def incidents_now(
    found: Sequence[Incident],
    sounded: Iterable[Sounded],
    dispatches: Iterable[Mapping[str, Any]],
    roster: Roster,
    now_ms: int,
) -> list[dict[str, Any]]:
    """Open incidents: alarms that nobody has taken first, then what still sounds, then the rest; the newest of each first."""
    of_sounded: dict[str, list[Sounded]] = {}
    for item in sounded:
        of_sounded.setdefault(item.incident, []).append(item)
    of_dispatch: dict[str, list[Mapping[str, Any]]] = {}
    for one in dispatches:
        of_dispatch.setdefault(one["incident"], []).append(one)
    views = [
        incident_view(one, of_sounded.get(one.id, ()), of_dispatch.get(one.id, ()), roster, now_ms) for one in found
    ]
    return sorted(views, key=_urgency)


def _urgency(view: Mapping[str, Any]) -> tuple[bool, bool, bool, int]:
    taken = view["acknowledged_ms"] is not None
    sounding = any(item["ended_ms"] is None for item in view["sounded"])
    return view["origin"] != "alarm" or taken, taken, not sounding, -view["began_ms"]


def incident_view(
    incident: Incident,
    sounded: Iterable[Sounded],
    dispatches: Iterable[Mapping[str, Any]],
    roster: Roster,
    now_ms: int,
) -> dict[str, Any]:
    """One incident with what sounded, and which neighbours could still be asked for help (H13). `village_name`: None where it is nowhere or
    everywhere."""
    village = roster.village(incident.village or "")
    acts = list(dispatches)
    where, told = villages_of(roster, incident), part_of("support", incident.id)
    supports = {act["id"] for act in acts if act["do"] == "ring" and act["signal"] == "support"}
    helpers = () if supports - {told} else helpers_of(roster, where, by_itself=False)
    if not supports and incident.purpose == "actual":  # they help without being asked, but the lock had held them back
        helpers = tuple(dict.fromkeys((*helpers, *helpers_of(roster, where, by_itself=True))))
    return {
        "id": incident.id,
        "origin": incident.origin,
        "purpose": incident.purpose,
        "post": incident.post,
        "village": incident.village,
        "village_name": village.name if village is not None else _several(roster, incident.villages),
        "villages": list(villages_of(roster, incident)),
        "text": incident.text,
        "began_ms": incident.began_ms,
        "age_s": age_s(incident.began_ms, now_ms),
        "acknowledged_ms": incident.acknowledged_ms,
        "acknowledged_by": incident.acknowledged_by,
        "closed_ms": incident.closed_ms,
        "closed_by": incident.closed_by,
        "calls": incident.calls,
        "turns": incident.turns,
        "call_due_ms": incident.call_due_ms,
        "sounded": [_sounded(item, now_ms) for item in sounded],
        "helpers": list(helpers),
        "support_asked": bool(supports),
        "dispatches": [act["id"] for act in acts],
    }


def _several(roster: Roster, villages: Sequence[str]) -> str | None:
    names = [village.name for village in roster.villages if village.id in villages]
    return ", ".join(names) if 0 < len(names) < len(roster.villages) else None


def _sounded(item: Sounded, now_ms: int) -> dict[str, Any]:
    return {
        "post": item.post,
        "activation": item.activation,
        "signal": item.signal,
        "signal_vi": signal_vi(item.signal),
        "source": item.source,
        "place": item.place,
        "began_ms": item.began_ms,
        "age_s": age_s(item.began_ms, now_ms),
        "ended_ms": item.ended_ms,
        "ended": item.ended,
        "hushed_at_post": item.ended == "at_post",
    }


def books_in_doubt(chains: Iterable[Chain], now_ms: int) -> list[dict[str, Any]]:
    """Gaps and wrong chains, with the first wrong seq; books that took another one's place."""
    return [
        book_view(chain, now_ms)
        for chain in chains
        if chain.gap_ms is not None or chain.wrong_seq is not None or chain.follows is not None
    ]


def book_view(chain: Chain, now_ms: int) -> dict[str, Any]:
    """One chain, as far as it is proved."""
    return {
        "post": chain.post,
        "book": chain.book,
        "seq": chain.seq,
        "known_seq": chain.known_seq,
        "missing_from": chain.seq + 1 if chain.gap_ms is not None else None,
        "gap_age_s": age_s(chain.gap_ms, now_ms),
        "wrong_seq": chain.wrong_seq,
        "wrong": chain.wrong,
        "wrong_vi": WRONG_VI[chain.wrong] if chain.wrong is not None else None,
        "began": chain.began,
        "follows": asdict(chain.follows) if chain.follows is not None else None,
        "follows_vi": follows_vi(chain.follows) if chain.follows is not None else None,
    }


def follows_vi(follows: Follows) -> str:
    """A thief who wipes a Pi leaves just this: another book."""
    since = local(follows.begun_ms).strftime("%H:%M %d/%m/%Y")
    return f"sổ mới từ {since}, sổ trước dừng ở mục {follows.seq}"


def expiry_view(expiry: Expiry, now_ms: int) -> dict[str, Any]:
    """A certificate that ends soon."""
    return {
        "purpose": expiry.purpose,
        "subject": expiry.subject,
        "not_after_ms": expiry.not_after_ms,
        "days_left": (expiry.not_after_ms - now_ms) // 86_400_000,
        "renews_itself": expiry.renews_itself,
    }
