"""`[gpio]`: relay, buttons, lamps and inputs by BCM number."""

from __future__ import annotations

from typing import Any, Literal

from kengd.settings.field import Name, Section, Words, setting


def _pin(default: Any, vi: str, en: str) -> Any:
    return setting(default, vi, en, unit="BCM", ge=0, le=27)


class Relay(Section):
    """Rơ-le đóng búa hoặc còi."""

    pin: int = _pin(
        ...,
        "chân rơ-le: 9–13, 15–27; rơ-le đóng ở mức thấp: 4–6 (lúc khởi động các chân này không tự bật: R10)",
        "relay pin: 9–13, 15–27; 4–6 for an active-low relay (these do not switch on at boot: R10)",
    )
    active_low: bool = setting(False, "rơ-le đóng khi chân ở mức thấp", "the relay closes on a low level")


class Button(Section):
    """Một nút bấm, nối từ chân xuống đất."""

    name: Name = setting(..., "tên nút", "name of the button")
    pin: int = _pin(..., "chân nút", "its pin")
    does: Name = setting(..., 'bấm thì đánh hiệu lệnh nào, hoặc "hush" để dừng kẻng', 'a signal id, or "hush"')
    place: Words | None = setting(None, "nút ở đâu; ghi vào sổ", "where the button is; goes into the book")
    hold_ms: int | None = setting(
        None,
        "giữ bao lâu mới tính (mặc định 1000; nút dừng kẻng ăn ngay)",
        "hold before it acts (default 1000; a hush acts at once)",
        unit="ms",
        ge=300,
        le=3_000,
    )


class Lamps(Section):
    """Hai đèn báo."""

    bell: int | None = _pin(None, "đèn KẺNG", "lamp KẺNG")
    police: int | None = _pin(None, "đèn CÔNG AN", "lamp CÔNG AN")


class Input(Section):
    """Một đầu vào báo tình trạng."""

    name: Name = setting(..., "tên đầu vào", "name of the input")
    pin: int = _pin(..., "chân", "its pin")
    means: Literal["proof_of_sound", "mains_lost", "battery_low", "isolator_open", "lid_open"] = setting(
        ..., "báo điều gì", "the fact it states"
    )
    active_low: bool = setting(True, "đúng khi chân bị nối đất", "true while the pin is closed to ground")


class Gpio(Section):
    """Các chân GPIO."""

    pins: Literal["kengd", "lgpio", "simulated"] = setting(
        ...,
        'cách nối chân: "kengd" trên máy thật, "simulated" là mô phỏng. Phải ghi rõ, không bao giờ tự chọn (P11)',
        "pin driver; must be named, never chosen silently (P11)",
    )
    relay: Relay = setting(..., "rơ-le", "the relay")
    buttons: list[Button] = setting([], "các nút bấm", "the buttons", max_length=20)
    lamps: Lamps = setting(Lamps(), "đèn báo", "the lamps")
    inputs: list[Input] = setting([], "các đầu vào", "optional inputs", max_length=10)
    edge_udp: int | None = setting(
        None,
        "chỉ với chân mô phỏng: gửi một byte 1/0 tới 127.0.0.1 ở mỗi lần đóng ngắt",
        "simulated pins only: one byte 1/0 to 127.0.0.1 at each edge",
        ge=1,
        le=65_535,
    )
