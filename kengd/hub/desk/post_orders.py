"""What posts are told beside rings: silence, locked buttons, codebooks."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.desk import At, Desk, Writing, actor_of
from kengd.hub.desk.dispatches import id_reused, view_of
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.post_forms import CodebookForm, LockInputForm, SilenceForm, TimetableForm
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import dispatches
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.people.words import Act, Caller
from kengd.hub.roster import Post

router = APIRouter(prefix="/api/posts/{post}")
LONGEST_SILENCE_S: Final = 31 * 86_400
LARGEST_SETTINGS: Final = 30_000
"""Bytes of JSON: a post takes 32 KiB with everything around it."""


@router.post("/silence", status_code=201)
def silence(post: Slug, form: SilenceForm, desk: At, caller: Writing) -> Json:
    """Hold back routine rings (báo động vẫn kêu)."""
    now_s = desk.now_ms() // 1000
    if form.until and not now_s < form.until <= now_s + LONGEST_SILENCE_S:
        raise UsageError(
            "bad_until",
            "tạm ngừng từ bây giờ đến nhiều nhất 31 ngày",
            cure="chọn ngày khác",
            en="at most 31 days from now",
        )
    return _tell(desk, caller, "silence", form.id, "silence", post, {"until": form.until}, form.why)


@router.post("/lock-input", status_code=201)
def lock_input(post: Slug, form: LockInputForm, desk: At, caller: Writing) -> Json:
    """Lock or unlock a button; never the last one for alarms (the post sees to that)."""
    facts = {"button": form.button, "locked": form.locked}
    return _tell(desk, caller, "silence", form.id, "lock_input", post, facts, form.why)


@router.post("/codebook", status_code=201)
def codebook(post: Slug, form: CodebookForm, desk: At, caller: Writing) -> Json:
    """A new codebook; the post refuses what its bell cannot play."""
    facts = {"version": form.version, "codebook": fits(form.codebook)}
    return _tell(desk, caller, "codebook", form.id, "codebook", post, facts, None)


@router.post("/timetable", status_code=201)
def timetable(post: Slug, form: TimetableForm, desk: At, caller: Writing) -> Json:
    """A new timetable."""
    facts = {"version": form.version, "timetable": fits(form.timetable)}
    return _tell(desk, caller, "codebook", form.id, "timetable", post, facts, None)


def _tell(
    desk: Desk, caller: Caller, needs: Act, act_id: str, do: str, post: str, facts: dict[str, Any], why: str | None
) -> Json:
    caller.require(needs)
    post_of(desk, post)
    with desk.hub.ledger.read() as connection:
        known = dispatches.find(connection, act_id)
        same = known is None or (
            (known.do, known.officer) == (do, caller.officer.id)
            and [target.post for target in dispatches.targets_of(connection, [act_id])] == [post]
        )
    if not same:
        raise id_reused()
    said = {key: value for key, value in facts.items() if not isinstance(value, dict | list)}
    line = desk.line(caller, do, {"dispatch": act_id, "post": post, **said, "why": why})
    done = known or desk.hub.acts.tell(actor_of(caller), act_id, do, [post], facts, why, line)
    return Json(view_of(desk, done, caller), 201)


def fits(content: Any) -> Any:
    """The content, if it is not too large for a post. Raises UsageError `invalid`, KengdError `too_large`."""
    try:
        size = len(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (ValueError, RecursionError):
        raise UsageError(
            "invalid",
            "nội dung có số hoặc chữ không hợp lệ",
            cure="bỏ NaN, Infinity và ký tự hỏng rồi gửi lại",
            en="NaN or broken characters",
        ) from None
    if size > LARGEST_SETTINGS:
        raise KengdError("too_large", "bảng dài quá 30 KB", cure="bớt nội dung", en="over 30,000 bytes")
    return content


def post_of(desk: Desk, post: str) -> Post:
    """The post in service. Raises KengdError `unknown_post`."""
    with desk.hub.ledger.read() as connection:
        found = read_roster(connection).post(post)
    if found is None:
        raise KengdError("unknown_post", f"không có điểm kẻng “{post}”", cure="tải lại trang", en="no such post")
    return found
