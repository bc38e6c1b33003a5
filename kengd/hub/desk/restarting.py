"""The hub ends and begins anew for a restore: never while a village calls. What waits for that start is said on the desk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Timer
from typing import Any, Final

from kengd.clock import local
from kengd.errors import KengdError
from kengd.hub import staging
from kengd.hub.desk.audit_words import who
from kengd.hub.desk.board import incidents_now
from kengd.hub.desk.desk import Desk
from kengd.hub.ledger import changes, incidents
from kengd.hub.ledger.store import TROUBLE
from kengd.hub.people.words import Caller

log = logging.getLogger("kengd.hub.desk")
RESTART_AFTER_S: Final = 1.5
"""The answer has to reach the page first."""
SAID_FOR_MS: Final = 3_600_000
"""So long it is said that a restore was put away at the last moment."""


def calm(desk: Desk) -> None:
    """Nobody can hush from here for some seconds: not while a village calls, or a bell sounds by our order. Raises KengdError
    `alarm_open`."""
    with desk.hub.ledger.read() as connection:
        found = incidents.open_ones(connection)
        sounded = incidents.sounded_of(connection, [one.id for one in found]) if found else []
    views = incidents_now(found, sounded, (), desk.hub.roster(), desk.now_ms())
    loud = [one for one in views if any(item["ended_ms"] is None for item in one["sounded"])]
    untaken = [one for one in views if one["origin"] == "alarm" and one["acknowledged_ms"] is None]
    if loud or untaken:
        raise KengdError(
            "alarm_open",
            "đang có báo động: chưa khởi động lại máy trực ban được, và chưa thay dữ liệu nào",
            cure="chờ kẻng dứt và có người nhận xử lý rồi làm lại",
            en="an alarm is sounding or has not been taken",
        )


def staged_calmly(desk: Desk, caller: Caller, act: str, stage: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`stage` makes ready what the next start takes, which may last minutes, and gives the facts of `act` for the hub's own book. A
    village that calls by then is not left alone: what was made ready is put away again. Raises KengdError `alarm_open`."""
    facts = stage()
    try:
        calm(desk)
        with desk.hub.ledger.write() as connection:
            changes.note(connection, "hub", restore_staged=True)
            desk.audit_in(connection, caller, act, facts)
    except BaseException:
        staging.unstage(desk.hub.settings.state)
        raise
    desk.put_away_ms = None
    return facts


def restart(desk: Desk, caller: Caller) -> bool:
    """Soon, where somebody starts the service again; whether that is so."""
    if desk.restart is None:
        return False
    timer = Timer(RESTART_AFTER_S, _now, (desk, caller))
    timer.daemon = True
    timer.start()
    return True


def _now(desk: Desk, caller: Caller) -> None:
    with desk.keeping:
        state = desk.hub.settings.state
        if desk.restart is None or staging.waiting(state) is None:
            return  # called off meanwhile
        try:
            calm(desk)
        except (KengdError, *TROUBLE) as wrong:
            log.warning("no restart for the restore, what waited for it is put away: %s", wrong)
            staging.unstage(state)
            desk.put_away_ms = desk.now_ms()
            with suppress(*TROUBLE), desk.hub.ledger.write() as connection:
                changes.note(connection, "hub", restore_staged=False)
                desk.audit_in(
                    connection, caller, "restore_cancelled", {"why": getattr(wrong, "code", "ledger_trouble")}
                )
            return
        desk.restart()


def condition(desk: Desk) -> dict[str, Any] | None:
    """Of the hub, without names: what the next start will put in place, or what was put away lately because of an alarm."""
    plan, now_ms = staging.waiting(desk.hub.settings.state), desk.now_ms()
    if plan is not None:
        return staging.condition(plan)
    if desk.put_away_ms is None or not 0 <= now_ms - desk.put_away_ms < SAID_FOR_MS:
        return None
    return {
        "code": "restore_put_away",
        "severity": "warning",
        "vi": f"chưa khôi phục: {local(desk.put_away_ms):%H:%M} đang có báo động khi máy sắp khởi động lại, nên bản đang chờ đã "
        "được cất đi, dữ liệu giữ nguyên",
        "en": "not restored: there was an alarm when the hub was about to restart, so what waited was put away; nothing has changed",
        "cure": "khi kẻng dứt và có người nhận xử lý, quản trị làm lại ở trang Sao lưu",
        "since_ms": desk.put_away_ms,
        "by": None,
    }


def condition_by(desk: Desk) -> dict[str, Any] | None:
    """The same with the name of who asked for it, for the desk."""
    found = condition(desk)
    if found is None:
        return None
    if found["by"] is None:
        return found | {"by_name": None}
    names = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    return found | {"by_name": who(found["by"], "vi", names)}
