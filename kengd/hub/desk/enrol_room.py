"""The files that let posts in, what they would say before they are made, and every certificate there is."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from kengd.errors import UsageError
from kengd.firmware.config import Reading
from kengd.firmware.pins import pin_findings
from kengd.firmware.wiring import uses
from kengd.hub.authority.broker import CONF
from kengd.hub.authority.index import Issued
from kengd.hub.broker_news import news_en, news_vi
from kengd.hub.desk.desk import At, Awake, Desk, Writing
from kengd.hub.desk.downloads import named
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.post_forms import DraftForm, EnrolForm, NewKeeper, RenewForm, RevokeForm
from kengd.hub.desk.post_orders import fits, post_of
from kengd.hub.desk.refusals import Json
from kengd.hub.enrolling import Audit, EnrolWish, KeeperWish, check_page
from kengd.hub.founding import BROKER_DIR
from kengd.hub.people.officers import checked_phone
from kengd.hub.people.words import Caller
from kengd.hub.post_templates import template_of
from kengd.settings.find import LoadedSettings
from kengd.settings.problems import Problem, SettingsError
from kengd.wire.pin import check_pin

router = APIRouter(prefix="/api")
WHERE: Final = {
    "bad_slug": "post.id", "reserved_name": "post.id", "post_exists": "post.id", "unknown_post": "post.name", "usage": "post.name",
    "bad_name": "post.name", "bad_port": "broker.port", "host_not_in_certificate": "broker.host", "bad_page": "page",
    "bad_server_name": "page_names", "page_name_taken": "page_names", "bad_template": "template",
}  # fmt: skip
"""Which field a refusal is about."""


@router.post("/posts/{post}/draft")
def draft(post: Slug, form: DraftForm, desk: At, caller: Writing) -> Json:
    """What the post's own check says of these settings, and how the file would read without its keys. Nothing is made."""
    caller.require("enrol")
    settings, problems, warnings = None, list[Problem](), list[Problem]()
    try:
        settings, loaded = desk.hub.authority.would_be(desk.enrolling.asked(_wish(desk, post, form)))
        wired = _wired(loaded)
        problems = [item for item in wired if item.code != "warning"]
        same = {item.where for item in wired}
        warnings = [
            item
            for item in (*loaded.warnings, *wired)
            if item.code == "warning" and (item in wired or item.where not in same)
        ]
    except SettingsError as wrong:
        problems = list(wrong.problems)
    except UsageError as wrong:
        problems = [Problem("value", WHERE.get(wrong.code, ""), wrong.vi, wrong.cure)]
    return Json({"settings": settings, "problems": _shown(problems), "warnings": _shown(warnings)})


@router.post("/posts/{post}/enrol")
def enrol(post: Slug, form: EnrolForm, desk: At, caller: Writing) -> Response:
    """The file for the post's card, as a download that is nowhere kept: it holds the post's only private keys.

    Certificates that the post had are revoked, unless `keep_old`. The same `id` again is refused: the file was given out.
    """
    caller.require("enrol")
    if form.keepers:
        caller.require("people")
    asked = _wish(desk, post, form, form.keepers, act=form.id, keep_old=form.keep_old)
    made = desk.enrolling.enrol(asked, _audit(desk, caller), desk.now_ms()).file
    return Response(
        made.text.encode(),
        media_type="application/toml",
        headers={
            **named("kengd.toml"),
            "Cache-Control": "no-store, no-cache, must-revalidate",
            "X-Kengd-Serial": made.serial,
            "X-Kengd-Page-Fingerprint": made.page_fingerprint,
        },
    )


@router.post("/posts/{post}/revoke")
def revoke(post: Slug, form: RevokeForm, desk: At, caller: Writing) -> Json:
    """All certificates of this post end now (a stolen unit)."""
    caller.require("enrol")
    serials = desk.enrolling.revoke(post, form.why, _audit(desk, caller), desk.now_ms(), retire=False)
    return Json({"revoked": list(serials), **_news(desk)})


@router.get("/posts/{post}/certificates")
def certificates(post: Slug, desk: At, caller: Awake) -> Json:
    """What was issued to this post: of its line to the broker, and of its page."""
    caller.require("enrol")
    index = desk.hub.authority.index
    found = [*index.valid("post", post), *index.valid("page", post)]
    return Json({"valid": [certificate_view(item, desk.now_ms()) for item in found]})


