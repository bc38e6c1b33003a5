"""What changes, as it changes: server-sent events for keepers' pages. A beat every 2 s, so that a lost line is seen at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from kengd import clock
from kengd.errors import KengdError
from kengd.web.house import House, house_of
from kengd.web.listeners import Place

router = APIRouter(prefix="/api/keeper")
LOOK_S: Final = 0.15
BEAT_S: Final = 2.0
RETRY_MS: Final = 1_000
LATER_MS: Final = 10_000
"""A page that gave its place to another one of its device does not take it back at once."""


def listening(request: Request) -> Iterator[Place]:
    """A listener's place, of somebody whose device is known. Raises KengdError `not_signed_in`, `too_many_listeners`."""
    house = house_of(request)
    keeper = house.keeper_of(request)
    if keeper is None:
        raise KengdError("not_signed_in", "chưa đăng nhập", cure="nhập mã PIN", en="not signed in")
    place = house.listeners.enter(keeper.name, keeper.device.id)
    try:
        yield place
    finally:
        house.listeners.leave(place)


@router.get("/live", response_class=EventSourceResponse)
async def live(request: Request, place: Annotated[Place, Depends(listening)]) -> AsyncIterator[ServerSentEvent]:
    """Events `post` when something has changed, `heartbeat` each 2 s with the post's time, `signed_out`: the end."""
    async for event in events(house_of(request), request, place):
        yield event


async def events(house: House, request: Request, place: Place) -> AsyncIterator[ServerSentEvent]:
    """Until the page has gone, its device is known no more, or another page has its place (then it comes again later)."""
    pulse, beat_s = house.post.pulse(), 0.0
    while not await request.is_disconnected():
        if place.ended:
            yield ServerSentEvent(event="heartbeat", data={"now_ms": clock.now().wall_ms}, retry=LATER_MS)
            return
        now_s = time.monotonic()
        if now_s - beat_s >= BEAT_S:
            beat_s = now_s
            if house.keeper_of(request) is None:
                yield ServerSentEvent(event="signed_out", data={"now_ms": clock.now().wall_ms})
                return
            yield ServerSentEvent(event="heartbeat", data={"now_ms": clock.now().wall_ms}, retry=RETRY_MS)
        now = house.post.pulse()
        if now != pulse:
            pulse = now
            yield ServerSentEvent(event="post", data={"now_ms": clock.now().wall_ms})
        await asyncio.sleep(LOOK_S)
