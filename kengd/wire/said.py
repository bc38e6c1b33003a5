"""What stands in the book, in Vietnamese, for tables on a terminal and on pages. Pure."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from kengd.wire.entry import Entry
from kengd.wire.reasons import SENTENCES

KINDS: Final = {
    "started": "khởi động", "stopped": "tắt máy", "received": "nhận lệnh", "refused": "từ chối", "ringing": "đánh kẻng",
    "finished": "đánh xong", "cut": "bị ngắt", "failed": "hỏng", "missed": "lỡ giờ", "tested": "kiểm tra không kêu",
    "condition_raised": "có sự cố", "condition_cleared": "hết sự cố", "clock_stepped": "đồng hồ bị chỉnh",
    "settings_changed": "đổi cài đặt",
}  # fmt: skip
SIGNALS: Final = {
    "alarm": "báo động", "support": "chi viện", "all_clear": "hết báo động", "curfew": "báo yên (kẻng đêm)",
    "evacuation": "sơ tán", "wake": "kẻng sáng", "study": "kẻng học bài", "meeting": "kẻng họp",
}  # fmt: skip
PURPOSES: Final = {"actual": "thật", "drill": "diễn tập", "test": "kiểm tra"}
SOURCES: Final = {
    "button": "nút bấm", "timetable": "lịch kẻng", "hub": "Công an xã", "page": "trang web", "shell": "dòng lệnh",
    "neighbour": "thôn bạn",
}  # fmt: skip
REASONS: Final = {
    "new": "sổ mới", "book_set_aside": "sổ cũ không dùng tiếp được, đã cất riêng", "unit_replaced": "thay máy mới",
    "hushed": "có người dừng",
    "preempted": "nhường hiệu lệnh gấp hơn", "hard_limit": "hết thời gian tối đa", "shutdown": "máy tắt",
    "heard": "người giữ kẻng báo: kẻng có kêu", "not_heard": "người giữ kẻng báo: KHÔNG nghe thấy kẻng kêu",
    "power_lost": "mất điện", "crashed": "chương trình hỏng giữa chừng", "late": "đã quá giờ",
}  # fmt: skip


def harmless(text: str) -> str:
    """One line without anything a terminal obeys: no control, no direction mark, no lone surrogate."""
    spaced = " ".join(text.split())
    return "".join(
        char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )


def reason_of(entry: Entry) -> str:
    """`reason_text` of this entry."""
    return reason_text(entry.kind, entry.reason, entry.detail or {})


def reason_text(kind: str, reason: str | None, detail: dict[str, Any]) -> str:
    """The column LÝ DO: the reason code as a sentence, what was ordered, who hushed, and the words that somebody gave."""
    if kind in ("condition_raised", "condition_cleared"):
        return _text(detail, "vi") or _sentence(reason)
    # what a post found wrong with an order stands under the same key as the words of the person who ordered a ring
    given = "" if kind == "refused" else _text(detail, "why")
    parts = (_sentence(reason) + _by_whom(detail), ordered(detail), given)
    return ": ".join(part for part in parts if part)


def ordered(detail: dict[str, Any]) -> str:
    """What an order other than a ring asked for, from the entry's detail; "" for anything else."""
    match detail.get("do"):
        case "taken":
            return "đã nhận xử lý"
        case "silence":
            return "tạm ngừng kẻng thường lệ" if detail.get("until") else "thôi tạm ngừng kẻng thường lệ"
        case "lock_input":
            return f"{'khóa' if detail.get('locked') else 'mở khóa'} nút {detail.get('button')}"
        case "codebook":
            return f"bảng hiệu lệnh bản {detail.get('version')}"
        case "timetable":
            return f"giờ kẻng bản {detail.get('version')}"
    if isinstance(detail.get("ended"), list):
        return "dừng kẻng" if detail["ended"] else "dừng kẻng (lúc ấy không có kẻng nào kêu)"
    return ""


def _by_whom(detail: dict[str, Any]) -> str:
    hushed_by = detail.get("hushed_by")
    if not isinstance(hushed_by, dict):
        return ""
    who = _text(hushed_by, "by") or _text(hushed_by, "place")
    return f" ({who})" if who else ""


def _sentence(reason: str | None) -> str:
    if reason is None:
        return ""
    return REASONS.get(reason) or (SENTENCES[reason][0] if reason in SENTENCES else reason)


def _text(detail: dict[str, Any], key: str) -> str:
    given = detail.get(key)
    return given if isinstance(given, str) else ""
