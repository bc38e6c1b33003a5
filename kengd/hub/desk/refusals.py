"""What is said when something is refused: {"error", "vi", "cure", "en"} with the fitting status, never a stack or a secret."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from kengd.errors import KengdError, UsageError
from kengd.hub.called import called
from kengd.hub.ledger.store import TROUBLE, ledger_trouble, trouble_in_words
from kengd.hub.people.limits import Wait
from kengd.settings.demands import demand_of_json
from kengd.settings.explain import said_path
from kengd.settings.field import Wrong
from kengd.wire.orders import Unfit
from kengd.wire.reasons import SENTENCES

log = logging.getLogger("kengd.hub.desk")

STATUS: Final = {
    "not_signed_in": 401, "signed_out": 401, "sign_in_wrong": 401, "bad_token": 401,
    "pin_wrong": 403, "not_allowed": 403, "password_must_change": 403, "session_locked": 403, "officers_only": 403,
    "above_you": 403, "csrf": 403, "wrong_origin": 403,
    "unknown_post": 404, "unknown_village": 404, "unknown_group": 404, "unknown_dispatch": 404, "unknown_incident": 404,
    "no_such_keeper": 404, "no_such_officer": 404, "no_such_confirmation": 404, "no_such_thing": 404,
    "too_large": 413, "try_later": 429, "too_fast": 429,
    "sign_in_busy": 503, "busy": 503, "too_many_listeners": 503, "ledger_trouble": 503, "ledger_unreachable": 503,
    "authority_disk": 503, "authority_busy": 503, "authority_broken": 503, "no_signing_key": 503,
    "no_posts": 422, "bad_text": 422, "bad_cap": 422,
}  # fmt: skip
"""Of those not named: 422 for wrong usage, else 409."""
_HTTP: Final = {
    400: ("invalid", "yêu cầu sai khuôn dạng", "the request cannot be read"),
    404: ("no_such_thing", "không có địa chỉ này", "no such address"),
    405: ("wrong_method", "địa chỉ này không nhận cách gọi đó", "this address does not take this method"),
}


class Json(JSONResponse):
    """Plain JSON; a half character that somebody sent us and that stands in our answer breaks nothing."""

    def render(self, content: Any) -> bytes:
        """UTF-8."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )


def said(error: KengdError, **more: Any) -> Json:
    """The answer for this error; `more`: what else the client needs."""
    usual = 422 if isinstance(error, UsageError) else 409
    if isinstance(error, Wait):
        more["wait_s"] = -(-error.wait_ms // 1000)
    body = {"error": error.code, "vi": error.vi, "cure": called(error.cure), "en": error.en, **more}
    answer = Json(body, STATUS.get(error.code, usual))
    if isinstance(error, Wait):
        answer.headers["Retry-After"] = str(-(-error.wait_ms // 1000))
    elif answer.status_code in (429, 503):
        answer.headers["Retry-After"] = "1"
    return answer


def add_to(app: FastAPI) -> None:
    """Every error of this program, and of the framework, in our manners."""
    app.add_exception_handler(KengdError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unfit, _unfit)
    for kind in TROUBLE:
        app.add_exception_handler(kind, _ledger)
    app.add_exception_handler(Exception, _unknown)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, KengdError)
    return said(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found: list[ErrorDetails] = [*error.errors()][:5]
    cures = [f"{_place(item['loc'])}: {demand_of_json(item)}" for item in found]
    english = [".".join(str(part) for part in item["loc"])[:200] + ": " + _english(item) for item in found]
    return said(
        UsageError("invalid", "yêu cầu sai khuôn dạng", cure="; ".join(cures)[:1000], en="; ".join(english)[:1000])
    )


def _place(loc: tuple[int | str, ...]) -> str:
    """("body", "posts", 0) as "posts[1]": people count from one."""
    inside = () if loc[1:] and loc[0] == "body" and isinstance(loc[1], int) else loc[1:]  # the place of a JSON mistake
    return said_path(tuple(inside))[:200] or "nội dung gửi lên"


def _english(item: ErrorDetails) -> str:
    wrong = item.get("ctx", {}).get("error")
    return wrong.en if isinstance(wrong, Wrong) else item["msg"]


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, vi, en = _HTTP.get(error.status_code, ("refused", "yêu cầu bị từ chối", "refused"))
    answer = Json({"error": code, "vi": vi, "cure": "", "en": en}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _unfit(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unfit)
    vi, en = SENTENCES[error.reason]
    return said(UsageError("unfit", vi, cure="sửa lại nội dung rồi gửi lại", en=en))


async def _ledger(_: Request, error: Exception) -> Response:
    """The database is away, full or broken. Its own words stay in the log: they may hold what was being written."""
    log.error("the ledger failed: %s", trouble_in_words(error))
    return said(ledger_trouble())


async def _unknown(_: Request, error: Exception) -> Response:
    log.error("a request failed: %s", type(error).__name__, exc_info=error)
    return Json(
        {
            "error": "broken",
            "vi": "máy trực ban gặp lỗi khi làm việc này",
            "cure": "thử lại; nếu vẫn vậy, xem nhật ký của máy trực ban",
            "en": "this request failed inside the hub",
        },
        500,
    )
