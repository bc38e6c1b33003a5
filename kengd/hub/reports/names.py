"""What codes are called on a report, in Vietnamese. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from kengd import clock
from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source
from kengd.hub.reports.facts import Outcome, RingFacts
from kengd.hub.reports.period import month_digits
from kengd.wire.reasons import sentence
from kengd.wire.said import REASONS

KINDS: Final[dict[Kind | None, str]] = {
    Kind.ALARM: "Báo động",
    Kind.SUPPORT: "Chi viện (thôn bạn)",
    Kind.ALL_CLEAR: "Hết báo động",
    Kind.CURFEW: "Báo yên (kẻng đêm)",
    Kind.ROUTINE: "Thường lệ",
    None: "Không rõ hiệu lệnh",
}
PURPOSES: Final[dict[Purpose | None, str]] = {
    Purpose.ACTUAL: "Thật",
    Purpose.DRILL: "Diễn tập",
    Purpose.TEST: "Kiểm tra không kêu",
    None: "Không rõ",
}
SOURCES: Final[dict[Source | None, str]] = {
    Source.BUTTON: "Nút bấm tại điểm kẻng",
    Source.TIMETABLE: "Giờ kẻng đặt sẵn",
    Source.HUB: "Máy trực ban Công an xã",
    Source.PAGE: "Trang của điểm kẻng",
    Source.SHELL: "Dòng lệnh tại máy",
    Source.NEIGHBOUR: "Thôn bạn",
    None: "Không rõ",
}
OUTCOMES: Final[dict[Outcome, str]] = {
    "ringing": "chưa rõ kết thúc",
    "finished": "đánh xong",
    "cut": "bị ngắt",
    "failed": "hỏng",
    "tested": "kiểm tra không kêu",
    "refused": "từ chối",
    "missed": "lỡ giờ",
    "cancelled": "hủy trước khi đánh",
    "unanswered": "không trả lời",
    "waiting": "đã nhận lệnh, chưa đánh",
}
INCIDENTS: Final[dict[str | None, str]] = {
    "theft": "Trộm cắp",
    "robbery": "Cướp giật",
    "assault": "Cố ý gây thương tích",
    "drugs": "Ma túy",
    "gambling": "Đánh bạc",
    "disorder": "Gây rối",
    "fireworks": "Pháo nổ",
    "quarrel": "Mâu thuẫn",
    "fire": "Hỏa hoạn",
    "disaster": "Thiên tai",
    "false_alarm": "Báo nhầm",
    "drill": "Diễn tập",
    "other": "Khác",
    None: "Chưa phân loại",
}
NO_OUTCOME: Final = "Chưa có kết quả"
NO_VILLAGE: Final = "Không thuộc thôn nào"
NO_REASON: Final = "không ghi lý do"

_ENDS: Final = {
    **{
        code: REASONS[code]
        for code in ("hushed", "preempted", "hard_limit", "shutdown", "power_lost", "crashed", "late")
    },
    "no_answer": "không nhận được tin nào từ điểm kẻng",
}
# What the timetable means by these words is not what an officer's command means by them.
_MISSED: Final = {
    "clock_untrusted": "đồng hồ của điểm kẻng chưa tin được",
    "expired": "đã quá giờ",
    "no_answer": "máy điểm kẻng không trả lời phần lịch",
    "power_lost": "mất điện đúng lúc đến giờ",
}


def reason_words(outcome: Outcome, reason: str | None) -> str:
    """A reason code as a sentence; an unknown code is shown as it is."""
    if reason is None:
        return NO_REASON
    if outcome == "missed" and reason in _MISSED:
        return _MISSED[reason]
    return _ENDS.get(reason) or sentence(reason)


def end_words(outcome: Outcome, reason: str | None) -> str:
    """How a ring ended: "bị ngắt: có người dừng"."""
    return OUTCOMES[outcome] if reason is None else f"{OUTCOMES[outcome]}: {reason_words(outcome, reason)}"


def ending_words(ring: RingFacts) -> str:
    """The same with who stopped it: "bị ngắt: có người dừng (Trần Văn B)"."""
    return end_words(ring.outcome, ring.reason) + (f" ({ring.hushed_by})" if ring.hushed_by else "")


def failure_reason(ring: RingFacts) -> str:
    """Why it made no sound; for what was cancelled, who did it."""
    return reason_words(ring.outcome, ring.reason) + (f" ({ring.hushed_by})" if ring.hushed_by else "")


def signal_words(ring: RingFacts, *, with_purpose: bool = True) -> str:
    """What was asked for: "Báo động", "Sơ tán", with the purpose unless it was for real or is not wanted."""
    if ring.signal is None:
        return "lệnh khác"
    name = ring.signal_name or ring.signal
    if not with_purpose or ring.purpose in (Purpose.ACTUAL, None):
        return name
    return f"{name} ({PURPOSES[ring.purpose].lower()})"


def incident_words(kind: str | None) -> str:
    """The Vietnamese name of an incident's kind; an unknown id is shown as it is."""
    return INCIDENTS.get(kind) or str(kind)


def moment_words(at_ms: int) -> str:
    """Unix ms as "22:00:03 05/11/2026", local."""
    return f"{clock.local(at_ms):%H:%M:%S %d/%m/%Y}"


def day_words(moment: datetime) -> str:
    """ "ngày 05 tháng 11 năm 2026"."""
    return f"ngày {moment.day:02} tháng {month_digits(moment.month)} năm {moment.year}"


def number(value: float, digits: int = 1) -> str:
    """A number with a decimal comma and dots between thousands: "1.234,5"."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def seconds(ms: int | None) -> str:
    """A length of time in seconds with one decimal, "—" when there is none."""
    return "—" if ms is None else f"{number(ms / 1000)} giây"


def percent(share: float | None) -> str:
    """A share 0…1 in %, rounded down so that 100 % means all; "—" when there is none."""
    return "—" if share is None else f"{number(int(share * 1000) / 10)} %"


def length_words(ms: int) -> str:
    """A long time in days, hours and minutes, rounded down: "3 ngày 4 giờ", "12 phút"; under a minute "dưới 1 phút"."""
    if ms <= 0:
        return "0"
    minutes = ms // 60_000
    parts = ((minutes // 1_440, "ngày"), (minutes // 60 % 24, "giờ"), (minutes % 60, "phút"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "dưới 1 phút"


def lowered(words: str) -> str:
    """The same words in the middle of a sentence: only the first letter is made small."""
    return words[:1].lower() + words[1:]
