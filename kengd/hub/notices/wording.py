"""What the notices say, in Vietnamese: the long form with diacritics, and one SMS for a feature phone. Pure.

The first words carry the message: a keeper reads them on a small screen in the dark. A drill says so first (R62).
"""

from __future__ import annotations

from collections.abc import Sequence

from kengd.clock import local
from kengd.duty.health import Condition
from kengd.duty.words import Purpose, Source
from kengd.hub.notices.gsm import SMS_LENGTH, plain_text, shortened
from kengd.hub.notices.words import Notice, NoticeKind

LONG_LENGTH = 1_500
"""Zalo takes 2,000 characters, Telegram 4,096: what is longer is cut."""

_SOURCES = {
    Source.BUTTON: "bấm nút tại điểm kẻng",
    Source.TIMETABLE: "theo lịch",
    Source.HUB: "Công an xã phát lệnh",
    Source.PAGE: "trang của điểm kẻng",
    Source.SHELL: "thợ máy tại điểm kẻng",
    Source.NEIGHBOUR: "chi viện thôn bạn",
}
_PREFIX = {Purpose.ACTUAL: "", Purpose.DRILL: "DIỄN TẬP: ", Purpose.TEST: "KIỂM TRA: "}


def clock_text(at_ms: int) -> str:
    """Unix ms as "22:05 03/12", local."""
    return local(at_ms).strftime("%H:%M %d/%m")


def long_text(notice: Notice) -> str:
    """The body for channels that take diacritics, with the repeats it stands for."""
    ending = f" …và {notice.repeats} lần nữa." if notice.repeats else ""
    return shortened(notice.body_vi, LONG_LENGTH - len(ending)) + ending


def sms_text(notice: Notice) -> str:
    """One SMS: at most 160 characters, each in GSM-7, no diacritics. The count of repeats is never cut off."""
    ending = f" (va {min(notice.repeats, 9_999)} lan nua)" if notice.repeats else ""
    text = plain_text(notice.short_vi or f"{notice.title_vi}. {notice.body_vi}")
    return shortened(text, SMS_LENGTH - len(ending)) + ending


def alarm(
    *,
    at_ms: int,
    post: str,
    post_name: str,
    villages: Sequence[str],
    signal_vi: str,
    activation: str,
    purpose: Purpose = Purpose.ACTUAL,
    source: Source = Source.BUTTON,
    place: str = "",
    by: str = "",
    why: str = "",
    feed: str = "",
) -> Notice:
    """What rang, where and why. `feed`: the source whose CAP bulletin rang it, without an officer."""
    first, where, when = _PREFIX[purpose], _where(post_name, villages), clock_text(at_ms)
    cause = f"nguồn tin {feed} tự phát" if feed else _SOURCES[source] + (f" ({place})" if place else "")
    said = "".join((f", người phát lệnh: {by}" if by else "", f". Lý do: {why}" if why else ""))
    return Notice(
        NoticeKind.ALARM,
        f"alarm:{activation}",
        f"{first}BÁO ĐỘNG {post_name}",
        f"{first}{signal_vi} tại {where} lúc {when}, do {cause}{said}.",
        at_ms,
        (post,),
        activation,
        f"{first}BÁO ĐỘNG {where} {when}: {signal_vi}, {cause}{said}.",
    )


def taken(*, at_ms: int, post: str, post_name: str, activation: str, by: str) -> Notice:
    """The police have it (H20)."""
    text = f"CÔNG AN XÃ ĐÃ NHẬN báo động {post_name} lúc {clock_text(at_ms)}: đồng chí {by} xử lý."
    title = f"Công an xã đã nhận: {post_name}"
    return Notice(NoticeKind.TAKEN, f"taken:{activation}", title, text, at_ms, (post,), activation, text)


def unacknowledged(
    *,
    at_ms: int,
    post: str,
    post_name: str,
    activation: str,
    waited_s: int,
    attempt: int,
    to: str,
    keeper: bool = False,
    phone: str = "",
) -> Notice:
    """Nobody has taken charge: the next person on the list is called. `attempt`: 1, 2, …; each is told for itself. `keeper`: who has
    no log-in at the desk and goes to look; `phone`: of the commune's police, where it is known."""
    police = f"Công an xã ({phone})" if phone else "Công an xã"
    what = f"đến xem ngay, gọi {police} hoặc 113" if keeper else "nhận xử lý ngay trên máy trực ban"
    asked = f"Đề nghị {to} {what} (lần gọi {attempt})."
    text = f"Báo động {post_name} sau {waited_s} giây vẫn chờ người. {asked}"
    return Notice(
        NoticeKind.UNACKNOWLEDGED,
        f"unacknowledged:{activation}:{attempt}:{to}",
        f"CHƯA AI NHẬN: {post_name}",
        text,
        at_ms,
        (post,),
        activation,
        f"CHƯA AI NHẬN báo động {post_name} sau {waited_s} giây. {asked}",
    )


def ended(*, at_ms: int, posts: Sequence[str], names: Sequence[str], activation: str, by: str) -> Notice:
    """All clear (H16)."""
    text = f"HẾT BÁO ĐỘNG {', '.join(names)} lúc {clock_text(at_ms)}" + (f", người báo: {by}." if by else ".")
    return Notice(NoticeKind.ENDED, f"ended:{activation}", "HẾT BÁO ĐỘNG", text, at_ms, tuple(posts), activation, text)


