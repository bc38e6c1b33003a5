"""For machines that watch machines: whether the hub can do its work, and numbers without names of people."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from kengd import __version__
from kengd.hub import backups, calling, restored
from kengd.hub.act_ground import LOCK
from kengd.hub.desk import restarting
from kengd.hub.desk.desk import At, Desk
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import desk_facts, incidents, notices, unread, values
from kengd.hub.ledger.store import TROUBLE
from kengd.hub.roster import Seen, hub_clock_wrong

router = APIRouter()
DAY_MS: Final = 86_400_000
MISSING_VI: Final = {
    "line": "máy chủ MQTT không trả lời",
    "ledger": "cơ sở dữ liệu không đọc được",
    "ingest": "không ghi được mục mới vào sổ",
    "signing_key": "không có khoá ký lệnh",
}


@router.get("/healthz")
def healthz(desk: At) -> Json:
    """200 when orders can be given and answers kept; else 503 with what is missing. `conditions`: what else an officer should mend."""
    missing = missing_now(desk)
    body = {
        "ready": not missing,
        "missing": [{"what": what, "vi": MISSING_VI[what]} for what in missing],
        "conditions": [] if "ledger" in missing else conditions_now(desk),
    }
    return Json(body, 200 if not missing else 503)


def missing_now(desk: Desk) -> list[str]:
    """Keys of MISSING_VI."""
    missing = [] if desk.hub.line.up else ["line"]
    try:
        with desk.hub.ledger.read() as connection:
            values.value_of(connection, LOCK)
    except TROUBLE:
        missing.append("ledger")
    if desk.hub.trouble is not None:
        missing.append("ingest")
    try:
        desk.hub.signing()
    except Exception:  # noqa: BLE001  # whatever is wrong with the key: nothing can be ordered
        missing.append("signing_key")
    return missing


def conditions_now(desk: Desk) -> list[dict[str, Any]]:
    """Of the hub itself, without names: code, Vietnamese sentence, cure."""
    with desk.hub.ledger.read() as connection:
        kept = values.values_of(connection, calling.KEPT, restored.KEPT, backups.KEPT)
        began_ms = desk.began_ms(connection)
    old = backups.condition(backups.last(kept.get(backups.KEPT)), began_ms, desk.now_ms())
    nobody, unchecked = calling.unreached(kept.get(calling.KEPT)), restored.unchecked(kept.get(restored.KEPT))
    found = [] if nobody is None else [calling.condition(nobody)]
    found += [] if unchecked is None else [restored.condition(unchecked)]
    staged = restarting.condition(desk)
    found += [] if staged is None else [staged]
    found += [] if old is None else [old]
    return [{key: said[key] for key in ("code", "vi", "en", "cure", "since_ms")} for said in found]


@router.get("/metrics")
def metrics(desk: At) -> PlainTextResponse:
    """Prometheus text format 0.0.4."""
    hub, now_ms = desk.hub, desk.now_ms()
    seen, posts = hub.watch.all(), hub.roster().posts
    here = [seen[post.id] for post in posts if post.id in seen and seen[post.id].is_present(now_ms)]
    with hub.ledger.read() as connection:
        open_ones = incidents.open_ones(connection)
        doubtful = desk_facts.doubtful_books(connection)
        newest = desk_facts.newest_n(connection)
        kept = values.values_of(connection, LOCK, calling.KEPT, restored.KEPT)
        lines_unread = unread.counts(connection)
        failed = notices.failed_since(connection, now_ms - DAY_MS)
    numbers = {
        "kengd_hub_line_up": float(bool(hub.line.up)),
        "kengd_hub_ledger_trouble": float(hub.trouble is not None),
        "kengd_hub_locked": float(LOCK in kept),
        "kengd_hub_clock_wrong": float(hub_clock_wrong(seen.values(), now_ms)),
        "kengd_hub_posts": float(len(posts)),
        "kengd_hub_posts_present": float(len(here)),
        "kengd_hub_posts_sounding": float(sum(1 for item in here if _sounds(item))),
        "kengd_hub_incidents_open": float(len(open_ones)),
        "kengd_hub_alarms_untaken": float(
            sum(1 for item in open_ones if item.origin == "alarm" and item.acknowledged_ms is None)
        ),
        "kengd_hub_nobody_reached": float(calling.KEPT in kept),
        "kengd_hub_restored_unchecked": float(restored.KEPT in kept),
        "kengd_hub_notices_failed_today": float(failed),
        "kengd_hub_books_with_gaps": float(sum(1 for chain in doubtful if chain.gap_ms is not None)),
        "kengd_hub_books_wrong": float(sum(1 for chain in doubtful if chain.wrong_seq is not None)),
        "kengd_hub_newest_entry": float(newest),
        "kengd_hub_listeners": float(desk.listeners.taken),
    }
    lines = [line for name, value in numbers.items() for line in (f"# TYPE {name} gauge", f"{name} {value:.15g}")]
    lines.append("# TYPE kengd_hub_info gauge")
    lines.append(f'kengd_hub_info{{commune="{hub.settings.commune.id}",version="{__version__}"}} 1')
    lines.append("# TYPE kengd_hub_post_condition gauge")
    for post in posts:
        status = seen[post.id].status if post.id in seen else None
        for item in status.conditions if status is not None else ():
            lines.append(
                f'kengd_hub_post_condition{{post="{post.id}",code="{_label(item.code)}",severity="{_label(item.severity)}"}} 1'
            )
    lines.append("# TYPE kengd_hub_post_lines_unread gauge")
    lines += [f'kengd_hub_post_lines_unread{{post="{post}"}} {count}' for post, count in lines_unread.items()]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _sounds(seen: Seen) -> bool:
    return seen.status is not None and seen.status.sounding is not None


def _label(text: str) -> str:
    """It came over the network: nothing in it may end the label."""
    return "".join(char for char in text if char.isascii() and (char.isalnum() or char in "_-."))[:60]
