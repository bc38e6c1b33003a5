"""Health: a catalogue of named conditions; a cause hides its symptoms (R26, H1–H23). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "major", "minor"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A named state of ill health, as shown in status and on pages. `subject` tells twins apart (a button's name)."""

    code: str
    severity: Severity
    vi: str
    en: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Sickness:
    """One line of the catalogue. `hidden_by`: while one of these holds, this one is only its symptom."""

    severity: Severity
    vi: str
    en: str
    hidden_by: tuple[str, ...] = ()
    lamp: bool = True


CATALOGUE: dict[str, Sickness] = {
    "relay_failed": Sickness("critical", "Rơ-le không nhận lệnh: KHÔNG đánh được kẻng", "the relay does not obey"),
    "sound_without_relay": Sickness(
        "critical", "Đã nhả rơ-le mà kẻng vẫn kêu", "sounding although the relay is at rest (R20)"
    ),
    "isolator_open": Sickness(
        "critical",
        "Cầu dao cách ly đang mở: đang sửa, KHÔNG đánh được",
        "isolator open: under repair, cannot ring (H5)",
    ),
    "no_proof_of_sound": Sickness(
        "critical",
        "Rơ-le đã đóng nhưng không nghe thấy tiếng kẻng",
        "relay on but no proof of sound within 1 s (P9, H2)",
        hidden_by=("isolator_open", "relay_failed"),
    ),
    "pins_dead": Sickness("critical", "Luồng đọc nút bấm đã ngừng", "the pin event thread has died"),
    "pin_unreadable": Sickness("critical", "Không đọc được chân của nút", "a button's pin cannot be read"),
    "lamp_failed": Sickness("minor", "Đèn không sáng được", "a lamp does not obey", lamp=False),
    "battery_low": Sickness("critical", "Ắc quy sắp hết", "battery low (H1)"),
    "mains_lost": Sickness(
        "major", "Mất điện lưới, đang chạy ắc quy", "mains lost, on battery (H1)", hidden_by=("battery_low",)
    ),
    "undervoltage": Sickness(
        "major",
        "Nguồn điện yếu, máy có thể treo: xem bộ nguồn, dây nguồn, ắc quy",
        "the board's supply is too low",
        hidden_by=("battery_low",),
    ),
    "too_hot": Sickness("major", "Máy quá nóng: mở thoáng tủ, che nắng", "the board is too hot"),
    "lid_open": Sickness("major", "Nắp tủ đang mở", "lid open (H17)"),
    "duty_exhausted": Sickness(
        "major",
        "Kẻng đã đánh quá nhiều: đang đánh chậm cho đỡ nóng",
        "the bell is spent and plays a slow roll (P3, H9)",
    ),
    "button_stuck": Sickness("major", "Nút bị kẹt", "button stuck (R17, R67)"),
    "button_held_at_boot": Sickness(
        "major",
        "Nút đang bị giữ lúc khởi động, chưa dùng được",
        "button held at start, ignored until released (R29)",
        hidden_by=("button_stuck",),
    ),
    "button_chatter": Sickness(
        "major", "Nút chập chờn (có thể ướt)", "button chatters (R67, H15)", hidden_by=("button_stuck",)
    ),
    "button_locked": Sickness("minor", "Nút đang bị khóa từ xa", "button locked from the hub", lamp=False),
    "settings_invalid": Sickness(
        "major",
        "Tệp cài đặt sai: đang dùng cài đặt tốt gần nhất",
        "settings are invalid, running on the last good ones (P3)",
    ),
    "restart_needed": Sickness(
        "minor",
        "Cài đặt chân, chuông hoặc tên đã đổi: cần khởi động lại",
        "pins, bell or name changed, restart needed",
        lamp=False,
    ),
    "spool_failed": Sickness("major", "Không ghi được sổ tạm", "the spool cannot be written"),
    "belfry_silent": Sickness(
        "critical",
        "Tháp kẻng không trả lời: nút và lệnh đều không đánh được",
        "the belfry does not answer: neither buttons nor commands ring (P9)",
    ),
    "office_down": Sickness(
        "major", "Phần trực ban đang dừng: nút vẫn đánh được", "the office process is down; buttons still ring"
    ),
    "book_broken": Sickness(
        "major", "Không ghi được sổ kẻng", "the duty book cannot be written", hidden_by=("disk_full", "disk_read_only")
    ),
    "book_set_aside": Sickness(
        "major",
        "Sổ kẻng cũ không dùng tiếp được (hỏng, hoặc của bản mới hơn), đã cất riêng và mở sổ mới",
        "the old book could not be used (broken, or a newer release's) and was set aside (R40)",
    ),
    "disk_full": Sickness("major", "Thẻ nhớ đầy, không ghi được sổ kẻng", "disk full"),
    "disk_read_only": Sickness("major", "Thẻ nhớ chỉ đọc, không ghi được sổ kẻng", "disk read-only"),
    "clock_untrusted": Sickness(
        "major",
        "Đồng hồ chưa đúng: kẻng theo giờ không đánh, nút vẫn đánh được",
        "clock untrusted: no timetable ring, buttons still ring (R36)",
        hidden_by=("office_down",),
    ),
    "no_broker": Sickness("minor", "Chưa cài máy chủ liên lạc với xã", "no broker in the settings (H23)", lamp=False),
    "no_hub_keys": Sickness("minor", "Chưa có khóa của Công an xã", "no hub key in the settings (H23)", lamp=False),
    "line_down": Sickness(
        "major",
        "Mất liên lạc với Công an xã",
        "no line to the hub",
        hidden_by=("office_down", "no_broker"),
        lamp=False,
    ),
    "line_not_authorised": Sickness(
        "major", "Máy chủ của xã từ chối điểm kẻng này", "the broker refuses this post's messages (R6)", lamp=False
    ),
    "page_down": Sickness("minor", "Trang của điểm kẻng không mở được", "the web page is down", lamp=False),
    "page_tls_down": Sickness(
        "minor",
        "Trang của điểm kẻng chỉ mở được không mã hóa (HTTP)",
        "the web page is served without HTTPS only",
        hidden_by=("page_down",),
        lamp=False,
    ),
    "pins_unreadable": Sickness(
        "minor", "Không đọc được hết tệp mã PIN của trang", "the page's PINs cannot all be read", lamp=False
    ),
    "not_heard": Sickness(
        "major", "Người giữ kẻng báo không nghe thấy kẻng kêu", "the keeper says that the bell was not heard (H2)"
    ),
    "silenced": Sickness(
        "minor", "Đang tạm ngừng kẻng thường lệ (báo động vẫn kêu)", "routine rings are held back", lamp=False
    ),
    "power_lost_ring": Sickness(
        "major", "Mất điện khi đang báo động: bấm lại để đánh tiếp", "power was lost during an alarm; press again (H10)"
    ),
}

