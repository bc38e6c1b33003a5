"""Nhật ký máy: the last lines of this process's log, filtered by level, and as a file to send to somebody who can help."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from kengd import __version__
from kengd.clock import local
from kengd.hub.desk.desk import At, Awake, Desk
from kengd.hub.desk.downloads import named
from kengd.hub.desk.refusals import Json
from kengd.hub.loglines import LEVELS, LogLine
from kengd.wire.orders import LARGEST_NUMBER

router = APIRouter(prefix="/api")
Level = Literal["debug", "info", "warning", "error"]


@router.get("/log")
def log(
    desk: At,
    caller: Awake,
    level: Level = "debug",
    after_n: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=2_000)] = 200,
) -> Json:
    """Newest first, of this level and above. Of this worker alone; the lines of before its start are in the system's journal."""
    caller.require("audit")
    found = lines_of(desk, level, after_n)[:limit]
    views = [{**asdict(line), "level": level_name(line.level)} for line in found]
    return Json({"now_ms": desk.now_ms(), "worker": desk.hub.settings.broker.client, "lines": views})


@router.get("/log.txt")
def log_text(desk: At, caller: Awake, level: Level = "debug") -> PlainTextResponse:
    """All that is kept, oldest first, as text."""
    caller.require("audit")
    head = f"# kengd {__version__}, {desk.hub.settings.commune.id}, {desk.hub.settings.broker.client}, {_at(desk.now_ms())}\n"
    body = "".join(_written(reversed(lines_of(desk, level))))
    name = f"kengd-{desk.hub.settings.commune.id}-{local(desk.now_ms()):%Y-%m-%d-%H%M}.txt"
    return PlainTextResponse(head + body, headers=named(name))


def lines_of(desk: Desk, level: Level, after_n: int = 0) -> list[LogLine]:
    """Newest first; none where nothing is kept (a hub that was not started as a service)."""
    return [] if desk.log is None else desk.log.lines(LEVELS[level], after_n)


def level_name(level: int) -> Level:
    """The nearest of the four, from below."""
    if level >= logging.ERROR:
        return "error"
    return "warning" if level >= logging.WARNING else "info" if level >= logging.INFO else "debug"


def _written(lines: Iterator[LogLine]) -> Iterator[str]:
    for line in lines:
        yield f"{_at(line.at_ms)} {level_name(line.level).upper():7} {line.name}: {line.text}\n"


def _at(at_ms: int) -> str:
    return f"{local(at_ms):%Y-%m-%d %H:%M:%S}"
