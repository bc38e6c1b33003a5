"""What the officer or the installer does about a condition of a post; in Vietnamese, translated where it is shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kengd.pages.language import noted

CURES: Final[Mapping[str, str]] = {
    "relay_failed": noted("xem dây rơ-le và nguồn của rơ-le; thử lại bằng kiểm tra không kêu"),
    "sound_without_relay": noted("ngắt cầu dao cách ly của búa ngay, rồi xem rơ-le có dính không"),
    "isolator_open": noted("sửa xong thì đóng cầu dao cách ly"),
    "no_proof_of_sound": noted("gọi người giữ kẻng ra nghe: búa kẹt, đứt dây, hoặc cảm biến rung lỏng"),
    "pins_dead": noted("khởi động lại máy ở điểm kẻng"),
    "pin_unreadable": noted("khởi động lại máy; vẫn vậy thì xem dây nút và chân đã ghi trong tệp"),
    "lamp_failed": noted("xem dây đèn"),
    "battery_low": noted("sạc hoặc thay ắc quy; xem điện lưới"),
    "mains_lost": noted("hỏi điện ở thôn; ắc quy còn chạy được một lúc"),
    "undervoltage": noted("thay bộ nguồn, dây nguồn ngắn và to hơn"),
    "too_hot": noted("mở thoáng tủ, che nắng"),
    "lid_open": noted("gọi người giữ kẻng ra xem tủ, đóng nắp"),
    "duty_exhausted": noted("để kẻng nghỉ; đánh ít hơn hoặc tăng giờ nghỉ trong cài đặt"),
    "button_stuck": noted("gọi người giữ kẻng gỡ nút; chưa gỡ được thì khóa nút ấy từ trang này"),
    "button_held_at_boot": noted("nhả nút ra; vẫn vậy thì nút bị kẹt"),
    "button_chatter": noted("lau khô nút, xem dây; chưa sửa được thì khóa nút ấy từ trang này"),
    "button_locked": noted("mở khóa nút ở trang này khi nút đã sửa xong"),
    "settings_invalid": noted("cấp tệp mới cho điểm này rồi chép vào thẻ"),
    "restart_needed": noted("khởi động lại máy ở điểm kẻng"),
    "spool_failed": noted("khởi động lại máy; vẫn vậy thì thay thẻ nhớ"),
    "belfry_silent": noted("gọi người giữ kẻng đánh bằng tay; rút điện máy rồi cắm lại"),
    "office_down": noted("máy tự chạy lại; quá 5 phút vẫn vậy thì khởi động lại máy"),
    "book_broken": noted("thay thẻ nhớ, rồi thay máy ở trang này"),
    "book_set_aside": noted("xem sổ cũ và lý do, rồi nhận sổ mới ở trang Sổ kẻng"),
    "disk_full": noted("thay thẻ nhớ lớn hơn"),
    "disk_read_only": noted("thay thẻ nhớ: thẻ sắp hỏng"),
    "clock_untrusted": noted("đợi máy lấy giờ; quá 10 phút vẫn vậy thì xem mạng của điểm kẻng hoặc pin đồng hồ"),
    "no_broker": noted("cấp tệp mới cho điểm này"),
    "no_hub_keys": noted("cấp tệp mới cho điểm này"),
    "line_down": noted("xem mạng ở điểm kẻng; nút ở đó vẫn đánh được"),
    "line_not_authorised": noted("chứng thư đã bị thu hồi hoặc hết hạn: cấp tệp mới"),
    "page_down": noted("khởi động lại máy; cổng của trang có thể bị chương trình khác chiếm"),
    "page_tls_down": noted("cấp tệp mới (giữ chứng thư cũ) để có chứng thư của trang"),
    "pins_unreadable": noted("cấp tệp mới (giữ chứng thư cũ) để có lại mã PIN"),
    "not_heard": noted("gọi người giữ kẻng; thử kiểm tra không kêu, rồi đánh thử ban ngày"),
    "silenced": noted("hết giờ thì tự đánh lại; muốn đánh lại ngay: Tạm ngừng, chọn thôi tạm ngừng"),
    "power_lost_ring": noted("gọi người giữ kẻng: bấm lại nút nếu việc chưa xong"),
    "book_lines_unread": noted("xem nhật ký máy trực ban; nâng cấp điểm kẻng và máy trực ban lên cùng bản"),
}
"""By the condition's code; one that is not here speaks for itself."""
