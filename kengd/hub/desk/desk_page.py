"""GET /api/desk: everything an officer sees first, in one answer."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter

from kengd.hub import backups, calling, restored, silent_test
from kengd.hub.act_ground import CONFIRM_WITHIN_MS, LOCK
from kengd.hub.desk import board, restarting
from kengd.hub.desk.desk import Asking, At, Desk
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import desk_facts, incidents, notices, unread, values
from kengd.hub.roster import HUB_CLOCK_VI, hub_clock_wrong

router = APIRouter(prefix="/api")
DAY_MS: Final = 86_400_000


@router.get("/desk")
def desk_now(desk: At, caller: Asking) -> Json:
    """The board. `n`: the feed's newest change in it, for /api/live?after=."""
    return Json(board_of(desk))


def board_of(desk: Desk) -> dict[str, Any]:
    """One look at each table; what posts say of themselves is in memory."""
    hub, now_ms = desk.hub, desk.now_ms()
    n = desk.hub.feed.n
    roster, seen, line_up = hub.roster(), hub.watch.all(), bool(hub.line.up)
    with hub.ledger.read() as connection:
        open_ones = incidents.open_ones(connection)
        ids = [incident.id for incident in open_ones]
        sounded = incidents.sounded_of(connection, ids) if ids else []
        acts = desk_facts.dispatches_of(connection, ids)
        doubtful = desk_facts.doubtful_books(connection)
        rings = desk.last_rings.now(connection)
        kept = values.values_of(connection, LOCK, calling.KEPT, restored.KEPT, backups.KEPT)
        began_ms = desk.began_ms(connection)
        waiting = values.under(connection, "confirm:")
        untested = silent_test.not_passed(connection)
        unread_lines = unread.counts(connection)
        failed = notices.failed_since(connection, now_ms - DAY_MS)
    lock, nobody = kept.get(LOCK), calling.unreached(kept.get(calling.KEPT))
    unchecked = restored.unchecked(kept.get(restored.KEPT))
    hub_wrong = hub_clock_wrong(seen.values(), now_ms)
    return {
        "now_ms": now_ms,
        "n": n,
        "epoch": desk.epoch,
        "commune": {"id": hub.settings.commune.id, "name": hub.settings.commune.name},
        "line_up": line_up,
        "trouble": hub.trouble,
        "lock": None if lock is None else json.loads(lock),
        "confirmations": confirmations(waiting, now_ms),
        "incidents": board.incidents_now(open_ones, sounded, acts, roster, now_ms),
        "posts": board.posts_now(roster, seen, rings, now_ms, line_up, unread_lines),
        "villages": [{"id": item.id, "name": item.name, "households": item.households} for item in roster.villages],
        "groups": {key: list(posts) for key, posts in (roster.groups or {}).items()},
        "conditions": {
            "hub_clock_wrong": hub_wrong,
            "hub_clock_vi": HUB_CLOCK_VI if hub_wrong else None,
            "calling": None if nobody is None else calling.condition(nobody),
            "restored": None if unchecked is None else restored.condition(unchecked),
            "staged": restarting.condition_by(desk),
            "backup": backups.condition(backups.last(kept.get(backups.KEPT)), began_ms, now_ms),
            "notices_failed_today": failed,
            "books": board.books_in_doubt(doubtful, now_ms),
            "silent_test": [
                {"post": post, "night": trial.night, "result": trial.result, "why": silent_test.why_vi(trial)}
                for post, trial in sorted(untested.items())
            ],
            "certificates": [board.expiry_view(item, now_ms) for item in desk.expiring()],
        },
    }


def confirmations(waiting: dict[str, str], now_ms: int) -> list[dict[str, Any]]:
    """Alarms for all posts that wait for a second officer; what the one who asks confirms himself is nobody else's."""
    found = []
    for key, said in waiting.items():
        facts = json.loads(said)
        if now_ms - facts["at_ms"] < CONFIRM_WITHIN_MS and facts.get("by_second") and not facts.get("second"):
            more = {
                "token": key.removeprefix("confirm:"), "age_s": board.age_s(facts["at_ms"], now_ms),
                "until_ms": facts["at_ms"] + CONFIRM_WITHIN_MS, "signal_vi": board.signal_vi(facts["signal"]),
            }  # fmt: skip
            said_too = ("name", "officer", "posts", "why", "at_ms", "signal", "households")
            found.append({key: facts[key] for key in said_too} | more)
    return found


def agreed(waiting: dict[str, str], now_ms: int) -> list[str]:
    """Tokens of alarms that a second officer has agreed to, and that have not gone out yet."""
    found = ((key.removeprefix("confirm:"), json.loads(said)) for key, said in waiting.items())
    return [token for token, facts in found if now_ms - facts["at_ms"] < CONFIRM_WITHIN_MS and facts.get("second")]
