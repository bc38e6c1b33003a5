"""The hub's codebook and timetable over the settings file, with versions and a way back."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.settings.find import load
from kengd.settings.load_plan import read
from kengd.settings.problems import SettingsError
from kengd.settings.store import directory
from kengd.settings.versions import apply_codebook_overlay, apply_timetable_overlay, revert_overlay

Write = Callable[..., str]
FOG: dict[str, Any] = {"signals": {"fog": {"kind": "routine", "name": "Sương mù", "pattern": "6 tiếng thong thả"}}}
LINES: list[dict[str, Any]] = [
    {"at": "21:00", "days": ["mon", "tue"], "signal": "curfew", "grace_s": 60, "except": ["1/1 âm"]}
]


def signals(config: str) -> list[str]:
    """Signal ids in force."""
    return [signal.id for signal in load(config).plan.signals]


def times(config: str) -> list[str]:
    """Times of the timetable in force."""
    return [line.at for line in load(config).office_plan.timetable]


def test_the_hubs_codebook_changes_signal_by_signal_what_the_file_says(write: Write) -> None:
    """Section 7: `codebook` with a version; what it does not name stays as it was."""
    config = write()
    before = signals(config)
    loaded = apply_codebook_overlay(config, 3, FOG)
    assert signals(config) == [*before, "fog"]
    assert (loaded.plan.codebook_version, load(config).plan.codebook_version) == (3, 3)


def test_the_hubs_timetable_replaces_the_files_lines(write: Write) -> None:
    """Section 7: `timetable` with a version."""
    config = write()
    assert apply_timetable_overlay(config, 1, LINES).plan.timetable_version == 1
    assert times(config) == ["21:00"]
    assert [line.id for line in load(config).timetable] == ["21:00/curfew/t2,t3"]


def test_the_belfry_finds_the_new_version_compiled(write: Write) -> None:
    """A reload does not wait for the compiler, so a ring is not disturbed by it."""
    config = write()
    loaded = apply_codebook_overlay(config, 1, FOG)
    ready = read(directory(Path(loaded.plan.state_dir)) / loaded.compiled_name)
    assert ready is not None and ready.plan == loaded.plan


BAD_BOOKS: list[Any] = [
    {"signals": {"alarm": {"pattern": "3 tieng"}}},
    {"signals": {"alarm": {"pattern": "hú 5 giây"}}},
    {"signals": {"alarm": {"pattern": "9 tiếng mỗi tiếng 50 ms"}}},
    {"signals": {"alarm": {"remove": True}}},
    {"signals": {"curfew": {"remove": True}}},
    {"signals": {"fog": {"kind": "loud", "name": "x", "pattern": "1 tiếng"}}},
    {"signals": []},
    {"use": "nowhere"},
    {"unknown": 1},
    {"signals": {"fog": {"kind": "routine", "name": "x" * 100_000, "pattern": "1 tiếng"}}},
    [],
    None,
    {"signals": {"x": float("nan")}},
]


@pytest.mark.parametrize("book", BAD_BOOKS)
def test_a_codebook_that_cannot_be_used_here_is_refused_and_changes_nothing(write: Write, book: Any) -> None:
    """Section 7: refused `cannot_play`; the one in force stays."""
    config = write()
    apply_codebook_overlay(config, 1, FOG)
    before = signals(config)
    with pytest.raises(SettingsError) as caught:
        apply_codebook_overlay(config, 2, book)
    assert caught.value.code == "cannot_play"
    assert (signals(config), load(config).plan.codebook_version) == (before, 1)


BAD_LINES: list[Any] = [
    [{"at": "25:00", "signal": "curfew"}],
    [{"at": "21:00", "signal": "alarm"}],
    [{"at": "21:00"}],
    [{"at": "21:00", "signal": "curfew", "loud": True}],
    [LINES[0], LINES[0]],
    [3],
    {},
]


@pytest.mark.parametrize("lines", BAD_LINES)
def test_a_timetable_that_cannot_be_rung_is_refused_and_changes_nothing(write: Write, lines: Any) -> None:
    """Section 7: as the codebook."""
    config = write()
    with pytest.raises(SettingsError):
        apply_timetable_overlay(config, 2, lines)
    assert (times(config), load(config).plan.timetable_version) == (["22:00"], 0)


def test_a_problem_in_the_hubs_version_is_not_blamed_on_a_line_of_the_file(write: Write) -> None:
    """The officer sees that it is his version that is wrong, not the installer's file."""
    with pytest.raises(SettingsError) as caught:
        apply_timetable_overlay(write(), 2, BAD_LINES[1])
    assert [(problem.where, problem.line) for problem in caught.value.problems] == [("timetable[1].signal", None)]
    assert "bản do xã gửi" in caught.value.vi


