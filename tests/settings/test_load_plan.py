"""Compiled settings: fast, small, tight, and falling back to what worked (P3)."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.settings import store, where
from kengd.settings.compile import main
from kengd.settings.find import load
from kengd.settings.load_plan import compiled, last_good_instead, mark_good

Write = Callable[..., str]
REAL = ('pins = "simulated"', 'pins = "kengd"')


REAL_RUN = subprocess.run


def run_here(command: list[str], **given: Any) -> SimpleNamespace:
    """The compiler in this process: what the other process would print (three tests below use the real one)."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main(command[3:])
    return SimpleNamespace(stdout=out.getvalue().encode())


@pytest.fixture(autouse=True)
def compiler_runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The compiler's command lines."""
    runs: list[list[str]] = []

    def noted(command: list[str], **given: Any) -> SimpleNamespace:
        runs.append(command[2:])
        return run_here(command)

    monkeypatch.setattr("kengd.settings.load_plan.subprocess.run", noted)
    return runs


@pytest.fixture
def real_compiler(compiler_runs: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler as a process of its own, as on a post."""
    monkeypatch.setattr("kengd.settings.load_plan.subprocess.run", REAL_RUN)


@pytest.mark.usefixtures("real_compiler")
def test_the_plan_that_was_compiled_is_the_plan_that_was_read(write: Write) -> None:
    """Nothing is lost or changed on the way through the file; a second start needs no compiler."""
    config = write()
    loaded, read = compiled(config), load(config)
    assert (loaded.plan, loaded.office_plan, loaded.fell_back) == (read.plan, read.office_plan, None)
    assert loaded.path is not None and loaded.path.name == read.compiled_name


def test_settings_are_compiled_once_and_again_only_when_something_changed(
    write: Write, compiler_runs: list[list[str]]
) -> None:
    """The belfry starts on plain data keyed by a hash of all that went in."""
    config = write()
    for _ in range(3):
        compiled(config)
    assert len(compiler_runs) == 1
    assert compiled(write(("alarm_s = 180", "alarm_s = 90"))).plan.limits.alarm_ms == 90_000
    assert len(compiler_runs) == 2


def test_settings_edited_wrongly_do_not_stop_a_post_that_started_well(write: Write) -> None:
    """P3: the belfry starts on the last settings that worked and can say why."""
    good = compiled(write(("alarm_s = 180", "alarm_s = 99")))
    mark_good(good)
    for spoilt in (
        ("[post]", "[post"),
        ("alarm_s", "alarms_s"),
        ('does = "alarm"', 'does = "x"'),
        ("pin = 17", "pin = 99"),
    ):
        again = compiled(write(spoilt))
        assert (again.plan, again.office_plan, again.path) == (good.plan, good.office_plan, good.path)
        assert again.fell_back is not None and again.fell_back.code == "settings_invalid"
        assert "dòng" in again.fell_back.vi


def test_settings_that_read_well_but_do_not_start_give_way_to_the_last_good_ones(write: Write) -> None:
    """P3: a pin driver or a pin that is not to be had is found out only at the start."""
    good = compiled(write())
    mark_good(good)
    config = write(("pin = 5", "pin = 7"))
    busy = KengdError("pin_busy", "chân GPIO7 đang bị giữ")
    assert compiled(config).plan.buttons[0].pin == 7
    instead = last_good_instead(config, busy)
    assert (instead.plan, instead.fell_back) == (good.plan, busy)
    mark_good(compiled(config))
    with pytest.raises(KengdError) as caught:
        last_good_instead(config, busy)
    assert caught.value is busy


def test_a_card_that_returns_errors_keeps_no_post_from_starting(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: settings that were compiled and kept before, on a card that now answers each question with EIO."""
    config = write()
    good = compiled(config)
    mark_good(good)
    kept, ask = os.fspath(tmp_path / "state"), os.stat

    def dead_card(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(kept):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return ask(path, *args, **kwargs)

    def cannot_read(path: Path) -> bytes:
        if os.fspath(path).startswith(kept):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return Path(path).open("rb").read()

    monkeypatch.setattr(os, "stat", dead_card)
    monkeypatch.setattr(Path, "read_bytes", cannot_read)
    loaded = compiled(config)
    assert (loaded.plan, loaded.path, loaded.fell_back) == (good.plan, None, None)
    with pytest.raises(KengdError, match="line 19"):
        compiled(write(("pin = 17", "pin = 99")))


def test_what_never_started_well_is_not_fallen_back_to(write: Write) -> None:
    """P3: compiled is not yet good; only a good start makes it so."""
    compiled(write())
    with pytest.raises(KengdError) as caught:
        compiled(write(("pin = 17", "pin = 99")))
    assert (caught.value.code, caught.value.exit_code) == ("settings_invalid", 2)
    assert "dòng 19" in caught.value.vi


def test_the_way_back_survives_wrong_settings_and_never_names_itself_good_again(write: Write) -> None:
    """P3: starting on the old settings does not make the wrong ones good."""
    good = compiled(write())
    mark_good(good)
    wrong = compiled(write(("pin = 17", "pin = 99")))
    mark_good(wrong)
    newer = compiled(write(("alarm_s = 180", "alarm_s = 90")))
    assert newer.fell_back is None
    fallen = compiled(write(("pin = 17", "pin = 99")))
    assert fallen.plan == good.plan
    mark_good(newer)
    assert compiled(write(("pin = 17", "pin = 99"))).plan == newer.plan


@pytest.mark.parametrize("spoilt", ["[post", "", 'pins = "kengd"'])
def test_simulated_pins_are_never_fallen_back_to_unless_the_file_still_asks_for_them(
    write: Write, tmp_path: Path, spoilt: str
) -> None:
    """P11: after a trial on simulated pins a typing mistake in the real settings must not leave the bell dumb."""
    mark_good(compiled(write()))
    config = write(REAL, more=f"\n{spoilt}\n[oops\n")
    with pytest.raises(KengdError):
        compiled(config)
    Path(config).write_text(f'state_dir = "{tmp_path}/state"\nbroken', encoding="utf-8")
    with pytest.raises(KengdError):
        compiled(config)


def test_only_settings_of_the_same_file_are_fallen_back_to(write: Write, tmp_path: Path) -> None:
    """A second post that shares a state directory by mistake does not start as the first one."""
    mark_good(compiled(write()))
    other = tmp_path / "other.toml"
    other.write_text(Path(write(("pin = 17", "pin = 99"))).read_text())
    with pytest.raises(KengdError):
        compiled(str(other))


def test_a_damaged_compiled_file_is_compiled_again(write: Write, compiler_runs: list[list[str]]) -> None:
    """R40: a spoilt card does not feed the belfry half a plan."""
    loaded = compiled(write())
    assert loaded.path is not None
    content = loaded.path.read_bytes()
    for damage in (b"", content[:-20], content.replace(b'"pin":17', b'"pin":18'), os.urandom(200)):
        loaded.path.write_bytes(damage)
        assert compiled(write()).plan == loaded.plan
    assert len(compiler_runs) == 5


def test_a_disk_that_takes_nothing_does_not_stop_the_start(write: Write, tmp_path: Path) -> None:
    """P3: a button alarm needs no disk; the plan comes straight from the compiler."""
    (tmp_path / "state").write_text("not a directory")
    loaded = compiled(write())
    assert (loaded.plan.relay.pin, loaded.path, loaded.fell_back) == (17, None, None)
    mark_good(loaded)


@pytest.mark.parametrize(
    "spoilt",
    [
        ('signal = "curfew"', 'signal = "nothing"'),
        ('public = "AAAA', 'public = "!'),
        ('host = "127.0.0.1"\n', ""),
        ("[broker]", "[web]\nport = 0\n[broker]"),
    ],
)
def test_a_first_start_with_a_wrong_office_part_arms_the_buttons_and_says_what_is_wrong(
    write: Write, spoilt: tuple[str, str]
) -> None:
    """H23: with bad settings, missing key, no broker the post starts, arms its buttons and says what is missing."""
    loaded = compiled(write(spoilt))
    assert [button.does for button in loaded.plan.buttons] == ["alarm", "hush"]
    assert loaded.fell_back is not None and "dòng" in loaded.fell_back.vi
    assert loaded.path is None
    mark_good(loaded)
    assert store.last_good(Path(loaded.plan.state_dir)) is None


@pytest.mark.parametrize("spoilt", [("port", "prt"), ("pin = 5", "pin = 17"), ("[broker]", "[brokr]")])
def test_a_first_start_with_an_unknown_key_or_a_wrong_pin_is_refused(write: Write, spoilt: tuple[str, str]) -> None:
    """Section 8: an unknown key stops the start, in the office's part too; so does anything wrong about the pins."""
    with pytest.raises(KengdError) as caught:
        compiled(write(("ca =", "port = 1883\nca ="), spoilt))
    assert caught.value.exit_code == 2


def test_files_and_directories_are_tight(write: Write, tmp_path: Path) -> None:
    """P12: what is compiled is for the daemon's user alone, whatever the umask."""
    before = os.umask(0)
    try:
        mark_good(compiled(write()))
    finally:
        os.umask(before)
    settings = tmp_path / "state" / "settings"
    modes = {path.name.split("-")[0]: stat.S_IMODE(path.stat().st_mode) for path in settings.iterdir()}
    assert modes == {"compiled": 0o600, "last": 0o600}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (settings, settings.parent)] == [0o700, 0o700]


def test_old_compiled_files_do_not_pile_up(write: Write, tmp_path: Path) -> None:
    """Bounded growth: beside the newest only the last good one stays."""
    mark_good(compiled(write()))
    for seconds in range(50, 54):
        compiled(write(("alarm_s = 180", f"alarm_s = {seconds}")))
    names = sorted(path.name.split("-")[0] for path in (tmp_path / "state" / "settings").iterdir())
    assert names == ["compiled", "compiled", "last"]


def test_the_start_path_brings_no_pydantic() -> None:
    """Section 4: the belfry carries standard library and pure rooms only."""
    code = "import sys, kengd.settings.load_plan, kengd.settings.where; print(*sorted(sys.modules))"
    loaded = REAL_RUN([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    forbidden = {"pydantic", "pydantic_core", "sqlmodel", "fastapi", "paho", "cryptography", "gpiozero", "asyncio"}
    assert not forbidden & set(loaded)
    assert "kengd.settings.model" not in loaded


def test_a_program_that_changed_compiles_anew(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade no plan of the older program is used."""
    config = write()
    first = compiled(config)
    monkeypatch.setattr("kengd.settings.store.program", lambda: "0.0.0")
    raw, path = Path(config).read_bytes(), Path(config)
    assert store.compiled_name(raw, path, (None, None)) != (first.path and first.path.name)


@pytest.mark.usefixtures("real_compiler")
def test_a_compiler_that_hangs_or_dies_is_an_error_with_a_way_back(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: whatever becomes of the compiler, the last good settings start the post."""
    good = compiled(write())
    mark_good(good)
    monkeypatch.setattr("kengd.settings.load_plan.COMPILE_TIMEOUT_S", 0.001)
    fallen = compiled(write(("alarm_s = 180", "alarm_s = 90")))
    assert fallen.plan == good.plan
    assert fallen.fell_back is not None
    monkeypatch.setattr("kengd.settings.load_plan.sys.executable", "/bin/false")
    monkeypatch.setattr("kengd.settings.load_plan.COMPILE_TIMEOUT_S", 10)
    assert compiled(write(("alarm_s = 180", "alarm_s = 90"))).plan == good.plan


def test_a_broken_file_still_tells_where_the_state_is(write: Write, tmp_path: Path) -> None:
    """P3: the `state_dir` line of a file that cannot be read as a whole is believed; without one the system's place counts."""
    config = write(("[limits]", "[limits"))
    assert where.state_dir(config) == tmp_path / "state"
    Path(config).write_text('[post]\nstate_dir = "elsewhere"\n[[[', encoding="utf-8")
    assert where.state_dir(config) == tmp_path / "var"
    Path(config).write_text("state_dir = '/x/y' # here\n[[[", encoding="utf-8")
    assert where.state_dir(config) == Path("/x/y")


def test_systemd_says_where_the_state_is_when_the_file_does_not(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$STATE_DIRECTORY counts before /var/lib/kengd, and after the file."""
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/a:{tmp_path}/b")
    assert where.state_dir(write(('state_dir = "state"\n', ""))) == tmp_path / "a"
    assert where.state_dir(write()) == tmp_path / "state"


def test_clients_look_where_the_daemon_was_started(write: Write, tmp_path: Path) -> None:
    """`kengd hush` reaches the daemon although the file was edited, wrongly or not, since it started."""
    loaded = compiled(write(("[post]", 'run_dir = "run1"\n[post]')))
    mark_good(loaded)
    edited = write(("[post]", 'run_dir = "run2"\n[post'))
    assert where.run_dir(edited) == tmp_path / "run2"
    (tmp_path / "run1").mkdir()
    assert where.run_dir(edited) == tmp_path / "run1"


def test_many_simulated_posts_have_run_directories_of_their_own(write: Write) -> None:
    """Five posts on one machine do not meet in /run/kengd; compiler and clients agree on the place."""
    config = write()
    first = load(config).plan.run_dir
    assert str(where.run_dir(config)) == first
    other = write(('state_dir = "state"', 'state_dir = "state2"'))
    assert str(where.run_dir(other)) != first
    real = write(REAL)
    assert load(real).plan.run_dir == where.SYSTEM_RUN
    assert str(where.run_dir(real)) == where.SYSTEM_RUN
