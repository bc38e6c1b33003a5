"""What a keeper does about each condition, in words for somebody without tools. Pure. Pairs: Vietnamese, English."""

from __future__ import annotations

from typing import Final

Pair = tuple[str, str]

_CALL: Final[Pair] = ("Gọi người sửa; nút báo động vẫn cứ bấm.", "Call for repair; the alarm button may still work.")
_WAIT: Final[Pair] = (
    "Không phải làm gì, máy tự nối lại. Có việc gấp thì gọi điện cho Công an xã.",
    "Nothing to do; it mends itself. Telephone the police if it is urgent.",
)
_TELL: Final[Pair] = (
    "Báo cho Công an xã để sửa cài đặt. Kẻng vẫn dùng được.",
    "Tell the police, so that the settings are mended. The bell works.",
)
_BY_HAND: Final[Pair] = ("Đánh bằng tay, gọi điện cho Công an xã.", "Ring by hand, telephone the police.")


def _silent(vi: str, en: str) -> Pair:
    """Of a bell that does not sound: first what saves people, then what mends it."""
    return f"{_BY_HAND[0]} {vi}", f"{_BY_HAND[1]} {en}"


CURES: Final[dict[str, Pair]] = {
    "isolator_open": _silent("Sửa xong thì đóng cầu dao cách ly lại.", "Close the isolator after the repair."),
    "no_proof_of_sound": _silent("Ra xem quả kẻng, búa và dây búa còn không.", "Look at bell, hammer and cable."),
    "not_heard": (
        "Ra xem quả kẻng và búa, rồi gọi người sửa. Đêm sau kẻng kêu thì bấm “Có”.",
        "Look at bell and hammer, call for repair. Say “yes” when it has rung again.",
    ),
    "relay_failed": _silent("Gọi người sửa rơ-le và dây rơ-le.", "Have the relay and its cable repaired."),
    "pins_dead": _silent("Rút điện máy ra rồi cắm lại.", "Switch the post off and on."),
    "pin_unreadable": (
        "Dùng nút khác hoặc trang này; không được thì đánh bằng tay, gọi điện cho Công an xã. Gọi người sửa nút.",
        "Use another button or this page; else ring by hand and telephone the police. Have the button repaired.",
    ),
    "lamp_failed": ("Kẻng và nút vẫn dùng được; gọi người thay đèn.", "Bell and buttons work; have the lamp changed."),
    "spool_failed": (
        "Kẻng vẫn đánh được. Rút điện máy ra rồi cắm lại lúc không có báo động; vẫn báo thì gọi người thay thẻ nhớ.",
        "The bell works. Switch the post off and on while there is no alarm; then have the card changed.",
    ),
    "book_broken": ("Gọi người sửa thay thẻ nhớ. Kẻng vẫn đánh được.", "Have the card changed. The bell works."),
    "sound_without_relay": (
        "Kéo cầu dao cách ly để tắt tiếng, rồi gọi người sửa.",
        "Open the isolator to stop the sound, then call for repair.",
    ),
    "battery_low": (
        "Tìm nguồn điện khác hoặc thay ắc quy ngay; gọi điện báo Công an xã.",
        "Find other power or another battery now; telephone the police.",
    ),
    "mains_lost": (
        "Xem cầu dao nhà văn hóa; ắc quy còn chạy được, báo Công an xã nếu mất điện lâu.",
        "Look at the fuse box; the battery lasts for a while.",
    ),
    "undervoltage": (
        "Xem bộ nguồn, dây nguồn, ắc quy; gọi người sửa.",
        "Look at supply, cable and battery; call for repair.",
    ),
    "too_hot": ("Mở thoáng tủ, che nắng.", "Let air into the cabinet, shade it."),
    "lid_open": (
        "Đóng nắp tủ và nắp hộp nút. Không phải mình mở thì báo Công an xã.",
        "Close the lids. If you did not open them, tell the police.",
    ),
    "duty_exhausted": (
        "Để kẻng nghỉ; báo động vẫn đánh, chỉ chậm hơn.",
        "Let the bell rest; an alarm still rings, more slowly.",
    ),
    "button_stuck": (
        "Ra xem nút có bị kẹt, bị chèn không; lau khô, nhả ra.",
        "Look whether the button is jammed; dry it, let it go.",
    ),
    "button_held_at_boot": (
        "Nhả nút ra; nút nào không ai giữ mà vẫn báo thì gọi người sửa.",
        "Let the button go; call for repair if nobody holds it.",
    ),
    "button_chatter": (
        "Lau khô nút, đậy nắp; còn báo thì gọi người sửa.",
        "Dry and cover the button; call for repair if it goes on.",
    ),
    "button_locked": ("Công an xã đã khóa nút này; hỏi Công an xã.", "The police have locked this button; ask them."),
    "clock_untrusted": (
        "Chờ máy có mạng để lấy giờ. Kẻng đêm thì tự đánh bằng tay; nút vẫn dùng được.",
        "It takes the time when it has a network. Ring the nightly bell by hand; buttons work.",
    ),
    "line_down": _WAIT,
    "belfry_silent": _silent("Rút điện máy ra rồi cắm lại.", "Switch the post off and on."),
    "office_down": _WAIT,
    "page_down": _WAIT,
    "no_broker": _TELL,
    "no_hub_keys": _TELL,
    "settings_invalid": _TELL,
    "line_not_authorised": _TELL,
    "page_tls_down": _TELL,
    "pins_unreadable": _TELL,
    "restart_needed": (
        "Rút điện máy ra rồi cắm lại lúc không có báo động.",
        "Switch the post off and on while there is no alarm.",
    ),
    "disk_full": ("Gọi người sửa thay thẻ nhớ. Kẻng vẫn đánh được.", "Have the card changed. The bell works."),
    "disk_read_only": ("Gọi người sửa thay thẻ nhớ. Kẻng vẫn đánh được.", "Have the card changed. The bell works."),
    "book_set_aside": ("Báo cho Công an xã biết sổ kẻng đã mở mới.", "Tell the police that a new duty book was begun."),
    "power_lost_ring": ("Còn việc thì bấm báo động lại.", "Press again if it is not over."),
    "silenced": ("Báo động vẫn kêu; hỏi Công an xã khi nào đánh lại.", "Alarms still ring; ask the police until when."),
}


def cure(code: str) -> Pair:
    """What a keeper does about this condition. A page shows also what a newer belfry says."""
    return CURES.get(code, _CALL)
