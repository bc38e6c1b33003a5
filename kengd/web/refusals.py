"""How a KengdError leaves the post: as JSON for modules and programs, with a status that says of what sort it is."""

from __future__ import annotations

import json
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse, Response

from kengd.errors import KengdError

STATUS: Final = {
    "forbidden": 403,
    "no_token": 403,
    "csrf": 403,
    "not_signed_in": 401,
    "pin_needed": 401,
    "wrong_pin": 403,
    "no_pins": 409,
    "pin_taken": 409,
    "bad_pin": 422,
    "pin_guessable": 422,
    "unknown_button": 404,
    "no_such_thing": 404,
    "invalid": 422,
    "too_large": 413,
    "too_fast": 429,
    "try_later": 429,
    "too_many_listeners": 503,
    "busy": 503,
    "no_answer": 503,
    "refused": 409,
}


def add_to(app: FastAPI) -> None:
    """For every route of this application."""
    app.add_exception_handler(KengdError, _kengd_error)
    app.add_exception_handler(RequestValidationError, _invalid)


def said(error: KengdError) -> JSONResponse:
    """Code, sentence, cure."""
    body = {"error": error.code, "vi": error.vi, "cure": error.cure, "en": error.en}
    return JSONResponse(body, STATUS.get(error.code, 500))


async def _kengd_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, KengdError)
    return said(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    where = [".".join(str(part) for part in item["loc"]) + ": " + item["msg"] for item in error.errors()[:5]]
    return said(KengdError("invalid", "yêu cầu sai khuôn dạng", cure="; ".join(where), en=json.dumps(where)))
