"""Why a command was refused: the codes of DESIGN section 7 and a sentence for each. Pure."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "retained",
    "too_large",
    "malformed",
    "unknown_key",
    "bad_signature",
    "wrong_audience",
    "wrong_issuer",
    "unknown_field",
    "unknown_do",
    "unknown_signal",
    "expired",
    "not_yet_valid",
    "lifetime",
    "clock_untrusted",
    "bad_nonce",
    "duplicate",
    "jti_reused",
    "bad_at",
    "alarm_sounding",
    "silenced",
    "duty",
    "cannot_play",
    "stale_version",
]
"""All codes a post answers a command with; `busy` and `after_alarm` come beside them from the arbiter (P4)."""

REASONS: tuple[str, ...] = get_args(Reason)

SENTENCES: dict[str, tuple[str, str]] = {
    "retained": (
        "lệnh bị máy trung chuyển giữ lại từ trước, không phải lệnh vừa phát",
        "the command was retained by the broker",
    ),
    "too_large": ("lệnh dài quá mức cho phép", "the command is too large"),
    "malformed": ("lệnh sai khuôn dạng", "the command is malformed"),
    "unknown_key": (
        "khóa ký lệnh không có trong danh sách khóa của điểm kẻng",
        "the signing key is not in the settings",
    ),
    "bad_signature": ("chữ ký của lệnh không đúng", "the signature is wrong"),
    "wrong_audience": ("lệnh gửi cho điểm kẻng khác", "the command is for another post"),
    "wrong_issuer": ("lệnh không do máy trực ban của xã này phát", "the command was issued by another hub"),
    "unknown_field": ("lệnh có mục mà điểm kẻng không hiểu", "the command has a field this post does not know"),
    "unknown_do": ("điểm kẻng không hiểu lệnh này", "this post does not know this order"),
    "unknown_signal": ("bảng hiệu lệnh không có hiệu lệnh này", "the codebook has no such signal"),
    "expired": ("lệnh đã quá hạn", "the command has expired"),
    "not_yet_valid": (
        "lệnh ghi giờ phát ở tương lai; đồng hồ hai máy lệch nhau",
        "the command was issued in the future",
    ),
    "lifetime": ("thời hạn của lệnh dài quá mức cho phép", "the command would be valid for too long"),
    "clock_untrusted": (
        "đồng hồ của điểm kẻng chưa tin được và lệnh không mang mã tươi",
        "the post's clock is not trusted and the command carries no nonce",
    ),
    "bad_nonce": ("mã tươi trong lệnh đã cũ hoặc không đúng", "the nonce is not current"),
    "duplicate": ("lệnh này đã nhận rồi, không làm lại", "this command was received before"),
    "jti_reused": ("mã lệnh đã dùng cho một lệnh khác", "the id was used by another command"),
    "bad_at": ("giờ đánh hẹn trước nằm ngoài khoảng cho phép", "the appointed time is out of bounds"),
    "alarm_sounding": ("đang đánh báo động", "an alarm is sounding"),
    "after_alarm": ("vừa có báo động, chưa đánh kẻng thường lệ để khỏi nhầm", "an alarm ended a short while ago"),
    "silenced": ("kẻng thường lệ đang được tạm ngừng", "routine rings are silenced"),
    "duty": ("kẻng đã đánh nhiều, cần nghỉ", "the bell has been rung too much and has to rest"),
    "cannot_play": ("điểm kẻng này không thực hiện được nội dung lệnh", "this post cannot carry this out"),
    "stale_version": ("bản gửi đến cũ hơn bản đang dùng", "the version is older than the one in use"),
    "locked": ("nút này đang bị khóa", "this button is locked"),
    "busy": ("kẻng đang đánh hiệu lệnh khác", "another signal is sounding"),
}


def sentence(reason: str) -> str:
    """The Vietnamese sentence for a reason code; an unknown code is shown as it is."""
    return SENTENCES[reason][0] if reason in SENTENCES else f"lý do “{reason}”"


def sentence_en(reason: str) -> str:
    """The English sentence for a reason code; an unknown code is shown as it is."""
    return SENTENCES[reason][1] if reason in SENTENCES else f"reason {reason!r}"
