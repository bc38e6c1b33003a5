"""The trial before a change-over: a whole post of this very program on simulated pins, and what it answers when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.cli.trial_post import Trial
from kengd.errors import KengdError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place() -> Iterator[Path]:
    """A short name: a socket lies in it."""
    found = Path(tempfile.mkdtemp(prefix="kt-", dir="/tmp"))
    yield found
    shutil.rmtree(found)


def trial(place: Path, program: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`kengd trial post` of the program in this directory."""
    command = [sys.executable, "-P", "-m", "kengd", "--config", "/nowhere", "trial", "post", "--dir", str(place)]
    return subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_a_good_release_rings_by_its_score_and_its_book_is_whole(place: Path) -> None:
    """Nothing is left running."""
    done = trial(place)
    assert done.returncode == 0, done.stderr
    assert "đúng sơ đồ" in done.stdout and "nguyên vẹn" in done.stdout
    left = subprocess.run(["pgrep", "-f", str(place)], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_a_program_that_cannot_be_loaded_is_told_with_its_last_words(place: Path, tmp_path: Path) -> None:
    """What install.sh shows before it refuses."""
    shutil.copytree(ROOT / "kengd", tmp_path / "kengd", ignore=shutil.ignore_patterns("__pycache__"))
    broken = tmp_path / "kengd/belfry/player.py"
    broken.write_text(broken.read_text() + "raise ImportError('sabotaged')\n")
    done = trial(place, tmp_path)
    assert done.returncode == 1 and "trial_failed" in done.stderr and "sabotaged" in done.stderr


SCORE = [(0, 1), (120, 0), (900, 1), (1_020, 0)]
LATE = [(0, 1), (120, 0), (1_500, 1), (1_620, 0)]
CROSSED = [(0, 1), (120, 1), (900, 0), (1_020, 0)]
Edges = list[tuple[int, int]]


@pytest.mark.parametrize(
    ("soundings", "told"),
    [
        ([SCORE], ""),
        ([LATE, LATE, SCORE], ""),
        ([LATE, LATE, LATE], "nhịp thử lệch 600, 600, 600 ms"),
        ([CROSSED], "sai thứ tự"),
    ],
)
def test_another_rhythm_than_the_score_is_refused(soundings: list[Edges], told: str, tmp_path: Path) -> None:
    """Every edge in its order, none half a second late. A busy machine is given three soundings; a wrong order is none of its faults."""
    rung: list[Edges] = []

    class Seen(Trial):
        def edges(self) -> Edges:
            return [(5_000 * n + at_ms, on) for n, sounding in enumerate(rung) for at_ms, on in sounding]

        def press(self, button: str, hold_ms: int) -> None:
            if button == "alarm":
                rung.append(soundings[len(rung)])

        def at_rest(self) -> bool:
            return True

    with subprocess.Popen(["true"]) as process:
        canned = Seen(process, 0, tmp_path / "log")
        if not told:
            canned.ring_in_time(SCORE)
        else:
            with pytest.raises(KengdError, match=told):
                canned.ring_in_time(SCORE)
    assert rung == soundings
