"""Hiệu lệnh: what each post rings by, drawn and heard; the editors of codebook and timetable; and what is sent, to whom."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.description import described, total
from kengd.bellcode.layout import CannotPlay, lay_out
from kengd.bellcode.signal import Kind
from kengd.duty.timetable import plain_lines
from kengd.errors import KengdError
from kengd.hub.codebook_drafts import What, draft_of, of_codebook, of_table
from kengd.hub.codebook_versions import history, in_force, version_of
from kengd.hub.desk.choosing import posts_of
from kengd.hub.desk.codebook_room import calm_signals, draft_view
from kengd.hub.desk.codebook_sending import content_of, standings, trial_of
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.forms import Where
from kengd.hub.desk.pages.page import Looking, desk_and_caller, language, page
from kengd.hub.desk.pages.ringing import Slugs
from kengd.hub.desk.pages.saying import sending
from kengd.hub.ledger import desk_facts
from kengd.hub.roster import Seen, why_calm_silent, why_silent
from kengd.hub.sheet import given_to_all, read_all, settings_of
from kengd.pages.blows import score_data
from kengd.pages.language import noted
from kengd.settings.codes import NEEDED
from kengd.settings.find import LoadedSettings

router = APIRouter(include_in_schema=False)
From = Annotated[str | None, Query(pattern=r"^(diem:[a-z0-9-]{1,40}|mau:[a-z_]{1,40}|ban:[1-9][0-9]{0,9})$")]
Number = Annotated[int | None, Query(ge=1, le=2**31)]
KINDS: Final = {
    Kind.ALARM: noted("Báo động"),
    Kind.SUPPORT: noted("Chi viện (thôn bạn)"),
    Kind.ALL_CLEAR: noted("Hết báo động"),
    Kind.CURFEW: noted("Báo yên (kẻng đêm)"),
    Kind.ROUTINE: noted("Thường lệ"),
}
KEEP: Final = tuple(name for _, name in NEEDED)
"""Signals that every post has to have."""
UNREAD: Final = {"signals": (), "lines": ()}


@router.get("/hieu-lenh")
def codes(request: Request, caller: Looking) -> HTMLResponse:
    """In force: posts that ring alike together; and what was sent before, by whom."""
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        sent: dict[str, Any] = {what: history(connection, what) for what in ("codebook", "timetable")}
        ids = [one.dispatch for found in sent.values() for one in found]
        tallies = desk_facts.tallies(connection, ids)
        drafts = {what: draft_of(connection, what) for what in ("codebook", "timetable")}
    return page(
        request, "codebook.html", caller,
        alike=_alike(desk), sent=sent, tallies=tallies, kinds=KINDS, may=caller.why_not("codebook") != "role",
        drafts={what: None if found is None else draft_view(desk, found) for what, found in drafts.items()},
    )  # fmt: skip


@router.get("/hieu-lenh/sua")
def edit(request: Request, caller: Looking, tu: From = None) -> HTMLResponse:
    """The commune's draft; `tu`: from this post's codebook or this ready-made one instead."""
    caller.require("codebook")
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        kept = draft_of(connection, "codebook")
    content = kept.content if kept is not None and tu is None else _codebook_from(desk, tu)
    return page(
        request, "codebook_edit.html", caller,
        content=content, draft=None if kept is None else draft_view(desk, kept), anew=kept is not None and tu is not None,
        kinds=KINDS, keep=KEEP, bells=_bells(desk), begin=_beginnings(desk, "codebook"), patterns=_patterns(),
    )  # fmt: skip


@router.get("/hieu-lenh/gio")
def hours(request: Request, caller: Looking, tu: From = None) -> HTMLResponse:
    """The timetable: the draft, or what a post rings by."""
    caller.require("codebook")
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        kept = draft_of(connection, "timetable")
    lines = (
        of_table("timetable", kept.content["lines"])["lines"]
        if kept is not None and tu is None
        else _lines_from(desk, tu)
    )
    return page(
        request, "codebook_hours.html", caller,
        lines=lines, draft=None if kept is None else draft_view(desk, kept), anew=kept is not None and tu is not None,
        signals=calm_signals(desk), begin=_beginnings(desk, "timetable"),
        unsure=_unsure(desk),
    )  # fmt: skip


@router.get("/hieu-lenh/gui/{what}")
def send(what: What, request: Request, caller: Looking, ban: Number = None) -> HTMLResponse:
    """What each post would say, then whom to send it to; `ban`: an earlier version instead of the draft."""
    caller.require("codebook")
    desk = desk_of(request)
    content = content_of(desk, what, None, ban)
    with desk.hub.ledger.read() as connection:
        kept = draft_of(connection, what)
    number, verdicts = trial_of(desk, what, content)
    seen, roster = desk.hub.watch.all(), desk.hub.roster()
    return page(
        request, "codebook_send.html", caller,
        what=what, number=number, ban=ban, rev="" if kept is None else kept.rev, verdicts=verdicts,
        posts=[(post, in_force(seen.get(post.id, Seen()), what)) for post in roster.bells()], groups=roster.groups or {},
    )  # fmt: skip


@router.get("/phan/gui/{what}")
def told(
    what: What, request: Request, so: Annotated[int, Query(ge=1, le=2**31)], post: Slugs = None, group: Slugs = None,
    all: bool = False,
) -> JSONResponse:  # fmt: skip
    """The sentence to be read before it is sent, and which posts will not hear of it now. Raises what choosing raises."""
    desk, _ = desk_and_caller(request)
    roster, seen, now_ms = desk.hub.roster(), desk.hub.watch.all(), desk.now_ms()
    chosen = posts_of(roster, Where(posts=post, groups=group, all=all))
    names = {one.id: one.name for one in roster.posts}
    line_up = bool(desk.hub.line.up)
    silent = {one: why_silent(seen.get(one, Seen()), now_ms, line_up=line_up) for one in chosen}
    return JSONResponse({
        "sentence": sending(what, so, chosen, roster, language(request)),
        "silent": [{"name": names[one], "why": why} for one, why in silent.items() if why is not None],
    })  # fmt: skip


def _alike(desk: Desk) -> list[dict[str, Any]]:
    """Posts with equal codebooks and timetables on equal bells together, the largest group first."""
    roster, seen = desk.hub.roster(), desk.hub.watch.all()
    villages = {village.id: village.name for village in roster.villages}
    groups: dict[object, tuple[LoadedSettings | None, list[dict[str, Any]]]] = {}
    with desk.hub.ledger.read() as connection:
        said = {what: standings(connection, what) for what in ("codebook", "timetable")}
        given = given_to_all(connection, [post.id for post in roster.bells()])
    loaded = read_all(given)
    for post in roster.bells():
        known, found = seen.get(post.id, Seen()), loaded[post.id]
        one = {
            "id": post.id, "name": post.name, "page": post.page,
            "villages": [villages.get(village, village) for village in post.villages],
            "versions": [in_force(known, "codebook"), in_force(known, "timetable")],
            "open": [told for what in said if (told := said[what].get(post.id)) and told["state"] != "done"],
        }  # fmt: skip
        key = found and (str(found.codebook.signals), found.profile, found.timetable)
        groups.setdefault(key, (found, []))[1].append(one)
    return [
        {"posts": posts, **(UNREAD if found is None else _heard(found))}
        for found, posts in sorted(groups.values(), key=lambda group: -len(group[1]))
    ]


def _heard(loaded: LoadedSettings) -> dict[str, Any]:
    signals = []
    for signal in loaded.codebook.signals.values():
        shown: dict[str, Any] = {"signal": signal, "score": None, "words": [], "total": ""}
        try:
            score = lay_out(signal.pattern, loaded.profile, limit_ms=loaded.limits.hard_limit_ms)
            shown |= {"score": score_data(score), "words": described(score), "total": total(score)}
        except CannotPlay as wrong:
            shown["total"] = wrong.vi
        signals.append(shown)
    kinds = list(Kind)
    return {
        "bell": loaded.profile.kind,
        "place": loaded.codebook.place_vi,
        "signals": sorted(signals, key=lambda shown: kinds.index(shown["signal"].kind)),
        "lines": plain_lines(loaded.timetable),
        "names": {name: signal.name_vi for name, signal in loaded.codebook.signals.items()},
    }


def _codebook_from(desk: Desk, begin: str | None) -> dict[str, Any]:
    """Raises KengdError `unknown_post`, `unknown_codebook`, `unknown_version`, SettingsError."""
    if begin is not None and begin.startswith("mau:"):
        return of_codebook(builtin(begin.removeprefix("mau:")))
    if begin is not None and begin.startswith("ban:"):
        return _of_version(desk, "codebook", begin)
    loaded = _of_post(desk, begin)
    return of_codebook(builtin(BUILTIN_NAMES[0]) if loaded is None else loaded.codebook)


def _lines_from(desk: Desk, begin: str | None) -> list[dict[str, Any]]:
    if begin is not None and begin.startswith("ban:"):
        found: list[dict[str, Any]] = _of_version(desk, "timetable", begin)["lines"]
        return found
    loaded = _of_post(desk, begin)
    return [] if loaded is None else plain_lines(loaded.timetable)


def _of_version(desk: Desk, what: What, begin: str) -> dict[str, Any]:
    """What was sent under a number, whoever took it or refused it."""
    with desk.hub.ledger.read() as connection:
        return of_table(what, version_of(connection, what, int(begin.removeprefix("ban:"))).content)


def _of_post(desk: Desk, begin: str | None) -> LoadedSettings | None:
    """Of this post; of the first one where none is named."""
    bells = desk.hub.roster().bells()
    post = bells[0].id if begin is None and bells else (begin or "").removeprefix("diem:")
    if not post:
        return None
    if desk.hub.roster().post(post) is None:
        raise KengdError("unknown_post", f"không có điểm kẻng “{post}”", cure="tải lại trang", en="no such post")
    with desk.hub.ledger.read() as connection:
        return settings_of(connection, post)


def _beginnings(desk: Desk, what: What) -> list[dict[str, Any]]:
    """What a draft can begin from: posts, all that was sent before (`number`, `at_ms`), and for a codebook the ready-made ones."""
    found: list[dict[str, Any]] = [{"of": f"diem:{post.id}", "name": post.name} for post in desk.hub.roster().bells()]
    with desk.hub.ledger.read() as connection:
        sent = history(connection, what)
    found += [{"of": f"ban:{one.number}", "number": one.number, "at_ms": one.made_ms} for one in sent if not one.again]
    if what == "codebook":
        found += [{"of": f"mau:{name}", "name": builtin(name).place_vi} for name in BUILTIN_NAMES]
    return found


def _bells(desk: Desk) -> list[dict[str, str]]:
    """Whose bell a pattern is looked at by; posts whose settings cannot be read are none."""
    posts = desk.hub.roster().bells()
    with desk.hub.ledger.read() as connection:
        given = given_to_all(connection, [post.id for post in posts])
    read = read_all(given)
    return [
        {"of": f"post:{post.id}", "name": post.name, "kind": found.profile.kind}
        for post in posts
        if (found := read[post.id]) is not None
    ]


def _patterns() -> list[dict[str, str]]:
    """Ready-made patterns to choose from, each once, with the signal and the place they come from."""
    found: dict[str, dict[str, str]] = {}
    for book in map(builtin, BUILTIN_NAMES):
        for signal in book.signals.values():
            name = f"{signal.name_vi}, {book.place_vi.partition(',')[0]}"
            found.setdefault(signal.notation, {"text": signal.notation, "name": name})
    return list(found.values())


def _unsure(desk: Desk) -> list[dict[str, str]]:
    """Posts whose next rings by the clock would not sound, whatever the timetable says."""
    seen, now_ms = desk.hub.watch.all(), desk.now_ms()
    found = []
    for post in desk.hub.roster().bells():
        known = seen.get(post.id, Seen())
        why = why_silent(known, now_ms, line_up=bool(desk.hub.line.up)) or why_calm_silent(known, now_ms)
        if why is not None:
            found.append({"name": post.name, "why": why})
    return found
