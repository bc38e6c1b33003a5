"""In and out: sign-in, the first password, the language, and the files that pages are made of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from kengd.errors import KengdError
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import (
    FRAME,
    NEW_PASSWORD,
    SIGN_IN,
    TRUST,
    Looking,
    caller_or_nobody,
    elsewhere,
    page,
    way_back,
)
from kengd.pages.headers import own_path
from kengd.pages.language import COOKIE, Language
from kengd.pages.trust import FILE, KIND, certificates_of, fingerprint

router = APIRouter(include_in_schema=False)
YEAR_S = 365 * 86_400


@router.get(SIGN_IN)
def sign_in(request: Request, tu: Annotated[str, Query(max_length=2_000)] = "") -> Response:
    """For whoever is not in. `tu`: the page that they came from, where they go on."""
    back = way_back(tu)
    if caller_or_nobody(request) is None:
        return page(request, "sign_in.html", None, back=back)
    raise elsewhere(back or "/")


@router.get(NEW_PASSWORD)
def new_password(request: Request, caller: Looking) -> Response:
    """One's own; the first one is good for nothing else."""
    return page(request, "password.html", caller)


@router.get(TRUST)
def trust(request: Request) -> Response:
    """How a phone or a PC learns to trust the commune's certificate: also for whoever is not in yet, and hesitates to type a password."""
    return page(request, "trust_page.html", caller_or_nobody(request), mark=fingerprint(_ca(request)))


@router.get("/ca.pem")
def ca(request: Request) -> Response:
    """The commune's CA. It is public."""
    headers = {"Content-Disposition": f'attachment; filename="{FILE}"'}
    return Response(_ca(request), media_type=KIND, headers=headers)


def _ca(request: Request) -> str:
    return certificates_of(desk_of(request).hub.authority.ca_file.read_text("ascii")) or ""


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
    """A file that pages are made of."""
    found = FRAME.assets.answer(digest, name, accept_encoding)
    if found is None:
        raise KengdError("no_such_thing", "không có tệp này", en="no such file")
    content, kind, headers = found
    return Response(content, media_type=kind, headers=headers)
