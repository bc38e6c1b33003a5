"""What an officer reads before firing: signal, posts, households, and what people will do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kengd.bellcode.signal import Kind, Signal
from kengd.hub.roster import Roster
from kengd.pages.language import Language

MOST_NAMES: Final = 4
_COMES: Final = {
    Kind.ALARM: ("người dân sẽ ra ngay, cầm theo gậy gộc", "people will come out at once, with sticks"),
    Kind.SUPPORT: ("người dân sẽ sang giúp thôn bên", "people will go to help the next village"),
    Kind.ALL_CLEAR: ("người dân hiểu là đã hết báo động", "people will take it that the alarm is over"),
    Kind.CURFEW: ("người dân khóa cửa, giữ yên tĩnh", "people lock up and keep quiet"),
    Kind.ROUTINE: ("người dân làm theo hiệu lệnh thường lệ", "people follow the routine signal"),
}


def sentence(signal: Signal, purpose: str, posts: Sequence[str], roster: Roster, language: Language) -> str:
    """One sentence: purpose, signal, posts by name as far as they can be read, households, consequence."""
    named = [post.name for post in roster.posts if post.id in set(posts)]
    everyone = {post.id for post in roster.bells()} <= set(posts) and len(named) > 1
    households = roster.households(posts)  # 0: nobody has entered them
    heard_vi = f"{households} hộ nghe thấy" if households else "chưa ghi số hộ"
    heard = f"heard by {households} households" if households else "number of households not entered"
    vi = language == "vi"
    where = _where(named, everyone, vi)
    if purpose == "test":
        said = f"Kiểm tra không kêu “{signal.name_vi}” ở {where}: cả đường được thử, không tiếng nào phát ra."
        return said if vi else f"Silent test of “{signal.name_en}” at {where}: the whole path is tried, nothing sounds."
    what, comes = (signal.name_vi, _COMES[signal.kind][0]) if vi else (signal.name_en, _COMES[signal.kind][1])
    if purpose == "drill":
        said = f"DIỄN TẬP “{what}” ở {where}, {heard_vi}: phải báo trước cho dân biết là diễn tập."
        return said if vi else f"DRILL “{what}” at {where}, {heard}: tell them beforehand that it is one."
    if vi:
        return f"Đánh THẬT “{what}” ở {where}, {heard_vi}: {comes}."
    return f"REAL “{what}” at {where}, {heard}: {comes}."


def sending(what: str, number: int, posts: Sequence[str], roster: Roster, language: Language) -> str:
    """What an officer reads before a codebook or a timetable goes out: from when on what changes where, for how many."""
    named = [post.name for post in roster.posts if post.id in set(posts)]
    everyone = {post.id for post in roster.bells()} <= set(posts) and len(named) > 1
    households, vi = roster.households(posts), language == "vi"
    where = _where(named, everyone, vi)
    if vi:
        heard = f" ({households} hộ nghe thấy)" if households else ""
        if what == "codebook":
            said = f"Gửi bảng hiệu lệnh bản số {number} tới {where}{heard}"
            return f"{said}: nhận được là kẻng ở đó đánh theo bảng này, phải báo cho dân biết."
        return f"Gửi giờ kẻng bản số {number} tới {where}{heard}: nhận được là kẻng ở đó tự đánh theo giờ này."
    heard = f" ({households} households)" if households else ""
    if what == "codebook":
        return f"Send codebook version {number} to {where}{heard}: once received, these bells ring by it; people must be told."
    return f"Send timetable version {number} to {where}{heard}: once received, these bells ring by these times."


def _where(named: Sequence[str], everyone: bool, vi: bool) -> str:
    if everyone:
        return f"TẤT CẢ {len(named)} điểm kẻng" if vi else f"ALL {len(named)} posts"
    if len(named) <= MOST_NAMES:
        return ", ".join(named)
    more = len(named) - MOST_NAMES + 1
    first = ", ".join(named[: MOST_NAMES - 1])
    return f"{first} và {more} điểm nữa" if vi else f"{first} and {more} more"
