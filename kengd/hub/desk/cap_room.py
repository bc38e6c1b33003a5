"""CAP 1.2: our alarms for others, and others' alerts as proposals to the officer, rung by themselves only where the settings say so."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from kengd.duty.words import Purpose
from kengd.errors import KengdError
from kengd.hub.desk.desk import Asking, At, Desk, bearer_of, desk_of
from kengd.hub.desk.forms import AnyId
from kengd.hub.desk.refusals import Json
from kengd.hub.dispatching import Order
from kengd.hub.incidents import Incident, Outcome, villages_at
from kengd.hub.ledger import audits, incidents, values
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.store import Transaction
from kengd.hub.notices.cap import CapAlert, CapArea, CapReference, rings_by_itself
from kengd.hub.notices.cap_reading import parse_cap
from kengd.hub.notices.cap_writing import CapAlarm, CapSource, alarm_alert, alarm_cancel, alarm_update, write_cap
from kengd.hub.reports.signals import BUILTIN_SIGNALS
from kengd.hub.roster import Roster
from kengd.hub.settings_outward import CapFrom
from kengd.hub.tidings import why_of
from kengd.wire.orders import LONGEST_TEXT, Unfit, is_text

log = logging.getLogger("kengd.hub.desk")

router = APIRouter()
LATELY_MS: Final = 31 * 86_400_000
EXPIRES_MS: Final = 3_600_000
"""After that an alarm without a word is no news any more (a CAP alert has to say)."""
_STATUS_VI: Final = {"Exercise": "diễn tập", "Test": "kiểm tra", "System": "thử hệ thống", "Draft": "bản nháp"}
RANG: Final = "cap-rang:"
"""Key in the ledger's values, with a digest of the source's name behind it: what it last rang by itself."""
AGAIN_MS: Final = 30 * 60_000
_PROPOSED: Final = {"Alert": "", "Update": "(tin mới) ", "Cancel": "(hủy) "}
_EN: Final = {"alarm": "Alarm", "evacuate": "Evacuate", "fire": "Fire", "flood": "Flood"}


class _Known(Exception):
    """An officer has decided about it already; or this source has rung just now."""


@router.get("/cap")
def index(desk: At, caller: Asking) -> Json:
    """Actual alarms of the last 31 days, newest first, each with the address of its newest message."""
    now_ms = desk.now_ms()
    with desk.hub.ledger.read() as connection:
        found = incidents.between(connection, now_ms - LATELY_MS, now_ms + LATELY_MS)
        rung = {item.incident for item in incidents.sounded_of(connection, [item.id for item in found])}
    alarms = [item for item in found if _is_told(item, item.id in rung)]
    return Json({
        "now_ms": now_ms,
        "alerts": [
            {"incident": item.id, "url": f"/cap/{item.id}.xml", "msg_type": _msg_type(item), "began_ms": item.began_ms}
            for item in alarms
        ],
    })  # fmt: skip


@router.get("/cap/{incident}.xml")
def message(incident: AnyId, desk: At, caller: Asking) -> Response:
    """The newest message about this alarm: Alert, Update when taken, Cancel with the all-clear."""
    with desk.hub.ledger.read() as connection:
        found = incidents.find(connection, incident)
        sounded = incidents.sounded_of(connection, [incident])
        outcomes = incidents.outcomes_of(connection, [incident])
    if found is None or not _is_told(found, bool(sounded)):
        raise KengdError("unknown_incident", "không có báo động này", cure="tải lại danh sách", en="no such alarm")
    alert = alert_of(desk, found, sounded, outcomes)
    return Response(write_cap(alert), media_type="application/cap+xml")


@router.post("/cap", status_code=202)
async def propose(request: Request) -> Json:
    """An alert of a source that hub.toml names, with its bearer token. It becomes a proposal on the officers' desk, and rings where
    the source's own settings (`rings`) say so."""
    desk = desk_of(request)
    source = _source(desk, bearer_of(request.headers))
    raw = await request.body()
    return await run_in_threadpool(_proposed, desk, source, parse_cap(raw))


def alert_of(desk: Desk, incident: Incident, sounded: list[Sounded], outcomes: list[Outcome]) -> CapAlert:
    """All messages so far, the newest of them. Raises CapError."""
    source, alarm = _told(desk, incident, sounded, outcomes)
    alert = alarm_alert(source, alarm)
    earlier: list[CapReference] = [alert.reference]
    by = incident.acknowledged_by
    # an alarm that an officer rang is taken from its beginning: that is no news
    if by is not None and incident.acknowledged_ms is not None and incident.acknowledged_ms > incident.began_ms:
        said = f"Công an xã ({by}) đã nhận xử lý.", f"The commune police ({by}) have taken charge."
        alert = alarm_update(source, alarm, earlier, incident.acknowledged_ms, *said)
        earlier.append(alert.reference)
    if incident.closed_ms is not None:
        alert = alarm_cancel(source, alarm, earlier, incident.closed_ms, incident.closed_by or "Công an xã")
    return alert


def _told(
    desk: Desk, incident: Incident, sounded: list[Sounded], outcomes: list[Outcome]
) -> tuple[CapSource, CapAlarm]:
    commune, roster = desk.hub.settings.commune, desk.hub.roster()
    where = _where(incident, sounded, roster) or commune.name
    signal = next((item.signal for item in sounded if item.signal), None) or "alarm"
    known = BUILTIN_SIGNALS.get(signal)
    alarm = CapAlarm(
        id=incident.id,
        signal_vi=known.name_vi if known is not None else signal,
        signal_en=_EN.get(signal, "Alarm"),
        where_vi=where,
        began_ms=incident.began_ms,
        expires_ms=incident.began_ms + EXPIRES_MS,
        areas=(CapArea(f"{where}, {commune.name}" if where != commune.name else where),),
        purpose=Purpose.ACTUAL,
        incident=outcomes[-1].kind if outcomes else "",
        why=why_of(incident),
    )
    return CapSource(commune.id, f"kengd.{commune.id}", commune.office), alarm


