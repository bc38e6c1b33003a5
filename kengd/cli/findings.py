"""What the things seen by `probing` mean for an installer: green, to be known, or red with the cure. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from kengd.cli.page_certificate import PageCertificate
from kengd.cli.probing import PAGE_CERT, Chip, Daemon, Disk, Facts, KeptFile
from kengd.settings.plan import BelfryPlan, BrokerPlan, OfficePlan
from kengd.settings.problems import Problem

Colour = Literal["green", "yellow", "red"]
LEAST_FREE_BYTES = 200 * 1024 * 1024
CERTIFICATE_WARNING = timedelta(days=60)
OURS = "kengd"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at and how it is; yellow and red with what to do. `en`: the same in English, where there is one."""

    colour: Colour
    what: str
    vi: str
    cure: str = ""
    en: str = ""


def findings(plan: BelfryPlan, office: OfficePlan, warnings: tuple[Problem, ...], facts: Facts) -> list[Finding]:
    """All lines, in the order in which an installer would look."""
    return [
        Finding("green", "cài đặt", f"{plan.name} ({plan.commune}/{plan.post_id})"),
        *(Finding("yellow", "cài đặt", warning.for_people().partition("\n")[0], warning.cure) for warning in warnings),
        *_pins(plan, facts),
        _daemon(facts.daemon),
        *_conditions(facts.daemon),
        _real_time(facts),
        _clock(facts),
        *_disk(facts.disk),
        *(_file(file, facts) for file in facts.files),
        *_page(plan, facts.page),
        *_broker(office.broker, facts),
        *_keys(office),
        _limits(plan),
    ]


def _pins(plan: BelfryPlan, facts: Facts) -> Iterator[Finding]:
    if plan.pins == "simulated":
        yield Finding(
            "yellow", "chân", "chân mô phỏng: KHÔNG có rơ-le nào kêu (P11)", 'ở điểm kẻng thật ghi gpio.pins = "kengd"'
        )
        return
    yield _chip(facts.chip)
    held = [(pin, owner) for pin, owner in facts.chip.owners if not owner.startswith(OURS)]
    for pin, owner in held:
        cure = f'tắt "{owner}" (SPI, I2C, 1-Wire trong config.txt?) hoặc chọn chân khác'
        yield Finding("red", "chân", f'GPIO{pin} đang bị "{owner}" giữ (R16)', cure)
    if facts.strict_gpiod is False:
        vi = "nếu kengd bị giết, hạt nhân vẫn giữ rơ-le đóng (P1)"
        yield Finding(
            "red",
            "config.txt",
            vi,
            "kengd firmware | sudo tee /boot/firmware/kengd.txt, rồi khởi động lại; xem kengd doctor --boot",
        )
    elif facts.strict_gpiod:
        yield Finding("green", "config.txt", "rơ-le được thả khi kengd chết (strict_gpiod)")


def _chip(chip: Chip) -> Finding:
    if chip.path is None:
        cure = "chạy bằng sudo trên chính máy Raspberry Pi; thêm người dùng vào nhóm gpio"
        return Finding("red", "chip GPIO", f"không mở được chip GPIO của Raspberry Pi ({chip.trouble})", cure)
    return Finding("green", "chip GPIO", chip.path)


def _daemon(daemon: Daemon) -> Finding:
    if daemon.status is not None:
        return Finding("green", "kengd", "đang chạy, rơ-le và nút đã sẵn sàng")
    if daemon.denied:
        return Finding(
            "yellow", "kengd", "đang chạy nhưng không trả lời người dùng này", "chạy lại bằng sudo, hoặc vào nhóm kengd"
        )
    cure = "sudo systemctl start kengd; nếu không chạy: journalctl -u kengd"
    return Finding("red", "kengd", "không chạy: nút bấm không có tác dụng", cure)


def _conditions(daemon: Daemon) -> Iterator[Finding]:
    """What the post itself knows of its ill health."""
    for condition in (daemon.status or {}).get("conditions", []):
        bad = condition.get("severity") in ("critical", "major")
        yield Finding("red" if bad else "yellow", "tình trạng", str(condition.get("vi", condition.get("code"))))


def _real_time(facts: Facts) -> Finding:
    allowed = facts.real_time if facts.daemon.real_time is None else facts.daemon.real_time
    if allowed:
        return Finding("green", "nhịp", "được chạy ưu tiên thời gian thực")
    cure = "chạy kengd bằng dịch vụ systemd đi kèm (LimitRTPRIO=20)"
    return Finding(
        "yellow", "nhịp", "không được ưu tiên thời gian thực: khi máy bận, tiếng kẻng có thể lệch nhịp", cure
    )