@router.get("/certificates")
def all_certificates(desk: At, caller: Awake) -> Json:
    """Every certificate in use, the soonest to end first."""
    caller.require("enrol")
    return Json({"certificates": certificates_now(desk)})


@router.post("/certificates/renew")
def renew(form: RenewForm, desk: At, caller: Writing) -> Json:
    """New ones for the broker and the hub itself; those of posts need a file each."""
    caller.require("keys")
    renewed = desk.enrolling.renew_own(_audit(desk, caller), desk.now_ms(), all=form.all)
    return Json({"renewed": list(renewed), **(_news(desk) if renewed else {})})


def certificates_now(desk: Desk) -> list[dict[str, Any]]:
    """The newest of each holder."""
    current = desk.hub.authority.index.current()
    return [certificate_view(item, desk.now_ms()) for item in sorted(current, key=lambda item: item.not_after_ms)]


def certificate_view(item: Issued, now_ms: int) -> dict[str, Any]:
    """One certificate, without its bytes."""
    return {
        "serial": item.serial, "purpose": item.purpose, "subject": item.subject, "issued_ms": item.issued_ms,
        "not_after_ms": item.not_after_ms, "days_left": (item.not_after_ms - now_ms) // 86_400_000,
        "kids": list(item.kids), "names": list(item.names),
        "renews_itself": item.purpose in ("server", "hub"),
    }  # fmt: skip


def _wish(
    desk: Desk,
    post: str,
    form: DraftForm,
    keepers: list[NewKeeper] | None = None,
    act: str | None = None,
    keep_old: bool = False,
) -> EnrolWish:
    """Raises UsageError, KengdError: what is wrong with it as far as that can be said before anything is made."""
    known = desk.enrolling.knows(post)
    if form.new and known:
        raise UsageError(
            "post_exists",
            f"đã có điểm kẻng mã “{post}”",
            cure="chọn mã khác; để thay máy hỏng thì mở trang Điểm kẻng, chọn Thay máy ở điểm ấy",
            en="there is such a post already",
        )
    if form.name is None and not known:
        post_of(desk, post)
    if form.template is not None and form.tables is not None:
        raise UsageError(
            "bad_template", "hoặc mẫu, hoặc các ô", cure="bỏ một trong hai", en="template or tables, not both"
        )
    if form.page is not None:
        check_page(form.page)
    template = form.template if form.tables is None else template_of(fits(form.tables))
    return EnrolWish(
        post, form.name, None if form.villages is None else tuple(form.villages), form.sounder, form.broker_host,
        form.broker_port, template, keep_old, act, form.page,
        None if form.page_names is None else tuple(form.page_names), form.households,
        tuple(_keeper(desk, keeper) for keeper in keepers or ()),
    )  # fmt: skip


def _keeper(desk: Desk, form: NewKeeper) -> KeeperWish:
    if form.pin is not None:
        check_pin(form.pin)
    pin = None if form.pin is None else desk.people.pin_made(form.pin)
    return KeeperWish(form.name, checked_phone(form.phone), form.id, pin)


def _wired(loaded: LoadedSettings) -> list[Problem]:
    """What the installer's check on the post would say of the pins."""
    if loaded.plan.pins == "simulated":
        return []
    found = pin_findings(Reading((), (), {}), uses(loaded.plan), ())
    return [
        Problem("clash" if one.colour == "red" else "warning", "gpio.relay.pin", one.vi, one.cure)
        for one in found
        if one.file == "kengd.toml"
    ]


def _shown(problems: list[Problem]) -> list[dict[str, Any]]:
    return [
        {"code": item.code, "where": item.where, "vi": item.vi, "cure": item.cure, "line": item.line}
        for item in problems
    ]


def _news(desk: Desk) -> dict[str, str]:
    config = desk.hub.settings.state / BROKER_DIR / CONF
    return {"broker_vi": news_vi(config), "broker_en": news_en(config)}


def _audit(desk: Desk, caller: Caller) -> Audit:
    return lambda connection, act, facts: desk.audit_in(connection, caller, act, facts)
