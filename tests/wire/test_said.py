"""The column LÝ DO of the duty book: every entry in words that its reader knows."""

from __future__ import annotations

from typing import Any

import pytest

from kengd.duty.health import CATALOGUE, condition
from kengd.duty.words import EntryKind
from kengd.wire.entry import Entry
from kengd.wire.said import KINDS, reason_of


def entry(kind: str, reason: str | None = None, detail: dict[str, Any] | None = None) -> Entry:
    return Entry(
        "b1", 1, "2026-09-21T14:13:20.000Z", kind, None, None, None, None, None, None, None, reason, "ntp", detail, "", ""
    )  # fmt: skip


def test_each_kind_has_a_word() -> None:
    """DESIGN section 7: kinds."""
    assert set(KINDS) == {kind.value for kind in EntryKind}


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_condition_is_said_as_on_pages_never_as_its_code(code: str) -> None:
    """`silenced` is a refusal's reason too, with another sentence."""
    item = condition(code)
    assert reason_of(entry("condition_raised", code, {"code": code, "vi": item.vi, "en": item.en})) == item.vi


@pytest.mark.parametrize(
    ("kind", "reason", "detail", "said"),
    [
        ("ringing", None, {"why": "trộm"}, "trộm"),
        ("received", None, {"do": "silence", "until": 1, "why": "đám tang"}, "tạm ngừng kẻng thường lệ: đám tang"),
        ("received", None, {"do": "silence", "until": 0}, "thôi tạm ngừng kẻng thường lệ"),
        ("settings_changed", None, {"do": "lock_input", "button": "alarm", "locked": True}, "khóa nút alarm"),
        ("settings_changed", None, {"do": "lock_input", "button": "alarm", "locked": False}, "mở khóa nút alarm"),
        ("received", None, {"do": "timetable", "version": 2}, "giờ kẻng bản 2"),
        ("received", None, {"do": "codebook", "version": 3}, "bảng hiệu lệnh bản 3"),
        ("received", None, {"do": "taken"}, "đã nhận xử lý"),
        ("received", None, {"ended": ["a"]}, "dừng kẻng"),
        ("received", None, {"ended": []}, "dừng kẻng (lúc ấy không có kẻng nào kêu)"),
        ("cut", "hushed", {"hushed_by": {"by": "Trực ban", "place": None}}, "có người dừng (Trực ban)"),
        ("cut", "hushed", {"hushed_by": {"by": None, "place": "trạm bơm"}}, "có người dừng (trạm bơm)"),
        ("missed", "late", None, "đã quá giờ"),
        ("refused", "cannot_play", {"why": "no such button"}, "điểm kẻng này không thực hiện được nội dung lệnh"),
        ("started", None, None, ""),
        ("cut", "of tomorrow", {"hushed_by": "?", "why": 7, "do": []}, "of tomorrow"),
    ],
)
def test_reasons_orders_and_words_given_are_said(kind: str, reason: str | None, detail: Any, said: str) -> None:
    """The monthly report is read from this: why it rang, what was ordered, who stopped it."""
    assert reason_of(entry(kind, reason, detail)) == said