def _clock(facts: Facts) -> Finding:
    if facts.clock == "ntp":
        return Finding("green", "đồng hồ", "đúng giờ, có máy chủ giờ")
    if facts.clock == "rtc":
        return Finding("green", "đồng hồ", "theo đồng hồ pin của máy")
    cure = "nối mạng để lấy giờ (timedatectl), hoặc lắp đồng hồ pin (RTC)"
    return Finding("red", "đồng hồ", "chưa tin được: kẻng theo giờ sẽ KHÔNG đánh, nút bấm vẫn đánh", cure)


def _disk(disk: Disk) -> Iterator[Finding]:
    if not disk.writable:
        cure = "chạy bằng đúng người dùng (sudo -u kengd); nếu thẻ nhớ bị khoá chỉ đọc thì thay thẻ"
        yield Finding("red", "đĩa", f"không ghi được vào {disk.path}: sổ kẻng sẽ mất", cure)
    elif disk.free_bytes < LEAST_FREE_BYTES:
        yield Finding(
            "red", "đĩa", f"chỉ còn {disk.free_bytes // 2**20} MiB trống", "xoá bớt, hoặc thay thẻ nhớ lớn hơn"
        )
    else:
        yield Finding("green", "đĩa", f"{disk.path}, còn {disk.free_bytes // 2**20} MiB")
    if disk.mode is not None and disk.mode & 0o007:
        yield Finding("red", "quyền", f"ai cũng vào được {disk.path} (P12)", f"chmod o-rwx {disk.path}")


def _file(file: KeptFile, facts: Facts) -> Finding:
    if not file.readable:
        vi = "không có" if file.mode is None else "không đọc được"
        return Finding("red", file.what, f"{vi}: {file.path}", "chép tệp vào đúng chỗ, cho người dùng kengd đọc được")
    if file.secret and file.mode is not None and file.mode & 0o037:
        return Finding(
            "red", file.what, f"người khác đọc được {file.path} (P12)", f"chmod 640 {file.path} hoặc chặt hơn"
        )
    if file.expires is not None and facts.clock != "untrusted" and file.expires - facts.now < CERTIFICATE_WARNING:
        days, day, cure = (file.expires - facts.now).days, f"{file.expires:%d/%m/%Y}", "xin xã cấp chứng thư mới (R43)"
        if days < 0:
            return Finding("red", file.what, f"đã hết hạn từ {day}", cure)
        return Finding("yellow", file.what, f"hết hạn {day} ({days} ngày nữa)", cure)
    return Finding("green", file.what, file.path)


def _page(plan: BelfryPlan, page: PageCertificate | None) -> Iterator[Finding]:
    """What a keeper's phone would say of the page: beside what its files say."""
    if page is None:
        return
    for ill in page.ills:
        vi = f"{ill.vi}: trang chỉ mở được không mã hoá"
        yield Finding("red", PAGE_CERT, vi, ill.cure, "the page has no HTTPS until its certificate and key are right")
    if page.ills:
        return
    said = ", ".join(page.names)
    wanted = f'cấp lại tệp cho điểm này: kengd hub enrol {plan.post_id} --renew --page-names "địa chỉ của máy này"'
    if not page.names:
        vi, en = "không ghi tên máy nào: không trình duyệt nào nhận", "it bears no name, browsers refuse it"
        yield Finding("red", PAGE_CERT, vi, f"xin xã {wanted}", en)
    elif page.ours is False:
        vi = f"ghi {said}: không phải tên hay địa chỉ của máy này, điện thoại không tìm thấy hoặc báo không an toàn"
        cure = f"đặt tên máy: sudo hostnamectl set-hostname {plan.post_id}; hoặc xin xã {wanted}"
        yield Finding("yellow", PAGE_CERT, vi, cure, "none of its names is this machine's")


def _broker(broker: BrokerPlan | None, facts: Facts) -> Iterator[Finding]:
    if broker is None:
        return  # the settings' own warning says so
    where = f"{broker.host}:{broker.port}"
    if facts.broker == "":
        yield Finding("green", "đường dây tới xã", f"{where} trả lời")
    else:
        cure = "xem lại host, port, ca trong [broker], dây mạng hoặc sim; kẻng vẫn đánh được tại chỗ"
        yield Finding("red", "đường dây tới xã", f"{where}: {facts.broker}", cure)


def _keys(office: OfficePlan) -> Iterator[Finding]:
    good = [key.kid for key in office.hub_keys if not key.revoked]
    if good:
        yield Finding("green", "khoá của xã", ", ".join(good))


def _limits(plan: BelfryPlan) -> Finding:
    limits = plan.limits
    vi = f"báo động {limits.alarm_ms // 1000} giây, không lần nào quá {limits.hard_limit_ms // 1000} giây"
    return Finding("green", "giới hạn", vi)
