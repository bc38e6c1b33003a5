"""`kengd demo` with a real mosquitto and stand-in posts: whatever ends it, nothing is left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kengd.cli.demo_ending import Seen, end, look_at, running, with_descendants

STAND_IN = Path(__file__).with_name("demo_stand_in.py")
ROOT = Path(__file__).parents[2]
LAST_LINE = "Bấm Ctrl-C để dừng tất cả."


class Demo:
    """One demo, its output read line by line."""

    def __init__(self, directory: Path, mode: str = "meek") -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, str(STAND_IN), str(directory), mode],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def greeted(self) -> str:
        """Wait for the greeting; everything said so far."""
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.rstrip("\n") == LAST_LINE:
                break
        return "".join(said)

    def ended(self) -> tuple[int, str]:
        """Wait for its end: exit code and the rest of what it said."""
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def card(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.directory / "demo.json").read_text())
        return found

    def below(self) -> list[Seen]:
        """All that it started, to the last grandchild."""
        live = running()
        return [live[pid] for pid in with_descendants({self.process.pid}, live) - {self.process.pid}]


def still_there(processes: list[Seen]) -> list[Seen]:
    return [seen for seen in processes if (now := look_at(seen.pid)) and now.start == seen.start]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start demos; what a failed test leaves is ended too."""
    demos: list[Demo] = []
    below: list[Seen] = []

    def starter(*, mode: str = "meek") -> Demo:
        demos.append(Demo(tmp_path / "thử 'một'", mode))
        return demos[-1]

    yield starter
    for demo in demos:
        below += demo.below()
        demo.process.kill()
        demo.process.wait()
        if demo.process.stdout:
            demo.process.stdout.close()
    end(below, 0.0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_leaves_nothing_behind(start: Callable[..., Demo], how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end broker, posts and grandchildren, also those in sessions of their own; demo.json goes too."""
    demo = start()
    greeting = demo.greeted()
    assert greeting.rstrip("\n").rsplit("\n", 1)[-1] == LAST_LINE
    below = demo.below()
    assert len(below) == 2 + 5 + 10
    rows = json.loads((demo.directory / "processes.json").read_text())["processes"]
    assert [os.getsid(row["pid"]) for row in rows] == [row["pid"] for row in rows], "Ctrl-C is for the demo alone"

    card = demo.card()
    assert sorted(card) == ["broker", "hub", "hub_key", "kid", "posts"]
    posts = card["posts"]
    assert isinstance(posts, list)
    assert [post["post"] for post in posts] == [f"cong-lac-{number}" for number in range(1, 6)]
    for post in posts:
        assert sorted(post) == ["config", "post", "web"]
        assert tomllib.loads(Path(post["config"]).read_text())["post"]["id"] == post["post"]
        with urllib.request.urlopen(post["web"] + "/healthz", timeout=5) as answer:
            assert answer.status == 200
    assert (demo.directory / "hub.pem").stat().st_mode & 0o777 == 0o600

    demo.process.send_signal(how)
    code, said = demo.ended()
    assert (code, said.strip()) == (0, "Đã dừng tất cả.")
    assert still_there(below) == []
    assert not (demo.directory / "demo.json").exists()


def test_the_next_start_ends_what_a_killed_demo_left(start: Callable[..., Demo]) -> None:
    """After SIGKILL of the demo the broker goes by itself; posts that ignore SIGTERM are found and ended at the next start."""
    demo = start(mode="stubborn")
    demo.greeted()
    below = demo.below()
    rows = json.loads((demo.directory / "processes.json").read_text())["processes"]
    assert (rows[0]["name"], len(rows)) == ("mosquitto", 7)
    broker = os.pidfd_open(rows[0]["pid"])
    demo.process.kill()
    demo.process.wait()
    assert select.select([broker], [], [], 10)[0], "the kernel was to end the broker with the demo"
    os.close(broker)
    left = still_there(below)
    assert len(left) >= 10, "the stand-ins were meant to survive"

    following = start()
    assert "đã dọn" in following.greeted()
    assert still_there(below) == []
    following.process.terminate()
    assert following.ended()[0] == 0


def test_a_pid_that_changed_hands_is_left_alone(start: Callable[..., Demo], tmp_path: Path) -> None:
    """The ledger of a killed demo names pid and start time: a stranger who has the pid by now is not touched."""
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        seen = look_at(stranger.pid)
        assert seen
        directory = tmp_path / "thử 'một'"
        directory.mkdir()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        row = {"name": "mosquitto", "pid": seen.pid, "start": seen.start - 1}
        (directory / "processes.json").write_text(json.dumps({"boot": boot, "processes": [row]}))
        demo = start()
        assert "đã dọn" not in demo.greeted()
        assert still_there([seen]) == [seen]
        demo.process.terminate()
        assert demo.ended()[0] == 0
        assert still_there([seen]) == [seen]
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_demo_in_the_same_directory_is_refused(start: Callable[..., Demo]) -> None:
    """One demo a directory; the one that lives goes on undisturbed."""
    demo = start()
    demo.greeted()
    below = demo.below()
    code, said = start().ended()
    assert code == 1
    assert "[demo_running]" in said
    assert "đang có một bản chạy thử khác" in said
    assert still_there(below) == below
    assert demo.card()["kid"] == "demo-1"


def test_what_dies_is_started_again(start: Callable[..., Demo]) -> None:
    """As systemd would: broker and posts come back by themselves, and the demo says so."""
    demo = start()
    demo.greeted()
    assert demo.process.stdout
    rows = json.loads((demo.directory / "processes.json").read_text())["processes"]
    broker = next(row for row in rows if row["name"] == "mosquitto")
    os.kill(broker["pid"], signal.SIGKILL)
    assert demo.process.stdout.readline().startswith("mosquitto đã dừng (mã -9), mở lại sau")
    assert demo.process.stdout.readline() == "mosquitto đã được mở lại.\n"
    rows = json.loads((demo.directory / "processes.json").read_text())["processes"]
    anew = next(row for row in rows if row["name"] == "mosquitto")
    assert anew["pid"] != broker["pid"] and look_at(anew["pid"])
    demo.process.terminate()
    assert demo.ended()[0] == 0


def test_a_post_that_cannot_start_is_named_with_the_end_of_its_log(start: Callable[..., Demo]) -> None:
    """No endless waiting: the demo ends with the post's own words, and nothing is left running."""
    demo = start(mode="dying")
    code, said = demo.ended()
    assert code == 1
    assert "[demo_failed]" in said
    assert "không mở được sổ" in said
    assert not (demo.directory / "demo.json").exists()
