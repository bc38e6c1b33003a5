"""`kengd off`: the relay goes to rest whatever else is broken (R11, P1)."""

from __future__ import annotations

import argparse
import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kengd.belfry import off as off_module
from kengd.belfry.off import (
    CHIP_INFO,
    FLAG_USED,
    GET_CHIPINFO,
    GET_LINE,
    GET_LINEINFO,
    LINE_INFO,
    LINE_REQUEST,
    PinFile,
    line_request,
    off,
    read_pin_file,
    write_pin_file,
)
from kengd.cli import off as off_command
from kengd.errors import KengdError
from kengd.settings.plan import RelayPlan

RELAY = PinFile(pin=17, active_low=False, simulated=False, chip="pinctrl-bcm2711", socket="/nonexistent/control.sock")


@dataclass
class Kernel:
    """The kernel's side of the ioctls: chips with labels, lines with owners, what was claimed."""

    labels: dict[str, str]
    owners: dict[int, str] = field(default_factory=dict)
    claims: list[bytes] = field(default_factory=list)
    quick_thief: bool = False
    refuse: int = 0

    def ioctl(self, fd: int, request: int, data: bytes) -> bytes:
        path = os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))
        if request == GET_CHIPINFO:
            return CHIP_INFO.pack(path.encode(), self.labels[path].encode(), 58)
        assert self.labels[path] == RELAY.chip
        if request == GET_LINEINFO:
            offset = LINE_INFO.unpack(data)[2]
            owner = self.owners.get(offset)
            flags = 0 if owner is None else FLAG_USED
            return LINE_INFO.pack(b"GPIO17", (owner or "").encode(), offset, 0, flags, *(0,) * 30)
        assert request == GET_LINE
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        if self.quick_thief:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.claims.append(data)
        return data[:588] + os.dup(fd).to_bytes(4, sys.byteorder)


@pytest.fixture
def dev(tmp_path: Path) -> str:
    directory = tmp_path / "dev"
    directory.mkdir()
    for name in ("gpiochip0", "gpiochip3", "gpiochip10"):
        (directory / name).touch()
    (directory / "gpiochip1").symlink_to(directory / "gpiochip0")
    return str(directory)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel({"gpiochip0": "raspberrypi-exp-gpio", "gpiochip3": "gpio-brcmstb", "gpiochip10": RELAY.chip})
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    return kernel


@contextmanager
def daemon(path: Path, answer: bytes | None) -> Iterator[list[bytes]]:
    """Something that listens on the control socket: answers each line so, or (None) accepts and says nothing."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            line, _ = server.accept()
            with line:
                heard.append(line.recv(4096))
                if answer is not None:
                    line.sendall(answer)
                else:
                    line.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        thread.join(5)


def test_the_structures_are_those_of_the_kernels_header() -> None:
    """Sizes, ioctl numbers and places of <linux/gpio.h> ABI v2, as a C compiler says them on x86_64 and aarch64."""
    assert (CHIP_INFO.size, LINE_INFO.size, LINE_REQUEST.size) == (68, 256, 592)
    assert (GET_CHIPINFO, GET_LINEINFO, GET_LINE) == (0x8044B401, 0xC100B405, 0xC250B407)
    request = LINE_REQUEST.pack(*range(1, 65), b"who", 0xF1A65, 10, *range(100, 140), 7, 8, 9)

    def u32(at: int) -> int:
        return int.from_bytes(request[at : at + 4], sys.byteorder)

    assert [u32(0), u32(252)] == [1, 64]
    assert request[256:260] == b"who\0"
    assert int.from_bytes(request[288:296], sys.byteorder) == 0xF1A65
    assert [u32(296), u32(320), u32(560), u32(564), u32(588)] == [10, 100, 7, 8, 9]
    info = LINE_INFO.pack(b"name", b"owner", 17, 1, 1 << 40, *range(30))
    assert (info[0:4], info[32:37], info[64]) == (b"name", b"owner", 17)
    assert int.from_bytes(info[72:80], sys.byteorder) == 1 << 40


@pytest.mark.parametrize(("active_low", "flags"), [(False, 0b1000), (True, 0b1010)])
def test_the_line_becomes_an_output_at_its_resting_level_in_one_request(active_low: bool, flags: int) -> None:
    """R9: logical value 0 with no attribute that says otherwise; the polarity is a flag, so low or high follows from it."""
    wanted = LINE_REQUEST.unpack(line_request(RELAY._replace(active_low=active_low)))
    offsets, consumer, config_flags, attributes = wanted[:64], wanted[64], wanted[65], wanted[66]
    assert offsets == (17,) + (0,) * 63
    assert consumer.rstrip(b"\0") == b"kengd off"
    assert (config_flags, attributes) == (flags, 0)
    assert wanted[67:107] == (0,) * 40
    assert wanted[107:] == (1, 0, 0)


def test_with_no_daemon_the_line_is_forced_to_rest(kernel: Kernel, dev: str) -> None:
    """R11: after a crash. The chip is found by its label, its number may have moved (R14)."""
    assert "về nghỉ" in off(RELAY, dev=dev)
    assert kernel.claims == [line_request(RELAY)]


def test_without_a_known_label_the_chip_of_the_header_is_taken(kernel: Kernel, dev: str) -> None:
    """R14: by the beginning of its label."""
    off(RELAY._replace(chip=""), dev=dev)
    assert kernel.claims == [line_request(RELAY)]


def test_no_descriptor_is_left_open(kernel: Kernel, dev: str) -> None:
    """The claimed line is given back, so that the next start finds it free."""
    before = sorted(os.listdir("/proc/self/fd"))
    off(RELAY, dev=dev)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_daemon_that_answers_hushes_everything_and_keeps_its_line(kernel: Kernel, dev: str, tmp_path: Path) -> None:
    """DESIGN section 8: "If the daemon answers: hush everything"; the line is left to it."""
    path = tmp_path / "control.sock"
    kernel.owners[17] = "kengd 4711"
    with daemon(path, b'{"ok":true}\n') as heard:
        assert "đã dừng kẻng" in off(RELAY._replace(socket=str(path)), why="thử", dev=dev)
    assert json.loads(heard[0]) == {"do": "hush", "by": "kengd off", "why": "thử"}
    assert heard[0].endswith(b"\n")
    assert kernel.claims == []


def test_a_line_held_by_somebody_while_nobody_answers_is_an_error_that_names_him(kernel: Kernel, dev: str) -> None:
    """DESIGN section 8, P10: exit 1 with the owner; nothing is taken over."""
    kernel.owners[17] = "kengd 4711"
    with pytest.raises(KengdError) as caught:
        off(RELAY, dev=dev)
    assert (caught.value.code, caught.value.exit_code) == ("relay_held", 1)
    assert '"kengd 4711"' in caught.value.vi
    assert kernel.claims == []


def test_a_daemon_that_hangs_is_nobody(
    kernel: Kernel, dev: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that the kernel accepted is no answer."""
    monkeypatch.setattr(off_module, "ANSWER_S", 0.1)
    kernel.owners[17] = "kengd 4711"
    with daemon(tmp_path / "control.sock", None), pytest.raises(KengdError, match="kengd 4711"):
        off(RELAY._replace(socket=str(tmp_path / "control.sock")), dev=dev)


