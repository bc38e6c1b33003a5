"""`kengd check`: read the settings; say what is wrong with line and reason. Exit code 0 when they are usable (warnings or not), 2 else."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kengd.settings.find import LoadedSettings, load


def add_parser(subparsers: Any) -> None:
    """Add `check`."""
    subparsers.add_parser("check", help="đọc tệp cài đặt, chỉ ra chỗ sai theo dòng")


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError, which lists all mistakes."""
    loaded = load(args.config)
    for warning in loaded.warnings:
        print(f"cảnh báo: {warning.for_people()}", file=sys.stderr)
    for line in summary(loaded):
        print(line)
    return 0


def summary(loaded: LoadedSettings) -> list[str]:
    """What the program understood, to be read and compared with what was meant."""
    plan = loaded.plan
    buttons = ", ".join(f"{button.name} → {button.does} (chân {button.pin})" for button in plan.buttons) or "không có"
    lines = ", ".join(f"{line.at} {line.signal}" for line in loaded.office_plan.timetable) or "không có"
    broker = loaded.office_plan.broker
    return [
        f"{loaded.path or 'tệp mẫu có sẵn'}: dùng được"
        + (f", {len(loaded.warnings)} cảnh báo" if loaded.warnings else ""),
        f"  điểm kẻng: {plan.name} ({plan.commune}/{plan.post_id})",
        f"  chân: {plan.pins}; rơ-le ở chân {plan.relay.pin}, đóng ở mức {'thấp' if plan.relay.active_low else 'cao'}",
        f"  nút: {buttons}",
        f"  hiệu lệnh: {', '.join(signal.id for signal in plan.signals)}",
        f"  giờ kẻng: {lines}",
        f"  đường dây tới xã: {f'{broker.host}:{broker.port}' if broker else 'không có'}",
        f"  sổ và cài đặt: {plan.state_dir}; cổng lệnh: {plan.run_dir}",
    ]
