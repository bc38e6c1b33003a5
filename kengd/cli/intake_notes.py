"""What the installer reads on the boot partition, on a PC with Windows: UTF-8 with its mark, CR LF. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import kengd
from kengd.settings.problems import Problem

TAKEN = "kengd-da-nhan.txt"
REFUSED = "kengd-loi.txt"
_MARK = "Mã tệp: "
_WIPE = (
    "Khoá đã cất vào nơi chỉ quản trị máy này đọc được; bản trên phân vùng boot đã ghi đè rồi xoá.",
    "Lưu ý: với thẻ nhớ không ai chứng minh được là đã xoá sạch. Nếu thẻ này từng ra khỏi tay người có",
    "trách nhiệm (mất, cho mượn, đem sửa), hãy báo xã đổi khoá của điểm kẻng này.",
    "(Keys are stored for root only; the plain copy was overwritten and removed. A flash card cannot be proved",
    "clean: change the keys if it was out of your hands.)",
)


def taken(name: str, post: str | None, keys: Sequence[str], warnings: Sequence[Problem]) -> bytes:
    """The file was taken in. `post`: how the post is called, None when only keys were taken."""
    lines = [f"ĐÃ NHẬN tệp {name}.", ""]
    if post is not None:
        lines += [
            f"Điểm kẻng: {post}",
            "Cài đặt nay ở /etc/kengd/kengd.toml trên thẻ. Muốn sửa: chép một tệp kengd.toml mới vào đây.",
        ]
    else:
        lines += ["Tệp chỉ có khoá; cài đặt cũ giữ nguyên."]
    if keys:
        lines += ["", f"Khoá đã nhận: {', '.join(keys)}", *_WIPE]
    lines += ["", *(f"Cảnh báo: {warning.for_people()}" for warning in warnings)]
    return _for_windows(lines)


def refused(name: str, raw: bytes, problems: Sequence[Problem]) -> bytes:
    """The file was not taken, and why, line by line. `raw`: its bytes, so that the same file is not checked at every start."""
    lines = [
        f"KHÔNG NHẬN tệp {name}: có {len(problems)} chỗ sai. Cài đặt cũ (nếu có) vẫn dùng.",
        "",
        *(f"{number}. {problem.for_people()}" for number, problem in enumerate(problems, 1)),
        "",
        "Cách làm: sửa các chỗ trên ngay trong tệp đó (Notepad được, lưu với mã UTF-8), để tệp ở đúng chỗ này,",
        "lắp thẻ lại vào máy và bật điện. Máy nhận xong sẽ để lại tệp " + TAKEN + ".",
        f"(The file {name} was not taken; the settings of before stay in force.)",
        "",
        _MARK + mark_of(raw),
    ]
    return _for_windows(lines)


def impossible(name: str, why: str, cure: str) -> bytes:
    """Nothing is wrong with the file, but this machine cannot take it now; it will try again at the next start."""
    return _for_windows([f"CHƯA NHẬN tệp {name}: {why}.", "", f"Cách làm: {cure}."])


def mark_of(raw: bytes) -> str:
    """Which file, seen by which version."""
    return f"{hashlib.sha256(raw).hexdigest()[:24]} {kengd.__version__}"


def same_as_refused(note: bytes, raw: bytes) -> bool:
    """Whether this note says why exactly this file was refused by this version."""
    return (_MARK + mark_of(raw)).encode() in note.splitlines()


def _for_windows(lines: Sequence[str]) -> bytes:
    text = "\n".join(lines).rstrip() + "\n"
    return text.replace("\n", "\r\n").encode("utf-8-sig")