def test_a_lower_version_is_stale_and_the_same_one_again_is_no_change(write: Write) -> None:
    """Section 7: refused `stale_version`; a repeated command is answered, not refused."""
    config = write()
    apply_timetable_overlay(config, 5, LINES)
    assert apply_timetable_overlay(config, 5, LINES).plan.timetable_version == 5
    for version, lines in ((4, LINES), (5, [])):
        with pytest.raises(KengdError) as caught:
            apply_timetable_overlay(config, version, lines)
        assert caught.value.code == "stale_version"
    wrong: list[Any] = [0, -1, True, 2**60, "6"]
    for number in wrong:
        with pytest.raises(SettingsError):
            apply_timetable_overlay(config, number, LINES)
    assert load(config).plan.timetable_version == 5


def test_there_is_a_way_back_and_forth_again(write: Write) -> None:
    """Issue section 5: codebook and timetable changes with versions and a way back."""
    config = write()
    with pytest.raises(KengdError):
        revert_overlay(config, "timetable")
    apply_timetable_overlay(config, 1, LINES)
    apply_timetable_overlay(config, 2, [])
    seen = [revert_overlay(config, "timetable").plan.timetable_version for _ in range(3)]
    assert (seen, times(config)) == ([1, 2, 1], ["21:00"])


def test_the_way_back_from_the_first_version_is_the_file(write: Write) -> None:
    """Before the hub's first version the settings file itself was in force."""
    config = write()
    before = signals(config)
    apply_codebook_overlay(config, 7, FOG)
    assert revert_overlay(config, "codebook").plan.codebook_version == 0
    assert signals(config) == before
    assert revert_overlay(config, "codebook").plan.codebook_version == 7


def test_the_hubs_versions_are_kept_tight(write: Write, tmp_path: Path) -> None:
    """P12: only the daemon's user reads and writes them."""
    apply_codebook_overlay(write(), 1, FOG)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state" / "settings").iterdir()}
    assert modes == {0o600}


def test_a_disk_that_takes_nothing_is_said_and_the_old_version_stays(write: Write, tmp_path: Path) -> None:
    """A version that would be gone after the next start is not taken over."""
    (tmp_path / "state").write_text("not a directory")
    config = write()
    with pytest.raises(KengdError) as caught:
        apply_timetable_overlay(config, 1, LINES)
    assert caught.value.code == "state_unwritable"
    assert times(config) == ["22:00"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": "x", "codebook": 3}', b"\xff"])
def test_a_damaged_version_counts_as_none(write: Write, tmp_path: Path, content: bytes) -> None:
    """R40: a spoilt card does not stop the start; the settings file counts."""
    settings = tmp_path / "state" / "settings"
    settings.mkdir(parents=True)
    (settings / "codebook.json").write_bytes(content)
    (settings / "timetable.json").write_bytes(content)
    assert times(write()) == ["22:00"]


@pytest.mark.parametrize(
    "changed",
    [
        {"alarm": {"pattern": "1 tiếng"}},
        {"alarm": {"pattern": "3 tiếng dồn dập"}},
        {
            "curfew": {"pattern": "(3 tiếng dồn dập; nghỉ 1 giây) 9 lần"},
            "alarm": {"pattern": "(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"},
        },
    ],
)
def test_an_alarm_that_nobody_would_take_for_one_is_refused_from_afar(write: Write, changed: Any) -> None:
    """H12, H18: from the hub, an alarm under 10 s or one that sounds like a calm ring is `cannot_play`; the old one stays."""
    config = write()
    before = load(config).plan.signals
    with pytest.raises(SettingsError) as refused:
        apply_codebook_overlay(config, 1, {"signals": changed})
    assert refused.value.code == "cannot_play"
    assert load(config).plan.signals == before


def test_an_alarm_of_half_a_minute_is_taken_from_the_hub(write: Write) -> None:
    """A finite alarm is a good alarm, as long as it is long enough to be heard."""
    finite = {"signals": {"alarm": {"pattern": "(5 tiếng dồn dập; nghỉ 2 giây) 10 lần"}}}
    assert apply_codebook_overlay(write(), 1, finite).plan.codebook_version == 1
