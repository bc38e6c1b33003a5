"""Codebooks and timetables on their way: what each post would say, one order to many posts, again to those that did not take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from kengd.errors import KengdError, UsageError
from kengd.hub.codebook_drafts import What, draft_of, note_sent, of_table, to_send
from kengd.hub.codebook_trials import Verdict, verdicts
from kengd.hub.codebook_versions import Version, history, in_force, left_over, next_version, take, version_of, why_of
from kengd.hub.desk.choosing import posts_of
from kengd.hub.desk.codebook_forms import SendForm
from kengd.hub.desk.desk import Asking, At, Desk, Writing, actor_of
from kengd.hub.desk.dispatch_view import STATES_VI
from kengd.hub.desk.dispatches import id_reused, unknown_dispatch, view_of
from kengd.hub.desk.forms import ActForm, AnyId
from kengd.hub.desk.post_orders import fits
from kengd.hub.desk.refusals import Json
from kengd.hub.dispatching import SETTLED, State
from kengd.hub.ledger import desk_facts, dispatches, settled
from kengd.hub.ledger.store import Transaction
from kengd.hub.roster import Seen
from kengd.hub.sheet import given_to_all, order_in

router = APIRouter(prefix="/api/codes")
SHOWN: Final = 5


@router.get("/{what}")
def in_use(what: What, desk: At, caller: Asking) -> Json:
    """Which version each post rings by, what it said to the newest that it was sent, and what was sent before."""
    seen = desk.hub.watch.all()
    with desk.hub.ledger.read() as connection:
        number = next_version(connection, what, seen.values())
        sent = history(connection, what)
        tallies = desk_facts.tallies(connection, [one.dispatch for one in sent])
        standing = standings(connection, what)
    posts = [
        {"post": post.id, "name": post.name, "version": in_force(seen.get(post.id, Seen()), what), "newest": standing.get(post.id)}
        for post in desk.hub.roster().posts
    ]  # fmt: skip
    return Json({"next": number, "posts": posts, "sent": [_sent(one, tallies.get(one.dispatch, {})) for one in sent]})


@router.get("/{what}/trial")
def trial(what: What, desk: At, caller: Asking, version: Annotated[int | None, Query(ge=1, le=2**31)] = None) -> Json:
    """What each post would say to the draft, or to what was sent under `version` before."""
    content = content_of(desk, what, None, version)
    number, found = trial_of(desk, what, content)
    return Json({
        "next": number,
        "posts": [
            {"post": post, "problems": list(one.problems), "notes": list(one.notes)} for post, one in found.items()
        ],
    })  # fmt: skip


@router.post("/{what}/sends", status_code=201)
def send(what: What, form: SendForm, desk: At, caller: Writing) -> Json:
    """One order to all these posts; a draft stays until one of them has taken it. 409 `draft_changed`, `version_taken`: look again,
    then send."""
    caller.require("codebook")
    roster = desk.hub.roster()
    posts = posts_of(roster, form)
    with desk.hub.ledger.read() as connection:
        known = dispatches.find(connection, form.id)
    if known is not None:
        if (known.do, known.officer) != (what, caller.officer.id):
            raise id_reused()
        return Json(view_of(desk, known, caller), 201)
    if (form.rev is None) == (form.version is None):
        raise UsageError("one_source", "gửi bản nháp hoặc một bản cũ", cure="tải lại trang", en="either rev or version")
    content = content_of(desk, what, form.rev, form.version)
    facts = {"version": form.number, what: fits(to_send(what, content))}

    def also(connection: Transaction) -> None:
        take(connection, what, form.number)
        if form.rev is not None:
            note_sent(connection, what, form.rev, form.id, form.number)
        said = {"dispatch": form.id, "version": form.number, "post": _some(posts), "as_before": form.version}
        desk.audit_in(connection, caller, what, said)

    done = desk.hub.acts.tell(actor_of(caller), form.id, what, posts, facts, None, also)
    return Json(view_of(desk, done, caller), 201)


@router.post("/sends/{dispatch}/again", status_code=201)
def again(dispatch: AnyId, form: ActForm, desk: At, caller: Writing) -> Json:
    """Gửi lại cho điểm chưa nhận: the same version to posts that have not taken it, and were sent no newer one."""
    caller.require("codebook")
    with desk.hub.ledger.read() as connection:
        first, known = dispatches.find(connection, dispatch), dispatches.find(connection, form.id)
        posts = [] if first is None else left_over(connection, first)
        jws = settled.signed_of(connection, dispatch)
    if known is not None:
        if known.repeats != dispatch:
            raise id_reused()
        return Json(view_of(desk, known, caller), 201)
    cmd = None if jws is None else order_in(jws)
    if first is None or first.do not in SETTLED or cmd is None:
        raise unknown_dispatch()
    if not posts:
        raise KengdError(
            "all_answered", "không còn điểm nào cần gửi lại", cure="tải lại trang", en="no post needs it once more"
        )
    facts = {key: value for key, value in cmd.items() if key != "do"}
    said = {"dispatch": form.id, "repeats": dispatch, "version": facts["version"], "post": _some(posts)}
    line = desk.line(caller, first.do, said)
    done = desk.hub.acts.tell(actor_of(caller), form.id, first.do, posts, facts, None, line, repeats=dispatch)
    return Json(view_of(desk, done, caller), 201)


# ---- what the pages ask too


def content_of(desk: Desk, what: What, rev: str | None, version: int | None) -> dict[str, Any]:
    """The draft (of this `rev`), or what was sent under `version`. Raises KengdError `no_draft`, `draft_changed`, `unknown_version`."""
    with desk.hub.ledger.read() as connection:
        if version is not None:
            return of_table(what, version_of(connection, what, version).content)
        found = draft_of(connection, what)
    if found is None:
        raise KengdError(
            "no_draft", "chưa có bản nháp nào để gửi", cure="soạn và lưu một bản nháp trước", en="there is no draft"
        )
    if rev is not None and rev != found.rev:
        raise KengdError(
            "draft_changed", "bản nháp này vừa được người khác sửa", cure="mở lại trang để xem bản mới rồi gửi",
            en="the draft has changed meanwhile",
        )  # fmt: skip
    return found.content


def trial_of(desk: Desk, what: What, content: Mapping[str, Any]) -> tuple[int, dict[str, Verdict]]:
    """The number under which it would be sent, and by post what that would say."""
    seen, posts = desk.hub.watch.all(), desk.hub.roster().bells()
    with desk.hub.ledger.read() as connection:
        number = next_version(connection, what, seen.values())
        given = given_to_all(connection, [post.id for post in posts])
    return number, verdicts(given, what, content, number)


def standings(connection: Transaction, what: What) -> dict[str, dict[str, Any]]:
    """By post: how it stands with the newest version that it was sent, in words."""
    newest = settled.newest_targets(connection, what)
    refused = [target.jti for target in newest.values() if target.state is State.REFUSED]
    words = settled.refusals(connection, refused)
    return {
        post: {
            "dispatch": target.dispatch, "state": target.state.value, "state_vi": STATES_VI[target.state],
            "why": why_of(target, words.get((post, target.jti))),
        }
        for post, target in newest.items()
    }  # fmt: skip


def _some(posts: Sequence[str]) -> str:
    """For the hub's own book, where a line names them; the dispatch knows them all."""
    more = f" +{len(posts) - SHOWN}" if len(posts) > SHOWN else ""
    return ", ".join(posts[:SHOWN]) + more


def _sent(one: Version, tally: Mapping[str, int]) -> dict[str, Any]:
    return {
        "version": one.number, "dispatch": one.dispatch, "by": one.by, "made_ms": one.made_ms, "again": one.again,
        "tally": dict(tally),
    }  # fmt: skip