@pytest.mark.parametrize(
    "answer",
    [
        b'{"ok":false,"vi":"kh\xc3\xb4ng \xc4\x91\xc6\xb0\xe1\xbb\xa3c"}\n',
        b'{"ok":false,"reason":"forbidden"}\n',
        b"{}\n",
        b"[1]\n",
        b"!\n",
        b"",
    ],
)
def test_only_a_clear_yes_is_an_answer(kernel: Kernel, dev: str, tmp_path: Path, answer: bytes) -> None:
    """A daemon that refuses or babbles has not put the relay to rest: the line decides."""
    kernel.owners[17] = "kengd 4711"
    with daemon(tmp_path / "control.sock", answer), pytest.raises(KengdError) as caught:
        off(RELAY._replace(socket=str(tmp_path / "control.sock")), dev=dev)
    assert caught.value.code == "relay_held"
    assert ("kengd trả lời" in caught.value.vi) == (b"ok" in answer)


def test_a_line_that_is_snatched_meanwhile_is_held(kernel: Kernel, dev: str) -> None:
    """Between asking who holds it and claiming it."""
    kernel.quick_thief = True
    with pytest.raises(KengdError) as caught:
        off(RELAY, dev=dev)
    assert caught.value.code == "relay_held"


def test_what_the_kernel_refuses_is_said_with_the_isolator_as_the_cure(kernel: Kernel, dev: str) -> None:
    """H4: when software cannot, the padlocked isolator can."""
    kernel.refuse = errno.EPERM
    with pytest.raises(KengdError) as caught:
        off(RELAY, dev=dev)
    assert caught.value.code == "relay_off_failed"
    assert "cầu dao" in caught.value.cure


def test_a_machine_without_the_chip_says_so(kernel: Kernel, dev: str) -> None:
    """Another chip is never moved instead."""
    with pytest.raises(KengdError) as caught:
        off(RELAY._replace(chip="pinctrl-rp1"), dev=dev)
    assert caught.value.code == "gpio_chip_missing"
    assert kernel.claims == []


def test_with_simulated_pins_there_is_nothing_to_force(kernel: Kernel, dev: str, tmp_path: Path) -> None:
    """DESIGN section 8: exit 0; a daemon that runs is still told to hush."""
    simulated = RELAY._replace(simulated=True, socket=str(tmp_path / "control.sock"))
    assert "mô phỏng" in off(simulated, dev=dev)
    with daemon(tmp_path / "control.sock", b'{"ok":true}\n') as heard:
        assert "mô phỏng" in off(simulated, dev=dev)
    assert len(heard) == 1
    assert kernel.claims == []


