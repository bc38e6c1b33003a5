"""In and out: sign-in, the first password, the language, and the files that pages are made of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from kengd.errors import KengdError
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import FRAME, NEW_PASSWORD, SIGN_IN, Looking, elsewhere, page, way_back
from kengd.pages.assets import FOREVER
from kengd.pages.headers import own_path
from kengd.pages.language import COOKIE, Language

router = APIRouter(include_in_schema=False)
YEAR_S = 365 * 86_400


@router.get(SIGN_IN)
def sign_in(request: Request, tu: Annotated[str, Query(max_length=2_000)] = "") -> Response:
    """For whoever is not in. `tu`: the page that they came from, where they go on."""
    back = way_back(tu)
    try:
        desk_of(request).caller(request, use=False)
    except KengdError:
        return page(request, "sign_in.html", None, back=back)
    raise elsewhere(back or "/")


@router.get(NEW_PASSWORD)
def new_password(request: Request, caller: Looking) -> Response:
    """One's own; the first one is good for nothing else."""
    return page(request, "password.html", caller)


@router.get("/ngon-ngu/{wanted}")
def choose_language(wanted: Language, request: Request, referer: Annotated[str | None, Header()] = None) -> Response:
    """Back to the page that one came from, in this language."""
    answer = RedirectResponse(own_path(referer, request.headers.get("host")), 303)
    answer.set_cookie(COOKIE, wanted, max_age=YEAR_S, path="/", secure=desk_of(request).secure, samesite="lax")
    return answer


@router.get("/static/{digest}/{name}")
def asset(
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")],
    name: Annotated[str, Path(pattern=r"^[a-z0-9_.-]{1,60}$")],
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Kept for good by browsers under its digest; under another one it is looked for anew each time."""
    found = FRAME.assets.find(name)
    if found is None:
        raise KengdError("no_such_thing", "không có tệp này", en="no such file")
    headers = {"Cache-Control": FOREVER if digest == FRAME.assets.digest else "no-cache", "Vary": "Accept-Encoding"}
    if "gzip" in accept_encoding:
        return Response(found.packed, media_type=found.kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.content, media_type=found.kind, headers=headers)
