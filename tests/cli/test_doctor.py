"""`kengd doctor`: everything an installer should know, green or red, with the cure, in Vietnamese."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kengd.__main__ import main
from kengd.cli.booting import strict_gpiod
from kengd.cli.doctor import written
from kengd.cli.findings import Finding, findings
from kengd.cli.probing import (
    Chip,
    Daemon,
    Disk,
    Facts,
    KeptFile,
    ask_daemon,
    look_at_chip,
    look_at_disk,
    look_at_files,
    reach,
)
from kengd.settings.find import EXAMPLE, load
from kengd.settings.plan import BrokerPlan, HubKeyPlan, WebPlan

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
LOADED = load(str(EXAMPLE))
PLAN = LOADED.plan
WEB = WebPlan("127.0.0.1", 8480)
BROKER = BrokerPlan("10.0.0.1", 8883, ca="/ca.pem")
OFFICE = replace(LOADED.office_plan, broker=BROKER, hub_keys=(HubKeyPlan("k1", "A" * 43),))
WELL = Facts(
    now=NOW,
    chip=Chip("/dev/gpiochip0", ((17, "kengd 811"), (5, "kengd 811"))),
    strict_gpiod=True,
    clock="ntp",
    disk=Disk("/var/lib/kengd", 0o700, True, 2**32),
    files=(
        KeptFile("khoá riêng", "/k.pem", True, 0o600, True),
        KeptFile("chứng thư", "/c.pem", False, 0o644, True, NOW + timedelta(days=90)),
    ),
    broker="",
    daemon=Daemon({"ok": True, "conditions": []}, real_time=True),
    real_time=False,
)  # fmt: skip


def judged(facts: Facts) -> list[Finding]:
    """Everything that is not green."""
    return [finding for finding in findings(PLAN, OFFICE, (), facts) if finding.colour != "green"]


def test_a_post_in_good_order_is_all_green() -> None:
    """Nothing to be done, nothing red; the eleven things looked at are named."""
    found = findings(PLAN, OFFICE, (), WELL)
    assert judged(WELL) == []
    assert [finding.what for finding in found] == [
        "cài đặt", "chip GPIO", "config.txt", "kengd", "nhịp", "đồng hồ", "đĩa", "khoá riêng", "chứng thư",
        "đường dây tới xã", "khoá của xã", "giới hạn",
    ]  # fmt: skip


ILL_POST = {
    severity: replace(WELL, daemon=Daemon({"conditions": [{"severity": severity, "vi": "Nút kẹt"}]}, real_time=True))
    for severity in ("critical", "minor")
}
ILL: list[tuple[Facts, str, str, str]] = [
    (replace(WELL, chip=Chip(trouble="không có")), "red", "chip GPIO", "Raspberry Pi"),
    (replace(WELL, chip=Chip("/dev/gpiochip0", ((5, "spi0"),))), "red", "chân", '"spi0"'),
    (replace(WELL, strict_gpiod=False), "red", "config.txt", "hạt nhân"),
    (replace(WELL, clock="untrusted"), "red", "đồng hồ", "KHÔNG đánh"),
    (replace(WELL, disk=Disk("/s", None, False, 2**32)), "red", "đĩa", "không ghi được"),
    (replace(WELL, disk=Disk("/s", 0o700, True, 2**20)), "red", "đĩa", "1 MiB"),
    (replace(WELL, disk=Disk("/s", 0o755, True, 2**32)), "red", "quyền", "/s"),
    (replace(WELL, files=(KeptFile("ca", "/ca", False, None, False),)), "red", "ca", "không có"),
    (replace(WELL, files=(KeptFile("khoá", "/k", True, 0o644, True),)), "red", "khoá", "người khác đọc được"),
    (replace(WELL, files=(KeptFile("c", "/c", False, 0o644, True, NOW + timedelta(days=59)),)), "yellow", "c", "59 ngày"),
    (replace(WELL, files=(KeptFile("c", "/c", False, 0o644, True, NOW - timedelta(days=1)),)), "red", "c", "đã hết hạn từ"),
    (replace(WELL, broker="không thấy máy đó"), "red", "đường dây tới xã", "10.0.0.1:8883"),
    (replace(WELL, daemon=Daemon()), "red", "kengd", "không chạy"),
    (replace(WELL, daemon=Daemon(denied=True), real_time=True), "yellow", "kengd", "người dùng này"),
    (replace(WELL, daemon=replace(WELL.daemon, real_time=False)), "yellow", "nhịp", "thời gian thực"),
    (ILL_POST["critical"], "red", "tình trạng", "Nút kẹt"),
    (ILL_POST["minor"], "yellow", "tình trạng", "Nút kẹt"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "colour", "what", "words"), ILL)
def test_each_ill_is_named_alone_with_its_cure(facts: Facts, colour: str, what: str, words: str) -> None:
    """R14–R16, R26, R43, P1, P12: one ill, one line, and what to do about it."""
    first = judged(facts)[0]
    assert (first.colour, first.what) == (colour, what) and words in first.vi
    assert first.cure or what == "tình trạng"
    assert len([finding for finding in judged(facts) if finding.colour == "red"]) == (colour == "red")


def test_an_expiry_is_not_judged_by_a_clock_that_is_not_trusted() -> None:
    """R43, H22: with a clock in the year 2050 no certificate is called expired."""
    files = (KeptFile("c", "/c", False, 0o644, True, NOW - timedelta(days=900)),)
    assert [finding.what for finding in judged(replace(WELL, files=files, clock="untrusted"))] == ["đồng hồ"]


def test_simulated_pins_are_said_to_ring_nothing() -> None:
    """P11: a post on simulated pins never looks like a good post."""
    found = findings(replace(PLAN, pins="simulated"), OFFICE, (), WELL)
    assert [(finding.colour, finding.what) for finding in found if finding.colour != "green"] == [("yellow", "chân")]


def test_whether_a_killed_post_lets_go_is_asked_of_the_kernel_that_runs(tmp_path: Path) -> None:
    """P1: the driver of this board's header says it; config.txt with what it includes only where no kernel does."""
    boot, persist, model = tmp_path / "boot", f"{tmp_path}/pinctrl_{{}}", tmp_path / "model"
    boot.mkdir()

    def asked() -> bool | None:
        return strict_gpiod((str(tmp_path / "none"), str(boot)), persist, str(model))

    assert asked() is None
    (boot / "config.txt").write_text("include kengd.txt\n")
    assert asked() is False
    (boot / "kengd.txt").write_text("dtparam=strict_gpiod\n")
    assert asked() is True
    (tmp_path / "pinctrl_bcm2835").write_text("Y\n")
    assert asked() is False
    model.write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    assert asked() is True
    (tmp_path / "pinctrl_rp1").write_text("Y\n")
    assert asked() is False
    (tmp_path / "pinctrl_rp1").write_text("N\n")
    assert asked() is True


