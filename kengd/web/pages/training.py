"""The page for training, only with simulated pins and on this machine: a drawn bell that swings, and a button to press."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.errors import KengdError
from kengd.web.house import house_of
from kengd.web.pages.page import is_near, page

router = APIRouter(include_in_schema=False)


@router.get("/tap-luyen")
def training(request: Request) -> HTMLResponse:
    """The bell follows the simulated relay; the button presses the simulated one."""
    house = house_of(request)
    if not is_near(request):
        raise KengdError(
            "forbidden", "chỉ tập được ngay trên máy này", cure="mở trang ở chính máy chạy thử", en="loopback only"
        )
    return page(
        request, "training.html", house.keeper_of(request), bell=house.post.bell, in_line=house.post.face().in_line
    )