def will_not_ring(*, at_ms: int, post: str, post_name: str, signal_vi: str, due_ms: int, reason_vi: str) -> Notice:
    """Why 22h will not ring."""
    when = clock_text(due_ms)
    return Notice(
        NoticeKind.WILL_NOT_RING,
        f"will_not_ring:{post}:{due_ms}",
        f"{post_name} sẽ KHÔNG đánh lúc {when}",
        f"{post_name} sẽ KHÔNG tự đánh {signal_vi} lúc {when}. Lý do: {reason_vi}. Hãy đánh tay đúng giờ.",
        at_ms,
        (post,),
        None,
        f"{post_name} SẼ KHÔNG ĐÁNH {signal_vi} lúc {when}: {reason_vi}. Hãy đánh tay đúng giờ.",
    )


def absent(*, at_ms: int, post: str, post_name: str, since_ms: int, reason_vi: str = "") -> Notice:
    """A keeper's post is absent (H17)."""
    why = f" ({reason_vi})" if reason_vi else ""
    return Notice(
        NoticeKind.ABSENT,
        f"presence:{post}",
        f"{post_name} mất liên lạc",
        f"{post_name} mất liên lạc với Công an xã từ {clock_text(since_ms)}{why}. Nút tại chỗ vẫn đánh được nếu máy còn điện:"
        " hãy kiểm tra điện và mạng.",
        at_ms,
        (post,),
        None,
        f"{post_name} MẤT LIÊN LẠC từ {clock_text(since_ms)}{why}. Kiểm tra điện, mạng. Nút tại chỗ vẫn đánh được nếu còn điện.",
    )


def all_absent(*, at_ms: int, posts: Sequence[str], since_ms: int) -> Notice:
    """The whole commune at once: one notice, not one a post (H17)."""
    text = (
        f"MẤT MẠNG CẢ XÃ từ {clock_text(since_ms)}: {len(posts)} điểm kẻng mất liên lạc. Kiểm tra mạng và máy trực ban."
    )
    return Notice(NoticeKind.ABSENT, "presence:*", "Mất mạng cả xã", text, at_ms, tuple(posts), None, text)


def all_back(*, at_ms: int, posts: Sequence[str], since_ms: int) -> Notice:
    """The whole commune is heard again."""
    text = f"CẢ XÃ ĐÃ CÓ LIÊN LẠC LẠI lúc {clock_text(at_ms)} (mất từ {clock_text(since_ms)})."
    return Notice(NoticeKind.BACK, "presence:*", "Cả xã có liên lạc lại", text, at_ms, tuple(posts), None, text)


def back(*, at_ms: int, post: str, post_name: str, since_ms: int) -> Notice:
    """The post is heard again; `since_ms`: when it was lost."""
    text = f"{post_name} đã có liên lạc lại lúc {clock_text(at_ms)} (mất từ {clock_text(since_ms)})."
    return Notice(NoticeKind.BACK, f"presence:{post}", f"{post_name} có liên lạc lại", text, at_ms, (post,), None, text)


def condition(*, at_ms: int, post: str, post_name: str, sick: Condition) -> Notice:
    """A post says that something is wrong with it."""
    text = f"{post_name}: {sick.vi} (từ {clock_text(at_ms)})."
    key = f"condition:{post}:{sick.code}:{sick.subject or ''}"
    return Notice(NoticeKind.CONDITION, key, f"{post_name}: {sick.vi}", text, at_ms, (post,), None, text)


def silent_test_missed(*, at_ms: int, posts: Sequence[str], names: Sequence[str], reasons_vi: Sequence[str]) -> Notice:
    """Red at breakfast, not at 2 a.m. (R26, R31). `reasons_vi`: one for each post."""
    lines = "; ".join(f"{name}: {reason}" for name, reason in zip(names, reasons_vi, strict=True))
    text = f"Kiểm tra thầm đêm qua KHÔNG đạt ở {len(names)} điểm: {lines}."
    day = local(at_ms).strftime("%Y-%m-%d")
    return Notice(
        NoticeKind.SILENT_TEST_MISSED, f"silent_test:{day}", "Kiểm tra thầm không đạt", text, at_ms, tuple(posts)
    )


def certificate_expiring(*, at_ms: int, subject: str, expires_ms: int, posts: Sequence[str] = ()) -> Notice:
    """60 days ahead (R43)."""
    days = max(0, (expires_ms - at_ms) // 86_400_000)
    text = f"Chứng thư của {subject} hết hạn ngày {local(expires_ms):%d/%m/%Y} (còn {days} ngày). Hãy gia hạn trên máy trực ban."
    key = f"certificate:{subject}:{expires_ms}"
    return Notice(NoticeKind.CERTIFICATE_EXPIRING, key, f"Chứng thư sắp hết hạn: {subject}", text, at_ms, tuple(posts))


def _where(post_name: str, villages: Sequence[str]) -> str:
    others = [village for village in villages if village not in post_name]
    return post_name + (f" ({', '.join(others)})" if others else "")


def trial(*, at_ms: int, by: str) -> Notice:
    """Somebody wants to know whether this way works."""
    text = f"{by} thử đường nhận tin của trực ban lúc {clock_text(at_ms)}. Không có việc gì. Nhận được tin này là báo động sẽ tới."
    return Notice(NoticeKind.TRIAL, f"trial:{at_ms}", "Tin thử, không phải báo động", text, at_ms)
