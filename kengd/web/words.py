"""Codes as a keeper reads them: what was decided, why, by whom, what the lamps say. Pure.

Pairs: Vietnamese, English.
"""

from __future__ import annotations

from typing import Final

from kengd.wire.reasons import sentence, sentence_en

Pair = tuple[str, str]

DECIDED: Final[dict[str, Pair]] = {
    "ring": ("Đang đánh", "Ringing"),
    "interrupt": ("Đã ngắt hiệu lệnh cũ, đang đánh", "The other signal was cut; now ringing"),
    "join": (
        "Kẻng đang kêu rồi: đã gộp, kẻng sẽ kêu lâu hơn",
        "The bell is ringing already: joined, it will ring longer",
    ),
    "wait": ("Đã nhận, sẽ đánh đúng giờ hẹn", "Taken, it will ring at its time"),
    "test": ("Đã kiểm tra, không kêu. Kết quả ghi ở dưới.", "Tested in silence. The result is below."),
    "hush": (
        "Đã dừng kẻng. Chỉ tắt tiếng, chưa hết báo động.",
        "The bell is stopped. Only the sound; the alarm is not over.",
    ),
}
NOTHING_SOUNDS: Final[Pair] = ("Không có kẻng nào đang kêu.", "No bell is ringing.")
AGAIN: Final[Pair] = ("Lệnh này đã nhận rồi.", "This was taken already.")

BELL_LAMP: Final[dict[str, Pair]] = {
    "ready": ("sẵn sàng (chớp 3 giây một lần)", "ready (a short flash every 3 s)"),
    "ringing": ("đang đánh kẻng (nháy nhanh)", "ringing (fast blinking)"),
    "press_again": ("kẻng đã dừng: bấm lại để đánh tiếp (nháy đôi)", "stopped: press again to go on (double blinking)"),
    "fault": (
        "có hỏng hóc, gọi người sửa; nút vẫn cứ bấm (nháy ba)",
        "a fault, call for repair; the button may work (triple blinking)",
    ),
}
POLICE_LAMP: Final[dict[str, Pair]] = {
    "line_up": (
        "nối được với máy chủ của xã (chớp 3 giây một lần)",
        "connected to the commune's server (a short flash every 3 s)",
    ),
    "line_down": (
        "không nối được với máy chủ của xã: hãy gọi điện (tắt)",
        "no line to the commune's server: telephone (dark)",
    ),
    "reached": (
        "đã gửi tới máy chủ của xã, chưa thấy công an nhận: chờ quá 2 phút thì gọi điện (nháy chậm)",
        "sent to the commune's server, not yet taken by the police: telephone after 2 minutes (slow blinking)",
    ),
    "taken": ("công an đã nhận xử lý (sáng liền)", "the police have taken charge (steadily lit)"),
}

ORDERED: Final[Pair] = (
    "máy trực ban Công an xã đã ra lệnh này, còn chờ cán bộ bấm nhận thì đèn nháy chậm",
    "ordered by the commune's hub; the lamp blinks slowly until an officer takes it",
)
"""The same blinking of an alarm that the hub has ordered: nobody has to telephone to tell of it."""
SENT_CALM: Final[Pair] = (
    "lần đánh này đã gửi tới máy chủ của xã (nháy chậm)",
    "this ring was sent to the commune's server (slow blinking)",
)
"""What the lamp of an alarm that was sent means while something else rings: nobody has to telephone."""

SOURCES: Final[dict[str, Pair]] = {
    "button": ("nút bấm", "button"),
    "timetable": ("theo giờ kẻng", "timetable"),
    "hub": ("Công an xã", "commune police"),
    "page": ("trang này", "this page"),
    "shell": ("lệnh trên máy", "command line"),
    "neighbour": ("thôn bạn", "next village"),
}
HELD: Final[dict[str, Pair]] = {
    "exception": ("ngày nghỉ", "a day without it"),
    "cannot": ("kẻng đang hỏng hoặc đang sửa", "the bell is broken or under repair"),
    "clock_untrusted": ("đồng hồ chưa đúng", "the clock is not right"),
    "silenced": ("kẻng thường lệ đang tạm ngừng", "calm rings are held back"),
    "after_alarm": (
        "vừa có báo động, dân dễ tưởng là hết báo động",
        "an alarm was just now; people would take it for the all-clear",
    ),
}
_ENDED: Final[dict[str, Pair]] = {
    "finished": ("đánh xong", "finished"),
    "hushed": ("có người dừng", "stopped"),
    "preempted": ("nhường hiệu lệnh gấp hơn", "cut by something more urgent"),
    "hard_limit": ("hết thời gian tối đa", "at its longest time"),
    "shutdown": ("máy tắt", "switched off"),
    "power_lost": ("mất điện giữa chừng", "power was lost"),
    "crashed": ("máy hỏng giữa chừng", "the program broke off"),
    "missed": ("không đánh", "did not ring"),
    "refused": ("từ chối", "refused"),
    "failed": ("hỏng giữa chừng", "failed"),
    "late": ("đã quá giờ", "too late"),
    "no_answer": ("tháp kẻng không trả lời", "the belfry did not answer"),
    "relay_failed": ("rơ-le không nhận lệnh", "the relay does not obey"),
    "locked": ("nút đang bị khóa", "the button is locked"),
}


def why(reason: str) -> Pair:
    """A reason code as a sentence."""
    return _ENDED.get(reason) or (sentence(reason), sentence_en(reason))
