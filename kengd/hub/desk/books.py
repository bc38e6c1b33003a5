"""The merged duty book, the chains of its parts, and the hub's own audit book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from kengd.errors import KengdError
from kengd.hub.chains import Chain
from kengd.hub.desk.board import book_view, signal_vi
from kengd.hub.desk.desk import At, Awake, Writing
from kengd.hub.desk.forms import LATEST_MS, AnyId, Slug
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import changes, desk_facts, proving, successions
from kengd.hub.ledger.desk_facts import Wanted
from kengd.hub.ledger.proving import FAULT_VI, TIP_VI, Keys, Looked
from kengd.wire.orders import LARGEST_NUMBER
from kengd.wire.signing import KeyRing

router = APIRouter(prefix="/api")
MOST_BOOKS: Final = 100
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
    """Every chain: how far it is proved, what is missing, the first wrong seq, and which book's place it took, unaccepted."""
    with desk.hub.ledger.read() as connection:
        chains = successions.every_chain(connection)
    now_ms = desk.now_ms()
    views = [book_view(chain, now_ms) for chain in sorted(chains, key=_order)]
    doubts = ("wrong_seq", "missing_from", "follows")
    return Json({
        "now_ms": now_ms, "whole": all(view[key] is None for view in views for key in doubts), "books": views,
    })  # fmt: skip


@router.post("/books/{post}/{book}/accept")
def accept(post: Slug, book: AnyId, desk: At, caller: Writing) -> Json:
    """Somebody knows why this post has a new book; it is no condition any more. Done before: the same answer."""
    caller.require("audit")
    with desk.hub.ledger.write() as connection:
        follows = successions.followers(connection).get((post, book))
        if follows is None and not successions.is_known(connection, post, book):
            raise KengdError(
                "no_such_thing",
                "không có sổ này",
                cure="xem các sổ trong trang Sổ kẻng",
                en="no such book",
            )
        done = follows is not None and successions.accept(connection, post, book, caller.officer.id)
        if done and follows is not None:
            changes.note(connection, "book", posts=[post])
            facts = {"post": post, "book": book, "follows": follows.book, "seq": follows.seq}
            desk.audit_in(connection, caller, "book_accepted", facts)
    return Json({"accepted": done})


@router.get("/books/check")
def check(desk: At, caller: Awake) -> Json:
    """Proves everything anew, which takes a while: every entry, the links and ends of the books, the signed heads, the audit book.

    `wrong_entries`: the first of each book, of a hundred books at most; `entries_wrong`: how many in all.
    """
    caller.require("audit")
    index = desk.hub.authority.index
    keys = Keys(KeyRing(index.all_keys()), index.ended_ms())
    with desk.reporting(), desk.hub.ledger.read() as connection:
        entries = wrong = 0
        named: list[Looked] = []
        for looked in proving.look_at_books(connection):
            entries, wrong = entries + looked.entries, wrong + looked.count
            if looked.faults and len(named) < MOST_BOOKS:
                named.append(looked)
        heads = proving.look_at_heads(connection, keys, desk.now_ms())
        audit = desk.people.audit_wrong()
    return Json({
        "whole": not (wrong or heads.wrong or heads.unsigned or heads.tips) and audit is None,
        "entries": entries,
        "entries_wrong": wrong,
        "wrong_entries": [
            {"post": book.post, "book": book.book, "seq": seq, "wrong": fault, "vi": FAULT_VI[fault]}
            for book in named for seq, fault in book.faults
        ],
        "heads": heads.count,
        "wrong_heads": _places(heads.wrong),
        "unsigned": _places(heads.unsigned),
        "wrong_keys": [{"kid": kid, "wrong": fault, "vi": TIP_VI[fault]} for kid, fault in heads.tips],
        "audit_wrong_seq": audit,
    })  # fmt: skip


def _places(found: Iterable[tuple[str, str, int]]) -> list[dict[str, Any]]:
    return [{"post": post, "book": book, "seq": seq} for post, book, seq in found]


def _order(chain: Chain) -> tuple[str, str]:
    return chain.post, chain.book
