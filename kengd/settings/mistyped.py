"""What tomllib says of a file that it cannot read, as a person understands it: what is wrong, and the cure. Pure."""

from __future__ import annotations

import re

_CURLY = re.compile("[“”‘’„]")
_EVERY_LINE = 'mỗi dòng là: tên = giá trị; chữ đặt trong dấu nháy "…"; tên bảng đặt trong […]'
_CURLY_WORDS = ("có dấu nháy cong (“ ”)", 'thay bằng dấu nháy thẳng: "…"')
_TABLE: tuple[tuple[str, str, str], ...] = (
    (r"Illegal character '\\n'|Unterminated string", "thiếu dấu nháy đóng", 'chữ nào cũng đặt giữa hai dấu nháy: "…"'),
    (r"Illegal character", "trong dấu nháy có ký tự không dùng được", "xoá ký tự ấy rồi gõ lại"),
    (
        r"Invalid value|Invalid date",
        "không đọc được giá trị",
        'chữ và giờ đặt trong dấu nháy: "…"; số viết liền, không dấu nháy; có/không viết là true/false',
    ),
    (
        r"Cannot overwrite a value|Duplicate inline",
        "mục này đã ghi một lần rồi",
        "chỉ giữ một dòng; nếu là nút hay giờ kẻng mới thì mở đầu bằng dòng [[gpio.buttons]] hay [[timetable]] của nó",
    ),
    (
        r"Cannot declare|Cannot redefine|Cannot mutate",
        "bảng này đã ghi một lần rồi",
        "gộp hai bảng làm một, mỗi tên bảng […] chỉ ghi một lần",
    ),
    (r"Expected '\]'", "tên bảng thiếu dấu ]", "viết như [limits], một mình trên dòng"),
    (r"Expected '\]\]'", "tên bảng thiếu dấu ]]", "viết như [[timetable]], một mình trên dòng"),
    (
        r"Expected '='",
        "tên viết sai hoặc sau tên thiếu dấu =",
        "tên viết liền, không dấu, không dấu cách; rồi tới = và giá trị",
    ),
    (
        r"Expected newline",
        "sau giá trị còn thừa chữ",
        'mỗi dòng một giá trị; giờ đặt trong dấu nháy: "05:00"; lời ghi chú đặt sau dấu #',
    ),
    (r"Unclosed array", "danh sách thiếu dấu ]", 'viết như ["Thôn 1", "Thôn 2"]'),
    (r"Unclosed inline", "thiếu dấu }", "viết như { pin = 17 }"),
    (r"Unescaped", "trong dấu nháy có dấu \\", "viết dấu / thay cho dấu \\"),
    (r"Invalid statement|Invalid initial character", "tên không đọc được", "tên viết liền, chữ không dấu"),
)


def said(complaint: str, line: str) -> tuple[str, str]:
    """(what is wrong, the cure) for a complaint of tomllib about this line of the file."""
    for known, vi, cure in _TABLE:
        if re.match(known, complaint):
            return _CURLY_WORDS if _CURLY.search(line) and not known.startswith("Cannot") else (vi, cure)
    return f"viết sai cách TOML ({complaint})", _EVERY_LINE
