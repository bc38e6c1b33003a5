"""What `kengd doctor` looks at: the only place where it touches the machine. Nothing here judges, nothing raises, nothing is changed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import stat
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kengd import clock, service
from kengd.belfry.off import chip_label, line_owner
from kengd.cli.booting import strict_gpiod
from kengd.cli.page_certificate import PageCertificate, look_at_page
from kengd.duty.trust import assess
from kengd.duty.words import ClockTrust
from kengd.settings.credentials import at_hand, web_at_hand
from kengd.settings.plan import BelfryPlan, BrokerPlan, OfficePlan, WebPlan

PATIENCE_S = 5.0
CHIP_LABEL = "pinctrl-"
PAGE_CERT = "chứng thư của trang"


@dataclass(frozen=True, slots=True)
class Chip:
    """The header's GPIO chip. `owners`: who holds which pin, by the kernel's word; `trouble`: why it could not be asked."""

    path: str | None = None
    owners: tuple[tuple[int, str], ...] = ()
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file named in the settings. `mode` None: not there or not to be seen; `expires`: a certificate's last day, UTC."""

    what: str
    path: str
    secret: bool
    mode: int | None
    readable: bool
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the state is. `mode` None: the directory is not there yet."""

    path: str
    mode: int | None
    writable: bool
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """The running post. `status`: its answer, None = nobody answers; `denied`: it does not talk to this user."""

    status: dict[str, Any] | None = None
    denied: bool = False
    real_time: bool | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything seen. `strict_gpiod` None: this is no Raspberry Pi; `broker`: "" reached, None not asked; `page`: None where its page
    has no HTTPS, or `files` says why nothing is known of it."""

    now: datetime
    chip: Chip
    strict_gpiod: bool | None
    clock: ClockTrust
    disk: Disk
    files: tuple[KeptFile, ...]
    broker: str | None
    daemon: Daemon
    real_time: bool
    page: PageCertificate | None = None


def gather(plan: BelfryPlan, office: OfficePlan) -> Facts:
    """Look at everything once; takes at most about 15 s."""
    now = clock.now()
    broker = None if office.broker is None else at_hand(office.broker)
    web = web_at_hand(office.web)
    return Facts(
        now=datetime.fromtimestamp(now.wall_ms / 1000, UTC),
        chip=Chip() if plan.pins == "simulated" else look_at_chip(used_pins(plan)),
        strict_gpiod=strict_gpiod(),
        clock=office.clock_assume or assess(clock.read_clock(), None, now.wall_ms),
        disk=look_at_disk(Path(plan.state_dir)),
        files=look_at_files(broker, web),
        broker=None if broker is None else reach(broker),
        daemon=ask_daemon(Path(plan.run_dir) / "control.sock"),
        real_time=service.real_time(1) and _back_to_normal(),
        page=look_at_page(web),
    )


def used_pins(plan: BelfryPlan) -> list[int]:
    """BCM numbers of everything that is wired."""
    pins = [plan.relay.pin, *(button.pin for button in plan.buttons), *(sensor.pin for sensor in plan.inputs)]
    return pins + [pin for pin in (plan.lamps.bell, plan.lamps.police) if pin is not None]


def look_at_chip(pins: list[int], dev: str = "/dev") -> Chip:
    """Find the chip by its label (R14) and ask the kernel who holds the pins (R16)."""
    trouble = "không có"
    for name in sorted(os.listdir(dev)):
        path = os.path.join(dev, name)
        if not name.startswith("gpiochip") or os.path.islink(path):
            continue
        try:
            if not chip_label(path).startswith(CHIP_LABEL):
                continue
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                owners = [(pin, owner) for pin in pins if (owner := line_owner(fd, pin)) is not None]
            finally:
                os.close(fd)
            return Chip(path, tuple(owners))
        except OSError as wrong:
            trouble = f"{path}: {wrong.strerror}"
    return Chip(trouble=trouble)


def look_at_disk(state: Path) -> Disk:
    """The state directory, or the nearest one above it that is there."""
    mode: int | None = None
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(state.stat().st_mode)
    there = state
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        free = shutil.disk_usage(there).free
        read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    except OSError:
        free, read_only = 0, True
    return Disk(str(state), mode, not read_only and os.access(there, os.W_OK), free)


def look_at_files(broker: BrokerPlan | None, web: WebPlan) -> tuple[KeptFile, ...]:
    """Certificates, key and password of the line; certificate and key of the page where it has HTTPS; its PINs."""
    named: list[tuple[str, str | None, bool]] = []
    if broker is not None:
        named += [
            ("chứng thư gốc của xã", broker.ca, False),
            ("chứng thư của điểm kẻng", broker.cert, False),
            ("khoá riêng của điểm kẻng", broker.key, True),
            ("tệp mật khẩu", broker.password_file, True),
        ]
    if web.tls_port is not None:
        named += [(PAGE_CERT, web.cert, False), ("khoá riêng của trang", web.key, True)]
    named.append(("tệp mã PIN", web.pins, True))
    return tuple(_look_at_file(what, path, secret) for what, path, secret in named if path is not None)


def _look_at_file(what: str, path: str, secret: bool) -> KeptFile:
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return KeptFile(what, path, secret, None, False)
    readable = os.access(path, os.R_OK)
    expires = None if secret or not readable else _expiry(Path(path))
    return KeptFile(what, path, secret, mode, readable, expires)


def _expiry(path: Path) -> datetime | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def reach(broker: BrokerPlan) -> str:
    """ "" when the broker's port answers (and its certificate holds); else why not, in Vietnamese."""
    try:
        with socket.create_connection((broker.host, broker.port), timeout=PATIENCE_S) as line:
            if broker.ca is not None:
                context = ssl.create_default_context(cafile=broker.ca)
                if broker.cert is not None:
                    context.load_cert_chain(broker.cert, broker.key)
                with context.wrap_socket(line, server_hostname=broker.host):
                    return ""
            return ""
    except ssl.SSLCertVerificationError as wrong:
        return f"chứng thư không được chấp nhận: {wrong.verify_message}"
    except ssl.SSLError as wrong:
        return f"không nối được TLS: {wrong.reason or wrong}"
    except (TimeoutError, socket.gaierror, UnicodeError):
        return "không thấy máy đó (sai địa chỉ, hoặc mạng không thông)"
    except ConnectionRefusedError:
        return "máy đó không nhận kết nối ở cổng này (mosquitto chưa chạy?)"
    except (OSError, ValueError) as wrong:
        return str(getattr(wrong, "strerror", None) or wrong)


def ask_daemon(path: Path) -> Daemon:
    """The daemon's status over its control socket, and whether its player really has real-time priority."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE_S)
            line.connect(str(path))
            pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            line.sendall(b'{"do":"status"}\n')
            answer = line.makefile("rb").readline()
    except PermissionError:
        return Daemon(denied=True)
    except OSError:
        return Daemon()
    if not answer:
        return Daemon(denied=True)
    try:
        status = json.loads(answer)
    except ValueError:
        return Daemon()
    return Daemon(status if isinstance(status, dict) else None, real_time=_has_real_time(pid))


def _has_real_time(pid: int) -> bool | None:
    try:
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        return any(os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO for thread in threads)
    except (OSError, ValueError):
        return None


def _back_to_normal() -> bool:
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True
