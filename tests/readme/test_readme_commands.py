"""The README's commands are run as a reader would paste them, and print what it shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.wire.signing import public_text, read_private_key
from tests.readme.pages import ROOT, Shown, console, example

READY_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory to work in."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A reader's shell: `kengd` on PATH, and the two lines that the README says come first."""
    programs = tmp_path_factory.mktemp("bin")
    kengd = programs / "kengd"
    kengd.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m kengd "$@"\n')
    kengd.chmod(0o755)
    changes = {"PATH": f"{programs}:{os.environ['PATH']}", "KENGD_CONFIG": str(ROOT / "deploy" / "kengd.example.toml")}
    return {**os.environ, **changes, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}


def pasted(command: str, desk: Path, surroundings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command, run by bash in this directory."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=desk,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run_all(shown: list[Shown], desk: Path, surroundings: dict[str, str]) -> None:
    """Each ends with 0 and prints what the README shows on standard output."""
    for step in shown:
        done = pasted(step.command, desk, surroundings)
        assert done.returncode == 0, (step.command, done.stdout, done.stderr)
        assert step.fits(done.stdout), (step.command, done.stdout)


BLOCKS = console("run")


@pytest.mark.parametrize("shown", BLOCKS, ids=lambda shown: " ".join(shown[0].command.split()[:2]))
def test_what_the_readme_runs_prints_what_it_shows(
    shown: list[Shown], desk: Path, surroundings: dict[str, str]
) -> None:
    """check, rehearse, score and the making of a key, with their very output."""
    run_all(shown, desk, surroundings)


def test_the_blocks_to_be_run_are_all_found() -> None:
    """A marker with a slip of the pen would be a command that nobody runs."""
    commands = [step.command for shown in (*BLOCKS, *console("run demo")) for step in shown]
    assert len(commands) == 22
    for name in ("check", "rehearse", "score", "status", "ring", "hush", "silence", "journal", "doctor", "command"):
        assert any(f" {name} " in f"{command} " and "kengd" in command for command in commands), name


def test_the_key_made_as_shown_is_one_that_kengd_reads(desk: Path, surroundings: dict[str, str]) -> None:
    """PKCS8 PEM for the hub; what openssl prints is what the settings of a post want."""
    make, tell = next(shown for shown in BLOCKS if "openssl" in shown[0].command)
    assert pasted(make.command, desk, surroundings).returncode == 0
    printed = pasted(tell.command, desk, surroundings).stdout.strip()
    assert printed == public_text(read_private_key((desk / "hub.pem").read_bytes()))


class Demo:
    """`kengd demo --dir demo`, running in the reader's directory."""

    def __init__(self, desk: Path, surroundings: dict[str, str]) -> None:
        self.said = desk / "greeting"
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                ["kengd", "demo", "--dir", "demo"], cwd=desk, env=surroundings, stdout=out, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C" not in self.said.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said.read_text()
                self.end()  # a demo that is merely slow must not go on without its test
                raise AssertionError(f"the demo is not ready: {said}")
            time.sleep(0.1)
        self.greeting = self.said.read_text()

    def end(self) -> str:
        """As Ctrl-C does; what it said at last."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.said.read_text().splitlines()[-1]


@pytest.fixture(scope="module")
def demo(desk: Path, surroundings: dict[str, str]) -> Iterator[Demo]:
    """One demo for all tests here; ended whatever happens."""
    running = Demo(desk, surroundings)
    yield running
    if running.process.poll() is None:
        running.end()


def test_the_greeting_is_the_one_shown(demo: Demo) -> None:
    """What a new user sees first."""
    assert Shown("", example("greeting")).fits(demo.greeting[demo.greeting.index("Xã Cộng Lạc") :])


@pytest.mark.parametrize("shown", console("run demo"), ids=lambda shown: shown[0].command.split()[-1])
def test_commands_for_a_running_demo_do_what_is_shown(
    shown: list[Shown], demo: Demo, desk: Path, surroundings: dict[str, str]
) -> None:
    """status, ring, hush, silence, journal, doctor and command, on a post that runs."""
    run_all(shown, desk, surroundings)


def test_the_hub_is_called_as_shown(demo: Demo, desk: Path, surroundings: dict[str, str]) -> None:
    """From the first sign-in to a program's token and a ring that is followed, with the demo's address and password."""
    settings = tomllib.loads((desk / "demo/hub/hub.toml").read_text("utf-8"))
    _, first = (desk / "demo/hub/first-login.txt").read_text("utf-8").split()
    script = example("hub_api").replace("127.0.0.1:8080", f"127.0.0.1:{settings['web']['port']}")
    done = pasted("set -e\n" + script.replace("the first password", first), desk, surroundings)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout[done.stdout.rindex('{"now_ms"') :])
    assert [(one["post"], one["state"]) for one in last["targets"]] == [("cong-lac-1", "tested")], last


def test_the_three_things_to_try_work_as_they_are_printed(demo: Demo, desk: Path, surroundings: dict[str, str]) -> None:
    """Press, hush, a signed command, the book: copied from the greeting, pasted into another window."""
    lines = [line.strip() for line in demo.greeting.splitlines()]
    press, hush, command, book = [
        line for line in lines if re.search(r"/sim/press| command --key | journal show$", line)
    ]
    for line in (press, hush, command):
        assert pasted(line, desk, surroundings).returncode == 0, line
        time.sleep(1.6 if line == press else 0.3)  # the finger stays on the button for a second and a half
    wanted = ["đánh kẻng", "bị ngắt", "có người dừng", "nút bấm"]
    deadline = time.monotonic() + 10
    while not all(words in (said := pasted(book, desk, surroundings).stdout) for words in wanted):
        assert time.monotonic() < deadline, said


def test_a_post_can_be_found_by_other_programs_through_demo_json(demo: Demo, desk: Path) -> None:
    """Section 8: paths and ports of everything that runs."""
    card = json.loads((desk / "demo" / "demo.json").read_text())
    assert len(card["posts"]) == 5 and card["kid"] == "demo-1"


def test_ctrl_c_ends_everything(demo: Demo, desk: Path) -> None:
    """The last line of the greeting is true; the last test here."""
    assert demo.end() == "Đã dừng tất cả."
    assert demo.process.returncode == 0
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(desk / "demo").encode() in _command_line(entry)
    ]
    assert left == []


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
