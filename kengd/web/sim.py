"""`/sim/*`: press simulated buttons and read the simulated relay (DESIGN section 8). Only with simulated pins, only from loopback (P12)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from kengd.errors import KengdError
from kengd.ports import PostView
from kengd.web.pages.page import is_near
from kengd.wire.orders import LARGEST_NUMBER


class Press(BaseModel):
    """A finger on a button."""

    model_config = ConfigDict(extra="forbid", strict=True)
    button: Annotated[str, Field(min_length=1, max_length=40)]
    hold_ms: Annotated[int, Field(ge=1, le=120_000)] = 1_500


def sim_routes(post: PostView) -> APIRouter:
    """The two routes of a simulated post."""

    def loopback(request: Request) -> None:
        if not is_near(request):
            raise KengdError("forbidden", "chỉ dùng được ngay trên máy này", en="loopback only")

    router = APIRouter(prefix="/sim", dependencies=[Depends(loopback)])

    @router.post("/press", status_code=202)
    def press(order: Press) -> JSONResponse:
        """Answers at the press; the button is let go after `hold_ms`."""
        if not post.press(order.button, order.hold_ms):
            raise KengdError("unknown_button", f"không có nút “{order.button}”", en="no such button")
        return JSONResponse({"pressed": order.button, "hold_ms": order.hold_ms}, 202)

    @router.get("/edges")
    def edges(after: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0) -> JSONResponse:
        """The relay's logical edges with n > `after`, monotonic ns."""
        found = post.edges(after)
        rows = [{"n": n, "t_ns": t_ns, "on": int(on)} for n, t_ns, on in found]
        return JSONResponse({"edges": rows, "next": found[-1][0] if found else after})

    return router
