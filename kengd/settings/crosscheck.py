"""Checks across several fields that need no bell code: pins, buttons, what only simulated pins may do, keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kengd.settings.explain import said_path
from kengd.settings.lines import KeyPath, line_of
from kengd.settings.model import Settings
from kengd.settings.problems import Problem, ProblemCode

Lines = dict[KeyPath, int]
HUSH = "hush"
EEPROM_PINS = (0, 1)
SERIAL_PINS = (14, 15)
LAST_PULLED_UP = 8
"""GPIO 0–8 are pulled up at power-on (BCM2835 ARM Peripherals, table 6-31), 9–27 down: R10."""
REST_HIGH_PINS = (4, 5, 6)
"""Pulled up and free of I2C, SPI and the EEPROM: the only places where an active-low relay rests from power-on."""
SPI_PINS = (7, 8, 9, 10, 11)
LOOPBACK = ("127.", "localhost", "::1")


def note(code: ProblemCode, path: KeyPath, lines: Lines, vi: str, cure: str = "") -> Problem:
    """A problem with its line and its path as people say it."""
    return Problem(code, said_path(path), vi, cure, line_of(lines, path))


def cross_problems(settings: Settings, lines: Lines) -> list[Problem]:
    """Everything wrong or worth a warning."""
    return [
        *_pins(settings, lines),
        *_relay(settings, lines),
        *_buttons(settings, lines),
        *_simulated_only(settings, lines),
        *_twins(settings, lines),
        *_line_to_hub(settings, lines),
        *_advice(settings, lines),
    ]


def used_pins(settings: Settings) -> list[tuple[int, str, KeyPath]]:
    """Every pin in use: (BCM number, what it is for, where it is written)."""
    gpio = settings.gpio
    found: list[tuple[int, str, KeyPath]] = [(gpio.relay.pin, "rơ-le", ("gpio", "relay", "pin"))]
    for n, button in enumerate(gpio.buttons):
        found.append((button.pin, f'nút "{button.name}"', ("gpio", "buttons", n, "pin")))
    for n, sensor in enumerate(gpio.inputs):
        found.append((sensor.pin, f'đầu vào "{sensor.name}"', ("gpio", "inputs", n, "pin")))
    if gpio.lamps.bell is not None:
        found.append((gpio.lamps.bell, "đèn KẺNG", ("gpio", "lamps", "bell")))
    if gpio.lamps.police is not None:
        found.append((gpio.lamps.police, "đèn CÔNG AN", ("gpio", "lamps", "police")))
    return found


def _pins(settings: Settings, lines: Lines) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for pin, owner, path in used_pins(settings):
        if pin in owners:
            yield note(
                "clash",
                path,
                lines,
                f"chân {pin} đã dùng cho {owners[pin]}, không dùng cho {owner} được nữa",
                "chọn chân khác",
            )
        owners.setdefault(pin, owner)
        if pin in EEPROM_PINS:
            yield note(
                "value", path, lines, f"chân {pin} dành cho bộ nhớ của bo mạch cắm thêm", "chọn chân từ 2 tới 27"
            )
        elif pin in SERIAL_PINS and not (owner == "rơ-le" and pin == SERIAL_PINS[0]):  # that one is refused below
            yield note(
                "warning",
                path,
                lines,
                f"chân {pin} là chân nối tiếp của máy",
                "tắt cổng nối tiếp trong config.txt, hoặc chọn chân khác",
            )


def _relay(settings: Settings, lines: Lines) -> Iterator[Problem]:
    """R10: a relay must not move while the machine boots."""
    relay, path = settings.gpio.relay, ("gpio", "relay", "pin")
    if relay.pin in SERIAL_PINS[:1]:
        yield note(
            "value", path, lines, "chân 14 phát dữ liệu lúc khởi động, rơ-le sẽ nhấp nháy", "chọn chân 9–13 hoặc 16–27"
        )
    elif relay.active_low and relay.pin in REST_HIGH_PINS:
        return  # pulled up from power-on, which is this relay's rest
    elif EEPROM_PINS[-1] < relay.pin <= LAST_PULLED_UP:
        yield note(
            "value", path, lines, f"chân {relay.pin} tự lên mức cao lúc bật điện", "nối rơ-le vào chân 9–13 hoặc 16–27"
        )
    elif relay.active_low and settings.gpio.pins != "simulated":
        vi = f"rơ-le đóng ở mức thấp mà chân {relay.pin} tự xuống mức thấp lúc bật điện"
        yield note(
            "warning", path, lines, vi, "nối vào chân 4, 5 hoặc 6 (tự lên mức cao), hoặc dùng rơ-le đóng ở mức cao"
        )
    if relay.pin in SPI_PINS:
        yield note(
            "warning",
            path,
            lines,
            f"chân {relay.pin} thuộc SPI, thiết bị SPI có thể giật rơ-le",
            "tắt SPI hoặc chọn chân khác",
        )


def _buttons(settings: Settings, lines: Lines) -> Iterator[Problem]:
    for n, button in enumerate(settings.gpio.buttons):
        if button.does == HUSH and button.hold_ms is not None:
            path: KeyPath = ("gpio", "buttons", n, "hold_ms")
            yield note(
                "value", path, lines, "nút dừng kẻng luôn ăn ngay, không có thời gian giữ", "bỏ hold_ms ở nút này"
            )


def _simulated_only(settings: Settings, lines: Lines) -> Iterator[Problem]:
    if settings.gpio.pins == "simulated":
        return
    cure = 'bỏ mục này (chỉ dùng được với gpio.pins = "simulated")'
    if settings.gpio.edge_udp is not None:
        yield note("clash", ("gpio", "edge_udp"), lines, "chỉ chân mô phỏng mới được gửi nhịp ra ngoài", cure)
    if settings.clock.assume is not None:
        yield note("clash", ("clock", "assume"), lines, "máy thật không được coi đồng hồ là đúng khi chưa biết", cure)


def _twins(settings: Settings, lines: Lines) -> Iterator[Problem]:
    lists: tuple[tuple[KeyPath, str, Iterable[str]], ...] = (
        (("gpio", "buttons"), "name", (button.name for button in settings.gpio.buttons)),
        (("gpio", "inputs"), "name", (sensor.name for sensor in settings.gpio.inputs)),
        (("gpio", "inputs"), "means", (sensor.means for sensor in settings.gpio.inputs)),
        (("hub", "keys"), "kid", (key.kid for key in settings.hub.keys)),
    )
    for path, key, values in lists:
        seen: set[str] = set()
        for n, value in enumerate(values):
            if value in seen:
                yield note("clash", (*path, n, key), lines, f'"{value}" đã có ở trên', "mỗi cái một tên khác nhau")
            seen.add(value)


def _line_to_hub(settings: Settings, lines: Lines) -> Iterator[Problem]:
    """H23: a post without hub is a good post, but must say so."""
    broker = settings.broker
    if broker is None:
        yield note("warning", (), lines, "chưa có mục [broker]: kẻng chạy một mình, xã không thấy và không gọi được")
    elif broker.ca is None and not broker.host.startswith(LOOPBACK):
        yield note(
            "warning", ("broker", "host"), lines, "đường dây tới xã không mã hoá", "ghi ca = chứng thư gốc của xã"
        )
    if broker is not None and not any(not key.revoked for key in settings.hub.keys):
        vi = "chưa có khoá nào của máy trực ban: mọi lệnh từ xã sẽ bị từ chối"
        yield note("warning", ("hub",), lines, vi, "ghi thêm [[hub.keys]] với kid và public")


def _advice(settings: Settings, lines: Lines) -> Iterator[Problem]:
    if settings.limits.alarm_s < 30 and settings.gpio.pins != "simulated":
        vi = "báo động ngắn hơn 30 giây: người đang ngủ khó nghe thấy"
        yield note("warning", ("limits", "alarm_s"), lines, vi)
    if settings.limits.after_alarm_min < 10 and settings.gpio.pins != "simulated":
        vi = "kẻng thường lệ ngay sau báo động dễ bị tưởng là hết báo động (H11)"
        yield note("warning", ("limits", "after_alarm_min"), lines, vi)
    web = settings.web
    if web.pins is not None and web.tls_port is None and not web.host.startswith(LOOPBACK):
        vi = "trang nghe ngoài máy này mà không mã hoá: mã PIN có thể bị nghe lén"
        yield note("warning", ("web", "pins"), lines, vi, "ghi thêm tls_port, cert và key (xã cấp)")
    if settings.web.token_sha256 is not None and not settings.web.host.startswith(LOOPBACK):
        vi = "trang nghe ngoài máy này mà không mã hoá: mã truy nhập có thể bị nghe lén"
        yield note("warning", ("web", "host"), lines, vi, "để 127.0.0.1, hoặc đặt sau một đường hầm có mã hoá")
