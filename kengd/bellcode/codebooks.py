"""Ready-made codebooks: what real villages agreed on, to be chosen by name and changed signal by signal. Pure.

Rings that newspapers describe are kept as described. Where they say only that there is one (the nightly ring of Cộng
Lạc, the alarm of Nam Ngạn) or nothing at all (all-clear, support, evacuation: H12, H16) a clearly different one is
proposed. No calm code begins like an alarm (H18).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from kengd.bellcode.alike import lint, too_alike
from kengd.bellcode.notation import parse
from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.errors import UsageError

__all__ = ["BUILTIN_NAMES", "builtin", "lint", "make_signal", "overridden", "too_alike"]

Line = tuple[str, Kind, str, str, str, str]

COME_OUT = "Mọi nhà ra ngoài hỗ trợ, báo ngay Công an xã"
STAY_IN = "Giờ đi ngủ: khóa cửa, trông xe, giữ yên tĩnh"
STAND_DOWN = "Việc đã yên, mọi người về nhà"
LEAVE = "Rời nhà ngay tới nơi cao, nơi tránh trú đã hẹn; dắt người già và trẻ nhỏ"
HELP_NEIGHBOUR = "Thôn bạn có việc: tổ an ninh tập hợp, sẵn sàng sang giúp"


def make_signal(id: str, kind: Kind, name_vi: str, name_en: str, meaning_vi: str, notation: str) -> Signal:
    """A signal whose pattern is read from `notation`. Raises `NotationError`."""
    return Signal(id, kind, name_vi, name_en, meaning_vi, notation, parse(notation))


def builtin(name: str) -> Codebook:
    """The ready-made codebook of this name. Raises UsageError (unknown_codebook), which lists the names."""
    if name not in _BOOKS:
        vi = f"không có bảng hiệu lệnh “{name}”"
        cure = f"chọn một trong: {', '.join(BUILTIN_NAMES)}"
        raise UsageError("unknown_codebook", vi, cure=cure, en=f"no codebook {name!r}")
    return _built(name)


def overridden(codebook: Codebook, signals: Mapping[str, Signal | None]) -> Codebook:
    """The codebook with these signals put in the place of those with the same id, new ones at the end, None taken out.

    Raises UsageError when an id is taken out that is not there (unknown_signal), when a key is not its signal's id
    (signal_id), or when no alarm remains under the id "alarm" (no_alarm).
    """
    book = dict(codebook.signals)
    for signal_id, signal in signals.items():
        if signal is None:
            if signal_id not in book:
                known = ", ".join(codebook.signals)
                vi = f"bảng hiệu lệnh {codebook.name} không có “{signal_id}” để bỏ"
                raise UsageError("unknown_signal", vi, cure=f"đang có: {known}")
            del book[signal_id]
        elif signal.id != signal_id:
            raise UsageError("signal_id", f"hiệu lệnh “{signal.id}” đặt nhầm dưới tên “{signal_id}”")
        else:
            book[signal_id] = signal
    if "alarm" not in book or book["alarm"].kind is not Kind.ALARM:
        vi = "bảng hiệu lệnh phải có “alarm” là hiệu lệnh báo động"
        raise UsageError("no_alarm", vi, cure='giữ lại hoặc viết lại hiệu lệnh "alarm"')
    return replace(codebook, signals=book)


# ---- one signal of each sort


def _alarm(notation: str, meaning: str = COME_OUT) -> Line:
    return "alarm", Kind.ALARM, "Báo động", "Alarm", meaning, notation


def _evacuation(notation: str) -> Line:
    return "evacuation", Kind.ALARM, "Sơ tán", "Evacuate", LEAVE, notation


def _support(notation: str) -> Line:
    return "support", Kind.SUPPORT, "Chi viện thôn bạn", "Support the next village", HELP_NEIGHBOUR, notation


def _all_clear(notation: str) -> Line:
    return "all_clear", Kind.ALL_CLEAR, "Hết báo động", "All clear", STAND_DOWN, notation


def _curfew(notation: str, name: str = "Báo yên (kẻng đêm 22h)", english: str = "Nightly ring (22:00)") -> Line:
    return "curfew", Kind.CURFEW, name, english, STAY_IN, notation


def _wake(notation: str) -> Line:
    return "wake", Kind.ROUTINE, "Báo thức", "Wake up", "Đến giờ dậy", notation


def _study(notation: str) -> Line:
    return "study", Kind.ROUTINE, "Khuyến học", "Study hour", "Các cháu vào bàn học, nhà giữ yên tĩnh", notation


def _meeting(notation: str) -> Line:
    return "meeting", Kind.ROUTINE, "Họp thôn", "Village meeting", "Mời bà con đến nhà văn hóa họp thôn", notation


# ---- the books

_ROLLS_WITH_PAUSES = "(1 hồi 6 giây dồn dập; nghỉ 4 giây) đến khi dừng"
_FIVES = "(5 tiếng dồn dập; nghỉ 3 giây) đến khi dừng"
_SLOW_PAIRS = "3 hồi, mỗi hồi 2 tiếng thong thả, cách 4 giây"


def _cong_lac() -> tuple[str, list[Line]]:
    return "Cộng Lạc, Tứ Kỳ, Hải Dương", [
        _alarm(
            "1 hồi dài nhanh dần; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng",
            "Trộm cắp, mất trật tự, thiên tai, hỏa hoạn: mọi nhà ra ngoài hỗ trợ, báo ngay Công an xã",
        ),
        _evacuation(_ROLLS_WITH_PAUSES),
        _support(_FIVES),
        _all_clear(_SLOW_PAIRS),
        _curfew("5 tiếng thong thả"),
        _meeting("3 tiếng"),
    ]


def _nam_ngan() -> tuple[str, list[Line]]:
    return "Nam Ngạn, Thanh Hóa", [
        _alarm(
            "1 hồi dài dồn dập; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng",
            "Vây bắt trộm: mọi nhà ra ngoài, các tổ bên cạnh cùng vây",
        ),
        _evacuation("(2 tiếng dồn dập; nghỉ 2 giây) đến khi dừng"),
        _support(_FIVES),
        _all_clear(_SLOW_PAIRS),
        _curfew("5 tiếng thong thả"),
        _meeting("3 tiếng"),
    ]


def _ea_o() -> tuple[str, list[Line]]:
    return "Ea Ô, Ea Kar, Đắk Lắk", [
        _alarm("(1 hồi, mỗi hồi 3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"),
        _evacuation("(2 tiếng dồn dập; nghỉ 3 giây) đến khi dừng"),
        _support(_FIVES),
        _all_clear(_SLOW_PAIRS),
        _curfew("2 hồi dài, cách 3 giây"),
        _wake("3 hồi dài, cách 3 giây"),
        _study("1 hồi, mỗi hồi 3 tiếng"),
    ]


def _ta_gia_khau() -> tuple[str, list[Line]]:
    return "Tả Gia Khâu, Mường Khương, Lào Cai", [
        _alarm("(1 hồi dài dồn dập) đến khi dừng", "Cháy rừng, cháy nhà, trộm cắp: mọi nhà ra ngoài hỗ trợ"),
        _evacuation("(3 tiếng dồn dập; nghỉ 2 giây) đến khi dừng"),
        _support(_FIVES),
        _all_clear(_SLOW_PAIRS),
        _curfew("5 tiếng thong thả", "Báo yên (kẻng đêm 21h)", "Nightly ring (21:00)"),
        _meeting("3 tiếng"),
    ]


def _coi_hu() -> tuple[str, list[Line]]:
    return "Còi hú (mẫu chung)", [
        _alarm("(hú 4 giây; nghỉ 2 giây) đến khi dừng"),
        _evacuation("(hú 36 giây; nghỉ 24 giây) đến khi dừng"),
        _support("(hú 2 giây; nghỉ 1 giây; hú 2 giây; nghỉ 5 giây) đến khi dừng"),
        _all_clear("(hú 1 giây; nghỉ 5 giây) 3 lần"),
        _curfew("hú 2 giây"),
        _meeting("(hú 1 giây; nghỉ 2 giây) 2 lần"),
    ]


_BOOKS: dict[str, Callable[[], tuple[str, list[Line]]]] = {
    "cong_lac": _cong_lac,
    "nam_ngan": _nam_ngan,
    "ea_o": _ea_o,
    "ta_gia_khau": _ta_gia_khau,
    "coi_hu": _coi_hu,
}
BUILTIN_NAMES = tuple(_BOOKS)


@cache
def _built(name: str) -> Codebook:
    place_vi, lines = _BOOKS[name]()
    return Codebook(name, place_vi, {line[0]: make_signal(*line) for line in lines})
