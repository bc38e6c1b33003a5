"""Relay to rest without the daemon: raw GPIO ioctls and nothing but the standard library (R11, systemd's ExecStopPost).

Works when the settings, the virtual environment's libraries or the daemon are broken: pin, polarity and chip are read from
a small file that the belfry writes before it first claims the relay.

systemd calls this file's own `main`: what `kengd off` needs to find the settings takes five times as long to import, and
every 100 ms count while a relay is closed. Hence no dataclass and no pathlib here either.

Sizes, numbers and flags are those of <linux/gpio.h>, ABI v2 (Linux 5.10 and later), for the ioctl numbering of ARM and x86.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kengd.errors import KengdError

if TYPE_CHECKING:
    from kengd.settings.plan import BelfryPlan

Directory = str | os.PathLike[str]

FILE = "relay.json"
CONTROL_SOCKET = "control.sock"
CHIP_LABEL = "pinctrl-"
ANSWER_S = 2.0
LARGEST_ANSWER = 1 << 16

_NAME = 32  # GPIO_MAX_NAME_SIZE
CHIP_INFO = struct.Struct("=32s32sI")  # name, label, lines
_ATTRIBUTE = "IIQ"  # id, padding, value
LINE_INFO = struct.Struct(
    f"={_NAME}s{_NAME}sIIQ{_ATTRIBUTE * 10}16x"
)  # name, consumer, offset, num_attrs, flags, attrs
LINE_REQUEST = struct.Struct(f"=64I{_NAME}sQI20x{(_ATTRIBUTE + 'Q') * 10}II20xi")
"""Offsets, consumer, config (flags, num_attrs, attrs with mask), num_lines, event_buffer_size, fd."""


def _ioctl(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | 0xB4 << 8 | number


GET_CHIPINFO = _ioctl(2, 0x01, CHIP_INFO.size)
GET_LINEINFO = _ioctl(3, 0x05, LINE_INFO.size)
GET_LINE = _ioctl(3, 0x07, LINE_REQUEST.size)

FLAG_USED = 1 << 0
FLAG_ACTIVE_LOW = 1 << 1
FLAG_OUTPUT = 1 << 3


class PinFile(NamedTuple):
    """What `kengd off` must know.

    `chip`: label of the chip, "" = the one whose label begins with pinctrl-; `socket`: the daemon's control socket.
    """

    pin: int
    active_low: bool
    simulated: bool
    chip: str
    socket: str


def write_pin_file(plan: BelfryPlan, chip: str = "") -> PinFile:
    """Write the file for `kengd off`; call it before the relay is claimed. `chip`: as `pins.chip_label_of` says.

    A copy in the state directory outlives a reboot; it is written only when it changes, and a full or read-only disk
    stops no bell. Raises OSError when the file in the run directory cannot be written.
    """
    known = PinFile(
        pin=plan.relay.pin,
        active_low=plan.relay.active_low,
        simulated=plan.pins == "simulated",
        chip=chip,
        socket=os.path.join(plan.run_dir, CONTROL_SOCKET),
    )
    text = json.dumps(known._asdict(), sort_keys=True) + "\n"
    _replace(os.path.join(plan.run_dir, FILE), text)
    copy = os.path.join(plan.state_dir, FILE)
    try:
        if not os.path.exists(copy) or _read(copy) != text:
            _replace(copy, text)
    except OSError:
        pass
    return known


def read_pin_file(*directories: Directory) -> PinFile:
    """The first whole file in these directories. Raises KengdError `no_pin_file`."""
    for directory in directories:
        try:
            data: dict[str, Any] = json.loads(_read(os.path.join(directory, FILE)))
            if type(data["pin"]) is int and all(isinstance(data[key], str) for key in ("chip", "socket")):
                return PinFile(**data)
        except (OSError, ValueError, TypeError, KeyError):
            continue
    raise KengdError(
        "no_pin_file",
        f"chưa biết rơ-le ở chân nào: không có tệp {FILE} trong {directories[0]}",
        cure="tệp này có sau lần đầu `kengd run` chạy được; nếu kẻng đang kêu, ngắt cầu dao nguồn của búa hoặc còi",
        en=f"no {FILE} in {', '.join(map(str, directories))}",
    )


def off(known: PinFile, *, why: str = "kengd off", dev: str = "/dev") -> str:
    """Relay to rest by whatever way is open; what was done, in Vietnamese.

    Raises KengdError: `relay_held` (somebody holds the line and no daemon answers), `gpio_chip_missing`, `relay_off_failed`.
    """
    answered, refusal = _ask_daemon(known.socket, why)
    if known.simulated:
        return "đã bảo kengd dừng kẻng (chân mô phỏng)" if answered else "chân mô phỏng: không có rơ-le nào để tắt"
    if answered:
        return "kengd đang chạy và đã dừng kẻng, rơ-le đã nghỉ"
    _force(known, dev, refusal)
    return f"đã đưa rơ-le (GPIO{known.pin}) về nghỉ"


def _ask_daemon(path: str, why: str) -> tuple[bool, str]:
    """(the daemon hushed everything, what it said otherwise)."""
    order = json.dumps({"do": "hush", "by": "kengd off", "why": why}, ensure_ascii=False).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ANSWER_S)
            line.connect(path)
            line.sendall(order)
            answer = b""
            while b"\n" not in answer and len(answer) < LARGEST_ANSWER:
                part = line.recv(4096)
                if not part:
                    break
                answer += part
        said: Any = json.loads(answer)
        return said["ok"] is True, str(said.get("vi") or said.get("reason") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False, ""


def _force(known: PinFile, dev: str, refusal: str) -> None:
    path = _find_chip(known.chip, dev)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if owner := line_owner(fd, known.pin):
                raise _held(known.pin, owner, refusal)
            os.close(_claim_at_rest(fd, known))
        finally:
            os.close(fd)
    except OSError as wrong:
        if wrong.errno == errno.EBUSY:
            raise _held(known.pin, "?", refusal) from wrong
        raise KengdError(
            "relay_off_failed",
            f"không đưa được rơ-le ở GPIO{known.pin} về nghỉ ({wrong.strerror})",
            cure="chạy lại bằng sudo; nếu kẻng đang kêu, ngắt cầu dao nguồn của búa hoặc còi",
            en=f"cannot put GPIO{known.pin} to rest: {wrong}",
        ) from wrong


def line_owner(chip_fd: int, offset: int) -> str | None:
    """Who holds this line, by the kernel's word; None when nobody does. Raises OSError."""
    blank = (0,) * 30  # ten attributes of three numbers
    answer = fcntl.ioctl(chip_fd, GET_LINEINFO, LINE_INFO.pack(b"", b"", offset, 0, 0, *blank))
    _, consumer, _, _, flags, *_ = LINE_INFO.unpack(answer)
    return (_text(consumer) or "kernel") if flags & FLAG_USED else None


