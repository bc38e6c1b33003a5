"""The merged duty book, the chains of its parts, and the hub's own audit book."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from kengd.hub.chains import Chain
from kengd.hub.desk.board import book_view, signal_vi
from kengd.hub.desk.desk import At, Awake
from kengd.hub.desk.forms import LATEST_MS
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import desk_facts, merging
from kengd.hub.ledger.desk_facts import Wanted
from kengd.hub.ledger.heads import wrong_heads
from kengd.wire.orders import LARGEST_NUMBER
from kengd.wire.signing import KeyRing

router = APIRouter(prefix="/api")
Number = Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)]
Moment = Annotated[int | None, Query(ge=0, le=LATEST_MS)]
SlugText = Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]
KindText = Annotated[str, Query(pattern=r"^[a-z_]{1,40}$")]


@router.get("/entries")
def entries(
    desk: At,
    caller: Awake,
    post: Annotated[list[SlugText] | None, Query(max_length=100)] = None,
    village: SlugText | None = None,
    kind: Annotated[list[KindText] | None, Query(max_length=20)] = None,
    from_ms: Moment = None,
    to_ms: Moment = None,
    activation: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.~-]{1,64}$")] = None,
    before_n: Number = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """Newest first; `next`: `before_n` of the following page, null at the end."""
    posts = None if post is None else tuple(post)
    if village is not None:
        serving = {item.id for item in desk.hub.roster().posts if village in item.villages}
        posts = tuple(sorted(serving if posts is None else serving & set(posts)))
    kinds = None if kind is None else tuple(kind)
    wanted = Wanted(posts, kinds, from_ms, to_ms, activation, before_n)
    with desk.hub.ledger.read() as connection:
        found = desk_facts.page_of_entries(connection, wanted, limit)
    lines = [{**row, "signal_vi": signal_vi(row["signal"])} for row in found]
    return Json({
        "now_ms": desk.now_ms(), "entries": lines, "next": found[-1]["n"] if len(found) == limit else None,
    })  # fmt: skip


@router.get("/books")
def books(desk: At, caller: Awake) -> Json:
    """Every chain: how far it is proved, what is missing, the first wrong seq."""
    with desk.hub.ledger.read() as connection:
        chains = merging.all_chains(connection)
    now_ms = desk.now_ms()
    views = [book_view(chain, now_ms) for chain in sorted(chains, key=_order)]
    whole = all(view["wrong_seq"] is None and view["missing_from"] is None for view in views)
    return Json({"now_ms": now_ms, "whole": whole, "books": views})


@router.get("/books/check")
def check(desk: At, caller: Awake) -> Json:
    """Proves everything anew, which takes a while: the signed heads of the chains, and the audit book."""
    caller.require("audit")
    with desk.reporting(), desk.hub.ledger.read() as connection:
        wrong = wrong_heads(connection, KeyRing(desk.hub.authority.public_keys()))
    heads = [{"post": post, "book": book, "seq": seq} for post, book, seq in wrong]
    audit = desk.people.audit_wrong()
    return Json({"whole": not heads and audit is None, "wrong_heads": heads, "audit_wrong_seq": audit})


@router.get("/audit")
def audit(desk: At, caller: Awake, before_seq: Number = None, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> Json:
    """What was done at this hub, by whom; newest first."""
    found = desk.people.audit_newest(caller, before_seq, limit)
    names = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    lines = [{**asdict(item), "by_name": names.get(item.by, item.by)} for item in found]
    return Json({"audit": lines, "next": found[-1].seq if len(found) == limit else None})


def _order(chain: Chain) -> tuple[str, str]:
    return chain.post, chain.book