def plan_of(known: PinFile, run: Path, state: Path) -> Any:
    """As much of a BelfryPlan as the file is made of."""
    return SimpleNamespace(
        relay=RelayPlan(known.pin, known.active_low),
        pins="simulated" if known.simulated else "kengd",
        run_dir=str(run),
        state_dir=str(state),
    )


def test_the_file_is_written_whole_and_read_back(tmp_path: Path) -> None:
    """The copy in the state directory is used when the tmpfs was emptied by a reboot, and written only on change."""
    run, state = tmp_path / "run", tmp_path / "state"
    run.mkdir()
    state.mkdir()
    plan = plan_of(RELAY, run, state)
    relay = write_pin_file(plan, RELAY.chip)
    assert relay == RELAY._replace(socket=f"{run}/control.sock")
    assert read_pin_file(run, state) == relay
    written = (state / "relay.json").stat().st_mtime_ns
    write_pin_file(plan, RELAY.chip)
    assert (state / "relay.json").stat().st_mtime_ns == written
    (run / "relay.json").unlink()
    assert read_pin_file(run, state) == relay
    (run / "relay.json").write_text('{"pin": tr')
    assert read_pin_file(run, state) == relay
    assert sorted(os.listdir(run)) == sorted(os.listdir(state)) == ["relay.json"]


def test_a_state_directory_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """P3: a full or read-only disk is no reason not to arm the buttons."""
    relay = write_pin_file(plan_of(RELAY, tmp_path, tmp_path / "nowhere"), RELAY.chip)
    assert read_pin_file(tmp_path) == relay


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"pin":"17"}', '{"pin":true,"chip":"c","socket":"s"}'])
def test_a_missing_or_broken_file_is_said_with_the_isolator_as_the_cure(tmp_path: Path, text: str | None) -> None:
    """No pin is ever guessed."""
    if text is not None:
        (tmp_path / "relay.json").write_text(text)
    with pytest.raises(KengdError) as caught:
        read_pin_file(tmp_path)
    assert caught.value.code == "no_pin_file"
    assert "cầu dao" in caught.value.cure


def post_settings(tmp_path: Path, broken: str = "") -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "run").mkdir()
    config = tmp_path / "kengd.toml"
    config.write_text(
        f'state_dir = "{tmp_path}/state"\nrun_dir = "{tmp_path}/run"\n{broken}\n[gpio]\npins = "simulated"\n'
    )
    return config


def test_the_command_finds_its_file_by_the_settings_even_when_they_are_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P3: settings edited wrongly since the last start do not keep the relay on."""
    config = post_settings(tmp_path, broken="this is = = no TOML")
    write_pin_file(plan_of(RELAY._replace(simulated=True), tmp_path / "run", tmp_path / "state"))
    assert off_command.run(argparse.Namespace(config=str(config))) == 0
    assert "mô phỏng" in capsys.readouterr().out


def test_the_command_ends_with_the_exit_codes_of_the_contract(tmp_path: Path) -> None:
    """0 simulated; 1 nothing known; 2 no settings: never the built-in example. In fresh interpreters."""
    environment = {**os.environ, "PYTHONPATH": str(Path(off_module.__file__).parents[2])}
    environment.pop("KENGD_CONFIG", None)
    config = post_settings(tmp_path)

    def kengd(*words: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "kengd", *words], env=environment, capture_output=True, timeout=60, check=False
        ).returncode

    assert kengd("--config", str(config), "off") == 1
    write_pin_file(plan_of(RELAY._replace(simulated=True), tmp_path / "run", tmp_path / "state"))
    assert kengd("--config", str(config), "off") == 0
    assert kengd("--config", str(tmp_path / "none.toml"), "off") == 2


def test_the_command_needs_nothing_but_the_standard_library() -> None:
    """R11: it must work when the installed libraries are broken; checked without site-packages."""
    source = str(Path(off_module.__file__).parents[2])
    script = f"import sys; sys.path.insert(0, {source!r}); import kengd.cli.off"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, timeout=60)


def test_systemds_own_way_in_ends_with_0_or_1_and_needs_no_settings(tmp_path: Path) -> None:
    """R11: found by directories alone; 1 when they know nothing, and the unit then tries `kengd off`."""
    assert off_module.main([str(tmp_path / "run"), str(tmp_path / "state")]) == 1
    (tmp_path / "run").mkdir()
    write_pin_file(plan_of(RELAY._replace(simulated=True), tmp_path / "run", tmp_path / "state"))
    assert off_module.main([str(tmp_path / "run"), str(tmp_path / "state")]) == 0


def test_systemds_own_way_in_imports_little() -> None:
    """P1: a relay stays closed while this is imported (seconds on a Zero 2 W with all that `kengd off` needs)."""
    source = str(Path(off_module.__file__).parents[2])
    slow = ["argparse", "dataclasses", "hashlib", "inspect", "pathlib", "tomllib", "kengd.settings", "gpiozero"]
    script = (
        f"import sys; sys.path.insert(0, {source!r}); import kengd.belfry.off; print(*sys.modules.keys() & set({slow}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout.split() == []
