"""Codebooks and timetables in the making: said in the notation, tapped, looked at, heard, and kept as the commune's draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from kengd.bellcode.alike import CALM, lint, too_alike
from kengd.bellcode.codebooks import builtin, make_signal
from kengd.bellcode.description import described, total
from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import NotationError, parse
from kengd.bellcode.pattern import Pattern
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.bellcode.tapping import tapped
from kengd.clock import local
from kengd.errors import KengdError, UsageError
from kengd.hub.codebook_drafts import Draft, What, draft_of, keep, strike
from kengd.hub.desk.codebook_forms import (
    MOST_SIGNALS,
    BellName,
    CodebookDraftForm,
    DaysForm,
    KindName,
    PatternText,
    StrikeForm,
    TapsForm,
    TimetableDraftForm,
)
from kengd.hub.desk.desk import Asking, At, Desk, Writing
from kengd.hub.desk.refusals import Json, said
from kengd.hub.people.words import Caller
from kengd.hub.sheet import given_to_all, read_all, settings_of
from kengd.hub.timetable_days import days_ahead, lines_of
from kengd.pages.blows import score_data
from kengd.settings.alarms import SHORTEST_ALARM_MS
from kengd.settings.hours import BY_CLOCK
from kengd.settings.plan import Limits

router = APIRouter(prefix="/api/codes")
LOUD: Final = (Kind.ALARM, Kind.SUPPORT)


@router.get("/pattern")
def pattern(
    desk: At,
    caller: Asking,
    text: Annotated[PatternText, Query()],
    bell: Annotated[BellName, Query()] = "striker",
    kind: Annotated[KindName | None, Query()] = None,
    beside: Annotated[list[PatternText] | None, Query(max_length=MOST_SIGNALS)] = None,
) -> Json:
    """How this is understood and how this bell plays it; 422 with `column` and `suggestions` where it cannot be read.

    `beside`: patterns of the alarms of its codebook, or of its calm signals where this is an alarm: it must not begin like them.
    """
    profile, limit_ms = bell_of(desk, bell)
    try:
        found = parse(text)
    except NotationError as wrong:
        return said(wrong, column=wrong.column, suggestions=list(wrong.suggestions))
    told = understood(found, profile, limit_ms, None if kind is None else Kind(kind))
    alike = [] if kind is None else begins_like(found, Kind(kind), beside or (), profile, limit_ms)
    told["warnings"] += [f"8 giây đầu nghe giống “{other}”: điểm kẻng sẽ từ chối" for other in alike]
    return Json(told | {"pattern": text})


@router.post("/taps")
def taps(form: TapsForm, desk: At, caller: Writing) -> Json:
    """A tapped rhythm as a code, with everything that was rounded; `endless`: the same until stopped."""
    profile, limit_ms = bell_of(desk, form.bell)
    found = tapped([(on_ms, off_ms) for on_ms, off_ms in form.taps], profile)
    facts = {"pattern": found.text, "endless": found.endless_text, "rounded": list(found.rounded)}
    return Json(understood(found.pattern, profile, limit_ms, None) | facts)


@router.post("/days")
def days(form: DaysForm, desk: At, caller: Writing) -> Json:
    """When these lines would ring in the next 14 days, and what is wrong with lines that cannot."""
    calm = calm_signals(desk)
    lines = [line.model_dump(by_alias=True) for line in form.lines]
    good, wrong = lines_of(lines, calm)
    return Json({
        "problems": [{"line": n, "vi": error.vi, "cure": error.cure, "en": error.en} for n, error in wrong.items()],
        "days": [
            {
                "day": day.day.isoformat(), "weekday": day.weekday_vi, "lunar": day.lunar,
                "rings": [
                    {"at": f"{ring.at:%H:%M}", "signal": ring.signal, "name": calm.get(ring.signal, ring.signal),
                     "held": ring.held}
                    for ring in day.rings
                ],
            }
            for day in days_ahead(good, local(desk.now_ms()))
        ],
    })  # fmt: skip


@router.get("/{what}/draft")
def draft(what: What, desk: At, caller: Asking) -> Json:
    """The commune's draft; `rev` "" and no content where there is none."""
    with desk.hub.ledger.read() as connection:
        found = draft_of(connection, what)
    return Json({"rev": "", "content": None} if found is None else draft_view(desk, found))


@router.put("/codebook/draft")
def keep_codebook(form: CodebookDraftForm, desk: At, caller: Writing) -> Json:
    """Keep it, unless somebody else has changed it since it was read. `warnings`: what can be mistaken for something else."""
    builtin(form.use)
    content = {"use": form.use, "signals": [signal.model_dump() for signal in form.signals]}
    ids = [signal.id for signal in form.signals]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise UsageError(
            "same_id",
            f"hai hiệu lệnh cùng mã “{twice[0]}”",
            cure="đổi mã của một hiệu lệnh",
            en="two signals of one id",
        )
    kept = _keep(desk, caller, "codebook", form.rev, content)
    profile, limit_ms = bell_of(desk, form.bell)
    return Json(draft_view(desk, kept) | {"warnings": lint(readable(content), profile, limit_ms=limit_ms)})


