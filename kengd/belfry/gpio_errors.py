"""What can be wrong with the pins, in words for the installer (R15, R16)."""

from __future__ import annotations

from kengd.errors import KengdError


def busy(offset: int, owner: str) -> KengdError:
    """The line is held by somebody else (P10); trying again may help once he is gone."""
    return KengdError(
        "pin_busy",
        f'chân GPIO{offset} đang bị "{owner}" giữ',
        cure=f'tắt "{owner}" (một kengd khác? SPI, 1-Wire trong config.txt?) hoặc chọn chân khác',
        en=f"GPIO{offset} is held by {owner}",
    )


def forbidden(path: str) -> KengdError:
    """The chip is there, but not for this user."""
    return KengdError(
        "gpio_forbidden",
        f"không có quyền mở {path}",
        cure="chạy bằng dịch vụ kengd, hoặc thêm người dùng vào nhóm gpio",
        en=f"no permission to open {path}",
    )


def no_chip(label: str, dev: str) -> KengdError:
    """No chip with the header's pins. Simulated pins are named as a cure, never taken (P11)."""
    return KengdError(
        "gpio_chip_missing",
        f'không tìm thấy chip GPIO của Raspberry Pi (nhãn "{label}…") trong {dev}',
        cure='máy này không phải Raspberry Pi? Chạy thử thì ghi gpio.pins = "simulated"',
        en=f"no GPIO chip labelled {label}… in {dev}",
    )
