"""The post's application, and its JSON API. On this machine everything can be read; from elsewhere state and book, which name
people, need the token or a keeper's device. Rings need the token (P12, R53)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from kengd import __version__
from kengd.errors import KengdError
from kengd.ports import PostView
from kengd.web import keeper_api, live, refusals
from kengd.web.gate import Gate
from kengd.web.house import House, house_of
from kengd.web.pages import keeper, public, training
from kengd.web.pages.page import is_near, refused
from kengd.web.sim import sim_routes
from kengd.wire.orders import LARGEST_NUMBER

MOST_ENTRIES = 1_000
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class RingOrder(BaseModel):
    """Ask for a signal at this post."""

    model_config = ConfigDict(extra="forbid", strict=True)
    signal: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$")]
    purpose: Literal["actual", "drill", "test"] = "actual"
    by: Name
    why: Name | None = None


class HushOrder(BaseModel):
    """Stop what sounds (only the sound; the alarm stays open)."""

    model_config = ConfigDict(extra="forbid", strict=True)
    activation: Annotated[str, Field(max_length=64)] | None = None
    by: Name
    why: Name | None = None


def make_app(post: PostView) -> FastAPI:
    """The application of one post. `/sim/*` and the page for training exist only with simulated pins."""
    app = FastAPI(title="kengd", version=__version__, docs_url=None, redoc_url=None)
    app.state.house = House(post)
    app.add_middleware(Gate)
    refusals.add_to(app)
    app.add_exception_handler(KengdError, refused)
    _health(app, post)
    _reads(app, post)
    _orders(app, post)
    for room in (keeper_api, live, keeper, public):
        app.include_router(room.router)
    if post.simulated:
        app.include_router(sim_routes(post))
        app.include_router(training.router)
    return app


def _health(app: FastAPI, post: PostView) -> None:
    @app.get("/healthz")
    def healthz() -> JSONResponse:
        """200 when orders can be taken; 503 with what is missing otherwise."""
        ready = post.ready()
        return JSONResponse({"ready": ready, "post": post.status()["post"]}, 200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        """Prometheus text format 0.0.4."""
        lines: list[str] = []
        for name, value in post.counters().items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# TYPE {name} {kind}", f"{name} {value:g}"]
        for item in post.status()["conditions"]:
            lines.append(f'kengd_condition{{code="{item["code"]}",severity="{item["severity"]}"}} 1')
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _reads(app: FastAPI, post: PostView) -> None:
    def reader(request: Request, authorization: Annotated[str | None, Header()] = None) -> None:
        if is_near(request) or _holds(post.token_sha256, authorization) or house_of(request).keeper_of(request):
            return
        raise KengdError(
            "forbidden",
            "sổ kẻng và tình trạng có tên người, không mở cho người ngoài",
            cure="đăng nhập bằng mã PIN, hoặc gửi mã truy cập trong tiêu đề Authorization",
            en="needs the token or a keeper's device",
        )

    @app.get("/api/status", dependencies=[Depends(reader)])
    def status() -> JSONResponse:
        """The post's state, as in the status topic."""
        return JSONResponse(dict(post.status()))

    @app.get("/api/signals")
    def signals() -> JSONResponse:
        """The codebook on this bell."""
        return JSONResponse([dict(item) for item in post.signals()])

    @app.get("/api/timetable")
    def timetable() -> JSONResponse:
        """The lines with their next ring."""
        return JSONResponse([dict(item) for item in post.timetable()])

    @app.get("/api/entries", dependencies=[Depends(reader)])
    def entries(
        after: Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
    ) -> Response:
        """The duty book: entries with seq > `after`, or the newest ones."""
        texts = post.tail(limit) if after is None else post.entries(after, limit)
        return Response(f"[{','.join(texts)}]", media_type="application/json")


def _orders(app: FastAPI, post: PostView) -> None:
    def token(authorization: Annotated[str | None, Header()] = None) -> None:
        if post.token_sha256 is None:
            raise KengdError("no_token", "trang này chỉ để xem", cure="đặt web.token_sha256 trong tệp cài đặt")
        if not _holds(post.token_sha256, authorization):
            raise KengdError("forbidden", "mã truy cập không đúng", cure="kiểm tra lại mã trong tiêu đề Authorization")

    @app.post("/api/ring", dependencies=[Depends(token)])
    def ring(order: RingOrder) -> JSONResponse:
        """Ask the belfry for a signal."""
        return _answer(post.ring(order.signal, order.purpose, order.by, order.why))

    @app.post("/api/hush", dependencies=[Depends(token)])
    def hush(order: HushOrder) -> JSONResponse:
        """Stop the sound."""
        return _answer(post.hush(order.activation, order.by, order.why))


def _holds(wanted: str | None, authorization: str | None) -> bool:
    """Whether this header carries the token whose SHA-256 is `wanted`."""
    given = (authorization or "").removeprefix("Bearer ").encode()
    return wanted is not None and hmac.compare_digest(hashlib.sha256(given).hexdigest(), wanted.lower())


def _answer(decided: Any) -> JSONResponse:
    return JSONResponse(dict(decided), 409 if decided["verdict"] == "refuse" else 200)