@router.put("/timetable/draft")
def keep_timetable(form: TimetableDraftForm, desk: At, caller: Writing) -> Json:
    """As for a codebook."""
    content = {"lines": [line.model_dump(by_alias=True) for line in form.lines]}
    return Json(draft_view(desk, _keep(desk, caller, "timetable", form.rev, content)))


@router.post("/{what}/draft/strike")
def strike_draft(what: What, form: StrikeForm, desk: At, caller: Writing) -> Json:
    """Begin anew: what posts ring by stays as it is."""
    caller.require("codebook")
    with desk.hub.ledger.write() as connection:
        strike(connection, what, form.rev)
        desk.audit_in(connection, caller, "draft_struck", {"what": what})
    return Json({"rev": "", "content": None})


def _keep(desk: Desk, caller: Caller, what: What, rev: str, content: Mapping[str, Any]) -> Draft:
    caller.require("codebook")
    with desk.hub.ledger.write() as connection:
        kept = keep(connection, what, rev, content, caller.officer.id, desk.now_ms())
        desk.audit_in(connection, caller, "draft_kept", {"what": what})
    return kept


def draft_view(desk: Desk, found: Draft) -> dict[str, Any]:
    """With the name of who kept it."""
    officer = desk.people.officer(found.officer)
    by = "" if officer is None else officer.name
    return {"rev": found.rev, "content": found.content, "by": by, "at_ms": found.at_ms, "sent": found.sent}


def understood(found: Pattern, profile: Profile, limit_ms: int, kind: Kind | None) -> dict[str, Any]:
    """The drawing and the words of a pattern on this bell. Raises CannotPlay."""
    score = lay_out(found, profile, limit_ms=limit_ms)
    warnings = []
    if kind is not None and found.endless and kind not in LOUD:
        warnings.append("đánh đến khi dừng: chỉ báo động và chi viện mới được đánh mãi")
    if kind is Kind.ALARM and (score.duration_ms or SHORTEST_ALARM_MS) < SHORTEST_ALARM_MS:
        warnings.append("báo động kêu chưa tới 10 giây: không ai kịp nghe ra")
    return {
        "bell": profile.kind,
        "score": score_data(score),
        "words": described(score),
        "total": total(score),
        "warnings": warnings,
    }


def begins_like(found: Pattern, kind: Kind, beside: Sequence[str], profile: Profile, limit_ms: int) -> list[str]:
    """Those of `beside` that this can be taken for on this bell (H18); what cannot be read or played is like nothing."""
    score = lay_out(found, profile, limit_ms=limit_ms)
    alike = []
    for text in dict.fromkeys(beside):
        try:
            other = lay_out(parse(text), profile, limit_ms=limit_ms)
        except UsageError:
            continue
        if (kind is Kind.ALARM and too_alike(score, other)) or (kind in CALM and too_alike(other, score)):
            alike.append(text)
    return alike


def bell_of(desk: Desk, bell: str) -> tuple[Profile, int]:
    """The bell and the longest that it may ring (ms). Raises KengdError `unknown_post`, SettingsError."""
    if bell == "siren":
        return SirenProfile(), Limits().hard_limit_ms
    if bell == "striker":
        return StrikerProfile(), Limits().hard_limit_ms
    post = bell.removeprefix("post:")
    if desk.hub.roster().post(post) is None:
        raise KengdError("unknown_post", f"không có điểm kẻng “{post}”", cure="tải lại trang", en="no such post")
    with desk.hub.ledger.read() as connection:
        loaded = settings_of(connection, post)
    return loaded.profile, loaded.limits.hard_limit_ms


def readable(content: Mapping[str, Any]) -> Codebook:
    """A draft as a codebook, without signals that cannot be read."""
    signals: dict[str, Signal] = {}
    for given in content["signals"]:
        try:
            signals[given["id"]] = make_signal(
                given["id"], Kind(given["kind"]), given["name"], given["name_en"], given["meaning"], given["pattern"]
            )
        except NotationError:
            continue
    return Codebook(content["use"], "", signals)


def calm_signals(desk: Desk) -> dict[str, str]:
    """What a clock may ring at some post of the commune, or will by the draft: id → name."""
    found: dict[str, str] = {}
    with desk.hub.ledger.read() as connection:
        given = given_to_all(connection, [post.id for post in desk.hub.roster().bells()])
        kept = draft_of(connection, "codebook")
    for loaded in read_all(given).values():
        for signal in () if loaded is None else loaded.codebook.signals.values():
            if signal.kind in BY_CLOCK:
                found.setdefault(signal.id, signal.name_vi)
    for given in [] if kept is None else kept.content["signals"]:
        if Kind(given["kind"]) in BY_CLOCK:
            found.setdefault(given["id"], given["name"])
    return found