_ORDER: dict[Severity, int] = {"critical": 0, "major": 1, "minor": 2}


def condition(code: str, subject: str | None = None, note_vi: str = "", note_en: str = "") -> Condition:
    """The condition of this code. `note_*`: what makes this case plain (an error's own words). KeyError on an unknown code."""
    line = CATALOGUE[code]
    about = f" «{subject}»" if subject else ""
    return Condition(
        code,
        line.severity,
        f"{line.vi}{about}{': ' + note_vi if note_vi else ''}",
        f"{line.en}{about}{': ' + note_en if note_en else ''}",
        subject,
    )


def visible(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """What people are shown: symptoms hidden behind their causes, the worst first. Twins share a subject."""
    all_of_them = list(conditions)
    present = {(item.code, item.subject) for item in all_of_them}

    def hidden(item: Condition) -> bool:
        causes = CATALOGUE[item.code].hidden_by if item.code in CATALOGUE else ()
        return any((cause, item.subject) in present or (cause, None) in present for cause in causes)

    shown = {(item.code, item.subject): item for item in all_of_them if not hidden(item)}
    return tuple(sorted(shown.values(), key=lambda item: (_ORDER[item.severity], item.code, item.subject or "")))


def lamp_fault(conditions: Iterable[Condition]) -> bool:
    """True when the lamp KẺNG must show a fault: something keeps the bell from doing its duty."""
    return any(CATALOGUE[item.code].lamp for item in conditions if item.code in CATALOGUE)