def test_the_broker_is_reached_or_the_reason_is_said(tmp_path: Path) -> None:
    """A connection that opens is green; one that is refused, or speaks no TLS, says why."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reach(BrokerPlan("127.0.0.1", port)) == ""
        assert reach(BrokerPlan("127.0.0.1", port, ca=str(tmp_path / "missing.pem"))) != ""
    assert "không nhận kết nối" in reach(BrokerPlan("127.0.0.1", port))
    assert reach(BrokerPlan("a" * 64 + ".invalid", port)) != ""


def test_files_disk_and_chip_are_looked_at_without_raising(tmp_path: Path) -> None:
    """Whatever is missing is a fact, not a failure."""
    key = tmp_path / "k.pem"
    key.write_text("secret")
    key.chmod(0o640)
    broker = BrokerPlan("h", 1, ca=str(tmp_path / "no.pem"), cert=str(key), key=str(key))
    assert [(file.mode, file.readable, file.secret, file.expires) for file in look_at_files(broker, WEB)] == [
        (None, False, False, None),
        (0o640, True, False, None),
        (0o640, True, True, None),
    ]
    assert look_at_files(None, WEB) == ()
    disk = look_at_disk(tmp_path / "not" / "there")
    assert (disk.mode, disk.writable, disk.free_bytes > 0) == (None, True, True)
    (tmp_path / "gpiochip0").write_text("")
    assert look_at_chip([17], str(tmp_path)).path is None
    assert look_at_chip([17], str(tmp_path)).trouble is not None


def test_the_daemon_is_asked_over_its_own_socket(tmp_path: Path) -> None:
    """Alive is who answers, not who left a file behind."""
    path = tmp_path / "control.sock"
    assert ask_daemon(path) == Daemon()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert ask_daemon(path) == Daemon()
        server.listen()

        def answer() -> None:
            visitor, _ = server.accept()
            with visitor:
                assert json.loads(visitor.recv(100)) == {"do": "status"}
                visitor.sendall(b'{"ok":true,"conditions":[]}\n')

        thread = threading.Thread(target=answer)
        thread.start()
        seen = ask_daemon(path)
        thread.join()
    assert seen.status == {"ok": True, "conditions": []}
    assert seen.real_time in (True, False)


def test_a_sick_post_ends_with_1_and_every_red_line_has_its_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Section 8: green or red with the cure; exit code 1 when anything is red."""
    config = tmp_path / "k.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace('"/var/lib/kengd"', f'"{tmp_path}/state"')
    config.write_text(text.replace('pins = "kengd"', 'pins = "simulated"'), encoding="utf-8")
    policy = os.sched_getscheduler(0)
    assert main(["doctor", "--config", str(config)]) == 1
    said = capsys.readouterr().out.splitlines()
    red = [n for n, line in enumerate(said) if line.startswith("✗")]
    assert any("kengd: không chạy" in said[n] for n in red)
    assert all(said[n + 1].startswith("    → ") for n in red)
    assert said[-1] == f"{len(red)} chỗ phải sửa"
    assert os.sched_getscheduler(0) == policy


def test_colours_are_for_terminals_only() -> None:
    """A log file is kept free of escape codes."""
    finding = Finding("red", "đĩa", "đầy", "xoá bớt")
    assert written(finding, colours=False) == "✗ đĩa: đầy\n    → xoá bớt"
    assert written(finding, colours=True) == "\x1b[31m✗\x1b[0m đĩa: đầy\n    → xoá bớt"
    assert written(replace(finding, en="full"), colours=False) == "✗ đĩa: đầy\n    → xoá bớt\n    (full)"


def test_doctor_brings_no_mqtt_client() -> None:
    """paho has one door, the uplink; the doctor only opens a connection."""
    import subprocess
    import sys

    code = "import sys, kengd.cli.doctor; print('paho' in sys.modules, 'gpiozero' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False False\n"
    )
