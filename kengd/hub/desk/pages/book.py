"""Sổ kẻng: the merged book, filtered, a page at a time, to take away; what came of each alarm; and whether its chains are whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.hub.chains import Chain
from kengd.hub.desk import book_lines
from kengd.hub.desk.board import book_view, books_in_doubt
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.ledger import successions
from kengd.hub.reports.signals import BUILTIN_SIGNALS
from kengd.wire.orders import LARGEST_NUMBER
from kengd.wire.said import KINDS

router = APIRouter(include_in_schema=False)
LINES: Final = 100
Before = Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)]


@router.get("/so-keng")
def book(request: Request, caller: Looking, asked: book_lines.Asking, before: Before = None) -> HTMLResponse:
    """Newest first, as they were heard."""
    caller.require_awake()
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        wanted = replace(book_lines.wanted_of(desk, connection, asked), before_n=before)
        lines = book_lines.some(desk, connection, wanted, LINES)
        chains = successions.every_chain(connection)
    roster = desk.hub.roster()
    return page(
        request, "book.html", caller,
        lines=lines, posts=roster.posts, villages=roster.villages, kinds=KINDS, signals=BUILTIN_SIGNALS, asked=asked,
        older=asked.query(before=lines[-1].n) if len(lines) == LINES else None, files=asked.query(), first=before is None,
        doubtful=books_in_doubt(chains, desk.now_ms()), names={one.id: one.name for one in roster.posts},
        books=_newest(chains, [one.id for one in roster.posts], desk.now_ms()), may_accept=caller.why_not("audit") is None,
    )  # fmt: skip


def _newest(chains: Sequence[Chain], posts: Sequence[str], now_ms: int) -> list[dict[str, Any]]:
    """For each post the books it has, the one that goes on last."""
    of: dict[str, list[Chain]] = {}
    for chain in chains:
        of.setdefault(chain.post, []).append(chain)
    return [{"post": post, "books": [book_view(chain, now_ms) for chain in of.get(post, ())]} for post in posts]
