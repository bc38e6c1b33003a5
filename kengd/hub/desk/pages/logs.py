"""Nhật ký máy: what this process has said of itself, newest first, for whoever is to find out what is wrong."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.log_room import Level, level_name, lines_of
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.pages.language import noted

router = APIRouter(include_in_schema=False)
SHOWN: Final = 300
LEVEL_NAMES: Final[dict[Level, str]] = {
    "debug": noted("tất cả"), "info": noted("bình thường trở lên"), "warning": noted("cảnh báo và lỗi"), "error": noted("chỉ lỗi"),
}  # fmt: skip
WORDS: Final[dict[Level, str]] = {
    "debug": noted("chi tiết"), "info": noted("bình thường"), "warning": noted("cảnh báo"), "error": noted("lỗi"),
}  # fmt: skip


@router.get("/nhat-ky-may")
def logs(request: Request, caller: Looking, muc: Level = "info") -> HTMLResponse:
    """With a filter by level and the whole as a file."""
    caller.require("audit")
    desk = desk_of(request)
    return page(request, "logs.html", caller, level=muc, levels=LEVEL_NAMES, **_facts(desk, muc))


@router.get("/phan/nhat-ky-may")
def lines(request: Request, muc: Level = "info") -> HTMLResponse:
    """The lines, anew."""
    desk, caller = desk_and_caller(request)
    caller.require("audit")
    return fragment(request, "logs_part.html", **_facts(desk, muc))


def _facts(desk: Desk, level: Level) -> dict[str, object]:
    found = lines_of(desk, level)
    broker = desk.hub.settings.broker
    return {
        "lines": [{"line": line, "level": level_name(line.level)} for line in found[:SHOWN]],
        "count": len(found),
        "words": WORDS,
        "worker": broker.client if broker.shared else None,
        "kept": desk.log is not None,
    }
