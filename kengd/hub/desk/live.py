"""What changes, as it changes: server-sent events, and a long poll for those that cannot have them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from kengd.errors import KengdError
from kengd.hub.desk.desk import Asking, At, Desk
from kengd.hub.desk.refusals import Json
from kengd.hub.feed import Change

router = APIRouter(prefix="/api")
LOOK_S: Final = 0.1
BEAT_S: Final = 2.0
STILL_S: Final = 10.0
"""So often it is asked whether the device is still signed in."""
RETRY_MS: Final = 1_000
Place = Annotated[str, Query(pattern=r"^([0-9a-f]{8}\.)?[0-9]{1,15}$")]
"""N, or EPOCH.N as events name themselves: after the hub has begun anew its numbers mean something else."""


def listening(desk: At, caller: Asking) -> Iterator[None]:
    """A listener's place, held as long as the answer lasts."""
    desk.listeners.take(caller.officer.id)
    try:
        yield
    finally:
        desk.listeners.leave(caller.officer.id)


def waiting(desk: At, caller: Asking) -> Iterator[None]:
    """A place of a long poll."""
    desk.waiters.take(caller.officer.id)
    try:
        yield
    finally:
        desk.waiters.leave(caller.officer.id)


@router.get("/live", response_class=EventSourceResponse, dependencies=[Depends(listening)])
async def live(
    request: Request,
    desk: At,
    caller: Asking,
    after: Place | None = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^([0-9a-f]{8}\.)?[0-9]{1,15}$")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Events `post`, `entry`, `dispatch`, `incident`, `book`, `hub` with plain data; `heartbeat` each 2 s with the hub's time;
    `reset`: changes were lost, look at everything anew; `signed_out`: the end."""
    async for event in events(desk, request, last_event_id or after):
        yield event


async def events(desk: Desk, request: Request, after: str | None) -> AsyncIterator[ServerSentEvent]:
    """Until the client has gone, the device is signed out or the hub stops."""
    n = desk.hub.feed.n if after is None else number(desk, after)
    yield _beat(desk, n or 0)
    beat_s = still_s = time.monotonic()
    while not desk.stopping() and not await request.is_disconnected():
        changes = None if n is None else news(desk, n)
        if changes is None:
            n = desk.hub.feed.n
            yield ServerSentEvent(event="reset", data={"n": n, "now_ms": desk.now_ms()}, id=f"{desk.epoch}.{n}")
            changes = []
        for change in changes:
            n = change.n
            yield ServerSentEvent(event=change.topic, data=dict(change.data), id=f"{desk.epoch}.{n}")
        now_s = time.monotonic()
        if now_s - still_s >= STILL_S:
            still_s = now_s
            if not await run_in_threadpool(_signed_in, desk, request):
                yield ServerSentEvent(event="signed_out", data={"now_ms": desk.now_ms()})
                return
        if now_s - beat_s >= BEAT_S:
            beat_s = now_s
            yield _beat(desk, n or 0)
        await asyncio.sleep(LOOK_S)


@router.get("/changes", dependencies=[Depends(waiting)])
async def changes(
    request: Request,
    desk: At,
    caller: Asking,
    after: Place | None = None,
    wait_s: Annotated[float, Query(ge=0, le=30, allow_inf_nan=False)] = 0,
) -> Json:
    """What has changed behind `after`, waiting up to `wait_s` for the first. `reset`: look at everything anew."""
    n = desk.hub.feed.n if after is None else number(desk, after)
    until_s = time.monotonic() + wait_s
    found = None if n is None else news(desk, n)
    while found == [] and time.monotonic() < until_s and not desk.stopping() and not await request.is_disconnected():
        await asyncio.sleep(LOOK_S)
        found = None if n is None else news(desk, n)
    now = desk.hub.feed.n if found is None else found[-1].n if found else n
    told = [{"n": item.n, "topic": item.topic, "data": dict(item.data)} for item in found or ()]
    return Json({
        "n": now, "epoch": desk.epoch, "now_ms": desk.now_ms(), "reset": found is None, "changes": told,
    })  # fmt: skip


def number(desk: Desk, after: str) -> int | None:
    """The number in this place; None: of another run of the hub."""
    epoch, _, n = after.rpartition(".")
    return int(n) if epoch in ("", desk.epoch) else None


def news(desk: Desk, n: int) -> list[Change] | None:
    """Changes behind `n`, without looking through the feed when there are none."""
    return [] if desk.hub.feed.n == n else desk.hub.feed.after(n)


def _signed_in(desk: Desk, request: Request) -> bool:
    try:
        desk.caller(request, use=False)
    except KengdError:
        return False
    return True


def _beat(desk: Desk, n: int) -> ServerSentEvent:
    data: dict[str, Any] = {"now_ms": desk.now_ms(), "n": n, "line_up": bool(desk.hub.line.up)}
    return ServerSentEvent(event="heartbeat", data=data, retry=RETRY_MS)
