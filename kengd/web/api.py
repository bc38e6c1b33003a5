"""The post's JSON API. Reads are open to whoever reaches the port (127.0.0.1 unless told otherwise); rings need the token (P12, R53)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from kengd import __version__
from kengd.errors import KengdError
from kengd.ports import PostView
from kengd.web.sim import sim_routes
from kengd.wire.orders import LARGEST_NUMBER

LARGEST_BODY = 8_192
MOST_ENTRIES = 1_000
_STATUS = {
    "forbidden": 403,
    "no_token": 403,
    "unknown_button": 404,
    "invalid": 422,
    "too_large": 413,
    "no_answer": 503,
    "refused": 409,
}
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
    """The application of one post. `/sim/*` exists only with simulated pins."""
    app = FastAPI(title="kengd", version=__version__, docs_url=None, redoc_url=None)
    app.middleware("http")(_bounded)
    app.add_exception_handler(KengdError, _kengd_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    _health(app, post)
    _reads(app, post)
    _orders(app, post)
    if post.simulated:
        app.include_router(sim_routes(post))
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
    @app.get("/api/status")
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

    @app.get("/api/entries")
    def entries(
        after: Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
    ) -> Response:
        """The duty book: entries with seq > `after`, or the newest ones."""
        texts = post.tail(limit) if after is None else post.entries(after, limit)
        return Response(f"[{','.join(texts)}]", media_type="application/json")


def _orders(app: FastAPI, post: PostView) -> None:
    def token(authorization: Annotated[str | None, Header()] = None) -> None:
        wanted = post.token_sha256
        if wanted is None:
            raise KengdError("no_token", "trang này chỉ để xem", cure="đặt web.token_sha256 trong tệp cài đặt")
        given = (authorization or "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(hashlib.sha256(given).hexdigest(), wanted.lower()):
            raise KengdError("forbidden", "mã truy cập không đúng", cure="kiểm tra lại mã trong tiêu đề Authorization")

    @app.post("/api/ring", dependencies=[Depends(token)])
    def ring(order: RingOrder) -> JSONResponse:
        """Ask the belfry for a signal."""
        return _answer(post.ring(order.signal, order.purpose, order.by, order.why))

    @app.post("/api/hush", dependencies=[Depends(token)])
    def hush(order: HushOrder) -> JSONResponse:
        """Stop the sound."""
        return _answer(post.hush(order.activation, order.by, order.why))


def _answer(decided: Any) -> JSONResponse:
    return JSONResponse(dict(decided), 409 if decided["verdict"] == "refuse" else 200)


async def _bounded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """No body over 8 KiB is read, and no write from another origin: a page elsewhere must not ring a bell (CSRF)."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY or "transfer-encoding" in request.headers:
        return _said(KengdError("too_large", "yêu cầu quá dài", en="body too large"))
    origin = request.headers.get("origin")
    if request.method != "GET" and origin is not None and origin.split("://")[-1] != request.headers.get("host"):
        return _said(KengdError("forbidden", "yêu cầu từ trang khác bị từ chối", en="cross-origin write"))
    return await call_next(request)


async def _kengd_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, KengdError)
    return _said(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    where = [".".join(str(part) for part in item["loc"]) + ": " + item["msg"] for item in error.errors()[:5]]
    return _said(KengdError("invalid", "yêu cầu sai khuôn dạng", cure="; ".join(where), en=json.dumps(where)))


def _said(error: KengdError) -> JSONResponse:
    body = {"error": error.code, "vi": error.vi, "cure": error.cure, "en": error.en}
    return JSONResponse(body, _STATUS.get(error.code, 500))
