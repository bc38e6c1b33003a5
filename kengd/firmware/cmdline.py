"""cmdline.txt, the one line that the kernel is given.

Sources: kernel-parameters.txt in the kernel's documentation (`panic`, `fsck.*` in systemd-fsck(8)); /etc/overlayroot.conf in Debian's
package overlayroot; raspberrypi/bookworm-feedback#137 (why `recurse=0`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kengd.firmware.config import CONFIG, Reading
from kengd.firmware.finding import Colour, Finding

CMDLINE = "cmdline.txt"
ALWAYS = (
    "panic=10",
    "fsck.repair=yes",
    "pinctrl_bcm2835.persist_gpio_outputs=n",
    "pinctrl_rp1.persist_gpio_outputs=n",
)
"""Words every post has on its kernel command line; firmware_config/cmdline.txt says why."""
READ_ONLY = "overlayroot=tmpfs:recurse=0"
"""The word that makes the root read-only and leaves the data partition alone; firmware_config/cmdline-readonly.txt."""
LONGEST_PANIC_S = 60


def cmdline_findings(
    files: Mapping[str, str], reading: Reading, state_dir: str, own_partition: bool | None
) -> Iterator[Finding]:
    """Everything about the kernel's command line. `own_partition`: has `state_dir` one? None = not looked at."""
    name = _file(reading)
    text = files.get(name)
    if text is None:
        yield _say(
            "yellow", "no_cmdline", name, "không có tệp này trên phân vùng khởi động",
            "chép lại từ bản Raspberry Pi OS gốc", "not on the boot partition",
        )  # fmt: skip
        return
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        yield _say(
            "red", "cmdline_many_lines", name, f"có {len(lines)} dòng, máy chỉ đọc dòng đầu",
            "viết tất cả trên một dòng, cách nhau bằng dấu cách", f"{len(lines)} lines, only the first is read",
        )  # fmt: skip
    words = _words(files, reading)
    yield from _after_a_crash(name, words)
    yield from _read_only(name, words, state_dir, own_partition)
    auto = reading.last("auto_initramfs")
    if _covered(words) and not reading.given("initramfs") and (auto is None or auto.value != "1"):
        yield _say(
            "yellow", "overlay_without_initramfs", CONFIG, "không có dòng auto_initramfs=1: overlayroot không có tác dụng",
            "thêm dòng auto_initramfs=1 vào config.txt", "no auto_initramfs=1: overlayroot has no effect",
        )  # fmt: skip


def lets_go(files: Mapping[str, str], reading: Reading, *, rp1: bool) -> bool:
    """Whether the command line itself asks the kernel to release the pins of a process that died (P1)."""
    driver = "pinctrl_rp1" if rp1 else "pinctrl_bcm2835"
    said = _value(_words(files, reading), f"{driver}.persist_gpio_outputs")
    return said is not None and said.lower() in ("n", "0", "no", "off")


def _file(reading: Reading) -> str:
    """config.txt may name another file."""
    named = reading.last("cmdline")
    return (named.value if named is not None and named.value else CMDLINE).lower()


def _words(files: Mapping[str, str], reading: Reading) -> list[str]:
    """The words of the first line that is not empty."""
    return next((line.split() for line in files.get(_file(reading), "").splitlines() if line.strip()), [])


def _after_a_crash(name: str, words: list[str]) -> Iterator[Finding]:
    panic = _value(words, "panic")
    if panic is None or not panic.isdecimal() or len(panic) > 3 or not 0 < int(panic) <= LONGEST_PANIC_S:
        yield _say(
            "yellow", "no_panic_reboot", name, "hạt nhân sập thì máy đứng im, không tự khởi động lại",
            "thêm panic=10 vào cuối dòng", "a kernel panic halts the machine instead of restarting it",
        )  # fmt: skip
    if _value(words, "fsck.repair") != "yes" or _value(words, "fsck.mode") == "skip":
        yield _say(
            "yellow", "no_fsck_repair", name, "sau mất điện, đĩa lỗi thì máy dừng lại hỏi thay vì tự sửa",
            "thêm fsck.repair=yes, bỏ fsck.mode=skip nếu có", "a damaged disk is not repaired by itself",
        )  # fmt: skip


def _read_only(name: str, words: list[str], state_dir: str, own_partition: bool | None) -> Iterator[Finding]:
    """P7: with the root in memory the book survives only on a partition of its own."""
    said = _covered(words)
    if said is None:
        yield _say(
            "yellow", "root_writable", name, "thẻ nhớ đang ghi được cả hệ thống: mất điện nhiều lần dễ hỏng thẻ",
            "xem firmware_config/README.md, phần phân vùng dữ liệu và gốc chỉ đọc", "the root file system is writable",
        )  # fmt: skip
        return
    if "recurse=0" not in said.partition(":")[2].split(","):
        yield _say(
            "red", "overlay_swallows_book", name, f"overlayroot={said} nuốt cả {state_dir}: sổ kẻng mất mỗi lần mất điện",
            f"viết {READ_ONLY}", f"overlayroot={said} covers {state_dir} as well: the book is lost at each power cut",
        )  # fmt: skip
    if own_partition is False:
        yield _say(
            "red", "book_in_memory", name, f"{state_dir} không nằm trên phân vùng riêng: sổ kẻng mất mỗi lần mất điện",
            "xem firmware_config/README.md, phần phân vùng dữ liệu", f"{state_dir} has no partition of its own: the book is in memory",
        )  # fmt: skip


def _covered(words: list[str]) -> str | None:
    """What overlayroot= says, or None when it leaves the root alone."""
    said = _value(words, "overlayroot")
    return None if said in (None, "", "disabled") else said


def _value(words: list[str], key: str) -> str | None:
    """The value of the last `key=value`, as the kernel takes it; "" for a bare key."""
    found = [word.partition("=") for word in words]
    return next((value for name, _, value in reversed(found) if name == key), None)


def _say(colour: Colour, code: str, file: str, vi: str, cure: str, en: str) -> Finding:
    return Finding(colour, code, file, None, vi, cure, en)