def _where(incident: Incident, sounded: list[Sounded], roster: Roster) -> str:
    """The villages that heard it."""
    posts = {item.post for item in sounded} | ({incident.post} if incident.post else set())
    ids = {village for post in roster.posts if post.id in posts for village in post.villages}
    if incident.village is not None:
        ids.add(incident.village)
    return ", ".join(village.name for village in roster.villages if village.id in ids)


def _is_told(incident: Incident, rung: bool) -> bool:
    """A call is an alarm too when something has been rung for it; until then it is the officer's alone."""
    return (rung or incident.origin != "call") and incident.purpose == Purpose.ACTUAL


def _msg_type(incident: Incident) -> str:
    if incident.closed_ms is not None:
        return "Cancel"
    taken_ms = incident.acknowledged_ms
    return "Update" if taken_ms is not None and taken_ms > incident.began_ms else "Alert"


def _source(desk: Desk, token: str | None) -> CapFrom:
    found = desk.source_of(token)
    if found is None:
        raise KengdError(
            "bad_token",
            "nguồn tin này không được khai báo ở máy trực ban",
            cure="ghi nguồn vào [[cap_from]] của hub.toml và gửi đúng mã truy cập",
            en="no configured source has this token",
        )
    return found


def _proposed(desk: Desk, source: CapFrom, alert: CapAlert) -> Json:
    if alert.msg_type not in _PROPOSED:
        return Json({"incident": None, "proposed": False, "rung": False}, 202)
    said = "\0".join((alert.sender, alert.identifier, alert.sent)).encode()
    now_ms = desk.now_ms()
    incident = Incident(
        f"cap-{sha256(said).hexdigest()[:32]}", "call", now_ms,
        "actual" if alert.status == "Actual" else "drill", text=_text(source.name, alert),
    )  # fmt: skip
    facts: dict[str, Any] = {"incident": incident.id, "identifier": alert.identifier[:200], "status": alert.status}
    rung = (
        source.rings is not None
        and rings_by_itself(alert, source.areas, now_ms)
        and _rung(desk, source, incident, facts)
    )
    if not rung:
        with desk.hub.ledger.write() as connection:
            if incidents.add(connection, incident):
                audits.write(connection, f"cap:{source.name}", "cap_proposed", facts, now_ms)
    return Json({"incident": incident.id, "proposed": True, "rung": rung}, 202)


def _rung(desk: Desk, source: CapFrom, incident: Incident, facts: dict[str, Any]) -> bool:
    """By itself, once, with the incident in one transaction; and somebody is called to take charge. False: it could not be, which
    is in the log; the officer decides."""
    roster = desk.hub.roster()
    heard = roster.serving(source.villages) if source.villages else roster.bells()
    posts = tuple(post.id for post in heard)
    due_ms = incident.began_ms + desk.hub.settings.duty.call_after_s * 1000
    begun = replace(incident, call_due_ms=due_ms, villages=villages_at(roster, posts))

    def begin(connection: Transaction) -> None:
        """Proposed before, by another source or while all was locked: rung now, unless somebody has decided."""
        _not_too_often(connection, source, incident)
        if not incidents.add(connection, begun) and not incidents.rung_for(
            connection, begun.id, begun.villages, due_ms
        ):
            raise _Known
        audits.write(connection, f"cap:{source.name}", "cap_rung", {**facts, "signal": source.rings}, incident.began_ms)

    order = Order(
        incident.id, "ring", posts, f"CAP {source.name}"[:LONGEST_TEXT], incident.text, source.rings, "actual"
    )
    try:
        if not posts:
            raise KengdError("no_posts", "chưa có điểm kẻng nào ở đó", en="no posts there")
        desk.hub.dispatcher.dispatch(order, incident=incident.id, also=begin)
    except _Known:
        return False
    except (KengdError, Unfit) as wrong:
        log.error("a CAP alert of %s that would ring by itself did not: %s", source.name, wrong)
        return False
    return True


def _not_too_often(connection: Transaction, source: CapFrom, incident: Incident) -> None:
    """One event has many bulletins: what a source sends while the last one that it rang is open, or shortly after, is proposed.
    Raises _Known."""
    key = f"{RANG}{sha256(source.name.encode()).hexdigest()[:32]}"
    before = values.value_of(connection, key)
    if before is not None:
        last = json.loads(before)
        known = incidents.find(connection, last["incident"])
        recent = abs(incident.began_ms - last["at_ms"]) < AGAIN_MS
        if last["incident"] != incident.id and (recent or (known is not None and known.closed_ms is None)):
            raise _Known
    values.put_value(connection, key, json.dumps({"incident": incident.id, "at_ms": incident.began_ms}))


def _text(name: str, alert: CapAlert) -> str:
    """One line, as the officer reads it on the desk."""
    info = alert.infos[0] if alert.infos else None
    what = (info.headline or info.event) if info is not None else alert.note
    where = ", ".join(area.desc for area in info.areas) if info is not None else ""
    status = "" if alert.status == "Actual" else f"[{_STATUS_VI.get(alert.status, alert.status)}] "
    words = f"CAP {name}: {status}{_PROPOSED[alert.msg_type]}{what or alert.identifier}" + (
        f" ({where})" if where else ""
    )
    clean = "".join(char if is_text(f".{char}") else " " for char in words)
    return " ".join(clean.split())[:LONGEST_TEXT]
