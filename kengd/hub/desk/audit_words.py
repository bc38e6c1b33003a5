"""The hub's own book as a person reads it: each act a sentence. Pure. An act that is not known here is shown as it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from kengd.clock import local
from kengd.hub.desk.board import signal_vi
from kengd.hub.people.words import ROLE_VI
from kengd.pages.language import Language

ACTS_SAID: Final[dict[str, tuple[str, str]]] = {
    "sign_in": ("đăng nhập", "signed in"),
    "sign_out": ("đăng xuất", "signed out"),
    "sign_in_slowed": ("bị bắt chờ vì nhập sai mật khẩu nhiều lần, từ {address}", "was slowed down after wrong passwords from {address}"),
    "device_ended": ("đăng xuất một thiết bị của mình", "signed out one of their devices"),
    "devices_ended": ("đăng xuất {count} thiết bị {officer}", "signed out {count} devices {officer}"),
    "password_changed": ("đổi mật khẩu của mình", "changed their password"),
    "password_reset": ("đặt lại mật khẩu của {officer}", "reset the password of {officer}"),
    "own_pin": ("đặt hoặc bỏ PIN của mình", "set or dropped their PIN"),
    "token_made": ("tạo mã truy cập {token}, quyền {role}", "made the token {token}, role {role}"),
    "token_ended": ("thu hồi mã truy cập {token} của {officer}", "revoked the token {token} of {officer}"),
    "officer_made": ("thêm cán bộ {officer}, vai trò {role}", "added the officer {officer}, role {role}"),
    "officer_changed": ("sửa cán bộ {officer}: {changed}", "changed the officer {officer}: {changed}"),
    "officer_ended": ("cho {officer} nghỉ", "ended {officer}"),
    "data_shown": ("xem mọi dữ liệu đang giữ về {officer}{keeper}", "looked at all that is kept of {officer}{keeper}"),
    "data_erased": ("xóa dữ liệu cá nhân của {officer}{keeper}", "erased the personal data of {officer}{keeper}"),
    "keeper_pin": ("đặt hoặc bỏ PIN của người giữ kẻng {keeper}", "set or dropped the PIN of the keeper {keeper}"),
    "keeper_put": ("ghi người giữ kẻng {keeper} ({post})", "wrote down the keeper {keeper} ({post})"),
    "keeper_away": ("ghi người giữ kẻng {keeper} đi vắng hoặc đã về", "noted the keeper {keeper} as away or back"),
    "village_put": ("thêm hoặc sửa thôn {village}", "added or changed the village {village}"),
    "village_dropped": ("bỏ thôn {village}", "dropped the village {village}"),
    "post_put": ("thêm hoặc sửa điểm kẻng {post}", "added or changed the post {post}"),
    "post_retired": ("cho điểm kẻng {post} thôi dùng", "retired the post {post}"),
    "post_placed": ("đặt chỗ của {post} trên bản đồ", "placed {post} on the map"),
    "neighbours_put": ("ghi thôn láng giềng của {village}", "wrote down the neighbours of {village}"),
    "group_put": ("thêm hoặc sửa nhóm {group}", "added or changed the group {group}"),
    "group_dropped": ("bỏ nhóm {group}", "dropped the group {group}"),
    "plan_picture_put": ("đổi ảnh nền bản đồ", "changed the picture of the map"),
    "plan_picture_placed": ("căn lại ảnh nền bản đồ", "moved the picture of the map"),
    "plan_picture_dropped": ("bỏ ảnh nền bản đồ", "dropped the picture of the map"),
    "ring": ("phát lệnh đánh {signal} ({purpose}) tới {posts} điểm: {why}", "ordered {signal} ({purpose}) at {posts} posts: {why}"),
    "dispatch": ("phát lệnh {signal} ({purpose}) tới {posts} điểm: {why}", "ordered {signal} ({purpose}) at {posts} posts: {why}"),
    "ring_again": ("phát lại lệnh {repeats} cho điểm chưa kêu", "ordered {repeats} again where it had not sounded"),
    "hush": ("dừng kẻng ở {posts} điểm", "stopped the sound at {posts} posts"),
    "lock": ("dừng tất cả và khóa lệnh đánh mới", "stopped everything and locked new rings"),
    "unlock": ("mở khóa lệnh đánh", "unlocked rings"),
    "alarm_asked": ("xin báo động tất cả {posts} điểm: {signal} {why}", "asked for an alarm at all {posts} posts: {signal} {why}"),
    "alarm_withdrawn": ("thôi xin báo động tất cả", "withdrew their request for an alarm for all"),
    "alarm_confirmed": ("đồng ý báo động tất cả, là cán bộ thứ hai", "agreed to an alarm for all, as the second officer"),
    "acknowledge": ("nhận xử lý vụ việc {incident}", "took charge of {incident}"),
    "support": ("gọi thôn bên sang giúp, vụ việc {incident}", "asked neighbours for help, {incident}"),
    "all_clear": ("báo hết báo động, vụ việc {incident}", "sounded the all-clear, {incident}"),
    "call_in": ("ghi tin báo {incident} {village}", "noted down the call {incident} {village}"),
    "outcome": ("ghi kết quả vụ việc {incident}", "wrote an outcome of {incident}"),
    "silence": ("tạm ngừng hoặc thôi tạm ngừng kẻng thường lệ ở {post}", "held back, or let go, routine rings at {post}"),
    "lock_input": ("khóa hoặc mở khóa nút {button} ở {post}", "locked or unlocked the button {button} at {post}"),
    "codebook": ("gửi bảng hiệu lệnh bản {version} tới {post}", "sent the codebook, version {version}, to {post}"),
    "timetable": ("gửi giờ kẻng bản {version} tới {post}", "sent the hours, version {version}, to {post}"),
    "draft_kept": ("lưu bản nháp {what}", "kept a draft of the {what}"),
    "draft_struck": ("bỏ bản nháp {what}", "dropped a draft of the {what}"),
    "enrol": ("tạo tệp cho điểm kẻng {post}", "made the file of the post {post}"),
    "revoke": ("thu hồi chứng thư của {post}: {why}", "revoked the certificates of {post}: {why}"),
    "book_accepted": ("xác nhận sổ mới của {post}", "accepted the new book of {post}"),
    "key_made": ("tạo khóa ký lệnh {kid}", "made the signing key {kid}"),
    "key_retired": ("cho khóa ký lệnh {kid} thôi dùng", "retired the signing key {kid}"),
    "key_revoked": ("thu hồi khóa ký lệnh {kid}", "revoked the signing key {kid}"),
    "certificates_renewed": ("gia hạn chứng thư của máy chủ và máy trực ban", "renewed the certificates of broker and hub"),
    "reader_made": ("cấp chứng thư cho máy chỉ xem {reader}", "let in the reader {reader}"),
    "reader_revoked": ("thu hồi chứng thư của máy chỉ xem {reader}", "shut out the reader {reader}"),
    "bridge_made": ("cấp tệp nối lên cho xã {commune}", "made a bridge for the commune {commune}"),
    "bridge_revoked": ("thu hồi cầu nối của xã {bridge}", "revoked the bridge of the commune {bridge}"),
    "heads_begun": ("bắt đầu ký đầu các sổ bằng khóa {kid}", "began to sign the heads of books with {kid}"),
    "cap_proposed": ("nhận đề nghị báo động từ bản tin CAP", "got a proposal by a CAP alert"),
    "cap_rung": ("đánh {signal} theo bản tin CAP", "rang {signal} for a CAP alert"),
    "shift_begun": ("nhận ca trực", "took the shift"),
    "shift_handed": ("viết bàn giao ca trực", "handed over the shift"),
    "backup": ("sao lưu máy trực ban ({rows} dòng)", "made a backup of the hub ({rows} rows)"),
    "backup_checked": ("kiểm tra bản sao lưu lúc {made_ms}", "looked into the backup of {made_ms}"),
    "restore": ("khôi phục từ bản sao lưu lúc {made_ms}", "restored the backup of {made_ms}"),
    "restore_asked": ("yêu cầu khôi phục từ bản sao lưu lúc {made_ms}", "asked for a restore of the backup of {made_ms}"),
    "restore_undo_asked": ("yêu cầu quay lại trước khi khôi phục", "asked for the state before the restore"),
    "restore_undone": ("quay lại dữ liệu trước khi khôi phục", "went back to the state before the restore"),
    "restore_cancelled": ("bỏ yêu cầu khôi phục đang chờ", "cancelled the restore that waited"),
    "restore_checked": ("xác nhận đã thu hồi lại xong sau khi khôi phục", "confirmed that all was revoked again after the restore"),
    "begin_seen": ("đánh dấu bước bắt đầu “{what}” là đã xem", "ticked the first step “{what}”"),
    "begin_put_away": ("cất trang Bắt đầu", "put the first steps away"),
    "notice_tested": ("gửi tin thử tới {officer}", "sent a trial notice to {officer}"),
}  # fmt: skip
"""Act → Vietnamese, English; facts stand in braces."""
SHUTTING: Final = (
    "officer_made", "officer_changed", "officer_ended", "password_changed", "password_reset", "own_pin", "token_made", "token_ended",
    "device_ended", "devices_ended", "keeper_pin", "enrol", "revoke", "post_retired", "key_made", "key_retired", "key_revoked",
    "reader_made", "reader_revoked", "bridge_made", "bridge_revoked", "data_erased", "codebook", "timetable",
)  # fmt: skip
"""What a restore of an earlier backup takes back, and somebody has to do once more."""
PARTS: Final = {
    "hub": ("máy trực ban", "the hub"),
    "demo": ("bản chạy thử", "the demo"),
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {str(role): vi for role, vi in ROLE_VI.items()},
    "purpose": {"actual": "thật", "drill": "diễn tập", "test": "kiểm tra không kêu"},
    "what": {"codebook": "bảng hiệu lệnh", "timetable": "giờ kẻng"},
}
_FIELDS: Final = {
    "name": "họ tên", "role": "vai trò", "phone": "số điện thoại", "rank": "thứ tự gọi", "channels": "địa chỉ nhận tin",
}  # fmt: skip


def sentence(
    act: str, facts: Mapping[str, Any], language: Language, officers: Mapping[str, str], posts: Mapping[str, str]
) -> str:
    """What was done. `officers`, `posts`: id → name; an id that nobody has any more is shown itself."""
    known = ACTS_SAID.get(act)
    if known is None:
        return " ".join([act, *(f"{key}={value}" for key, value in facts.items())])
    said: defaultdict[str, str] = defaultdict(str)
    for key, value in facts.items():
        said[key] = _value(key, value, language, officers, posts)
    return " ".join(known[language == "en"].format_map(said).rstrip(" :").split())


def who(by: str, language: Language, officers: Mapping[str, str]) -> str:
    """An officer, somebody at the machine's own keyboard, a source of alerts, or a part of the hub."""
    if by in officers:
        return officers[by]
    if by.startswith("shell:"):
        return f"{'người ở máy trực ban' if language == 'vi' else 'at the hub’s shell'} ({by.removeprefix('shell:')})"
    if by.startswith("cap:"):
        return f"{'nguồn tin' if language == 'vi' else 'source'} {by.removeprefix('cap:')}"
    return PARTS[by][language == "en"] if by in PARTS else by


def _value(key: str, value: Any, language: Language, officers: Mapping[str, str], posts: Mapping[str, str]) -> str:
    if key == "officer":
        return officers.get(str(value), str(value))
    if key == "post":
        return posts.get(str(value), str(value))
    if key == "signal" and language == "vi":
        return signal_vi(str(value)) or str(value)
    if key == "changed" and isinstance(value, list):
        return ", ".join(str(one) if language == "en" else _FIELDS.get(str(one), str(one)) for one in value)
    if key.endswith("_ms") and isinstance(value, int) and 0 <= value < 253_402_300_800_000:
        return f"{local(value):%H:%M %d/%m/%Y}"
    return _WORDS.get(key, {}).get(str(value), str(value)) if language == "vi" else str(value)