def line_request(known: PinFile) -> bytes:
    """The request that makes the line an output at rest in one step: active-low by flag, logical value 0."""
    flags = FLAG_OUTPUT | (FLAG_ACTIVE_LOW if known.active_low else 0)
    offsets = (known.pin,) + (0,) * 63
    return LINE_REQUEST.pack(*offsets, b"kengd off", flags, 0, *(0,) * 40, 1, 0, 0)


def _claim_at_rest(chip_fd: int, known: PinFile) -> int:
    answer = fcntl.ioctl(chip_fd, GET_LINE, line_request(known))
    return int(LINE_REQUEST.unpack(answer)[-1])


def _find_chip(label: str, dev: str) -> str:
    """The chip with this label; its number may have changed since (R14)."""
    found: list[tuple[str, str]] = []
    for name in sorted(os.listdir(dev)):
        path = os.path.join(dev, name)
        if not name.startswith("gpiochip") or os.path.islink(path):
            continue
        try:
            found.append((chip_label(path), path))
        except OSError:
            continue
    wanted = [chip for chip in found if (chip[0] == label if label else chip[0].startswith(CHIP_LABEL))]
    if wanted:
        return min(wanted, key=lambda chip: ("rp1" not in chip[0], chip))[1]
    raise KengdError(
        "gpio_chip_missing",
        f'không mở được chip GPIO "{label or CHIP_LABEL}"',
        cure="chạy lại bằng sudo; nếu kẻng đang kêu, ngắt cầu dao nguồn của búa hoặc còi",
        en=f"no GPIO chip labelled {label or CHIP_LABEL} can be opened",
    )


def chip_label(path: str) -> str:
    """The kernel's label of this chip. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _, label, _ = CHIP_INFO.unpack(fcntl.ioctl(fd, GET_CHIPINFO, bytes(CHIP_INFO.size)))
    finally:
        os.close(fd)
    return _text(label)


def _held(pin: int, owner: str, refusal: str) -> KengdError:
    said = f"; kengd trả lời: {refusal}" if refusal else "; kengd không trả lời"
    return KengdError(
        "relay_held",
        f'chân rơ-le GPIO{pin} đang bị "{owner}" giữ{said}',
        cure="dừng chương trình đó (sudo systemctl kill -s KILL kengd) rồi chạy lại kengd off",
        en=f"GPIO{pin} is held by {owner} and nobody put it to rest",
    )


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _replace(path: str, text: str) -> None:
    fresh = os.path.splitext(path)[0] + ".new"
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def main(directories: Sequence[str]) -> int:
    """`python -m kengd.belfry.off RUN_DIR STATE_DIR`: the exit code; 1 when only `kengd off` can know more."""
    try:
        print(off(read_pin_file(*directories), why="systemd"))
    except KengdError as wrong:
        print(f"{wrong.vi}. {wrong.cure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
