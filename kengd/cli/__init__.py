"""The command line: one module per family of sub-commands, imported only when one of them is called.

A module has `add_parser(subparsers)`, which adds its commands, and `run(args) -> int` (or each parser sets the default
`run` itself with `set_defaults(run=…)`). `args.config` is the settings file or None; `args.command` the command's name.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("kengd.cli.run", "chạy điểm kẻng (dịch vụ của hệ thống)"),
    "hub": ("kengd.cli.hub", "máy trực ban Công an xã"),
    "demo": ("kengd.cli.demo", "chạy thử cả xã Cộng Lạc trên một máy, chân mô phỏng"),
    "check": ("kengd.cli.check", "đọc tệp cài đặt, chỉ ra chỗ sai theo dòng"),
    "score": ("kengd.cli.score", "vẽ hoặc ghi âm một hiệu lệnh"),
    "ring": ("kengd.cli.local", "đánh kẻng ở điểm này"),
    "hush": ("kengd.cli.local", "dừng kẻng ở điểm này (chỉ tắt tiếng, chưa hết báo động)"),
    "status": ("kengd.cli.local", "kẻng đang thế nào"),
    "silence": ("kengd.cli.local", "tạm ngừng kẻng thường lệ (báo động vẫn kêu)"),
    "command": ("kengd.cli.command", "gửi một lệnh đã ký tới các điểm kẻng"),
    "rehearse": ("kengd.cli.rehearse", "giờ kẻng sẽ đánh những lúc nào"),
    "journal": ("kengd.cli.journal", "xem, xuất, kiểm sổ kẻng"),
    "doctor": ("kengd.cli.doctor", "khám máy: chân, đồng hồ, đĩa, đường dây, khoá, trang"),
    "firmware": ("kengd.cli.firmware", "in tệp kengd.txt cho phân vùng khởi động"),
    "off": ("kengd.cli.off", "đưa rơ-le về nghỉ ngay"),
}
"""Command → (module, one line of help)."""

INTERNAL: dict[str, tuple[str, str]] = {
    "office": ("kengd.cli.office", "phần trực ban, do `kengd run` tự chạy"),
    "intake": ("kengd.cli.intake", "nhận tệp cài đặt chép vào phân vùng boot"),
    "time-source": ("kengd.cli.time_source", "lấy giờ từ máy trực ban xã (do install.sh gọi)"),
    "trial": ("kengd.cli.trial", "thử bản này trước khi dùng (do install.sh gọi)"),
}
"""Commands that programs call, not people."""
