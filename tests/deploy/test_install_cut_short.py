"""Installations that were cut short, repeated, or refused: nothing is lost by any of it, and the next one finishes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.deploy.card import Card, key_table
from tests.deploy.fakeroot import DEPLOY, FakeRoot


@pytest.fixture
def machine(tmp_path: Path) -> FakeRoot:
    return FakeRoot(tmp_path)


def _functions(script: str, *names: str) -> str:
    """These functions of a script of deploy/, without running the script."""
    text = (DEPLOY / script).read_text()
    found = [re.search(rf"^{name}\(\) \{{.*?^\}}", text, re.DOTALL | re.MULTILINE) for name in names]
    return "\n".join(each[0] for each in found if each) + "\n"


def test_a_refused_release_stays_when_it_is_the_one_to_go_back_to(machine: FakeRoot) -> None:
    """The old release's own install.sh is refused (its book is older) and says: kengd-rollback. That needs the release."""
    old, new, other = machine.release("1"), machine.release("2"), machine.release("3")
    machine.put_in_force(new, old)
    refuse = _functions("install.sh", "refuse")
    assert machine.sh(f'{refuse}refuse "{old}" "{new}" "vì thử"').code == 1
    assert old.is_dir()
    assert machine.sh(f'{refuse}refuse "{other}" "{new}" "vì thử"').code == 1
    assert not other.exists()


@pytest.mark.parametrize("signal", ["HUP", "INT", "TERM"])
def test_a_lost_terminal_in_the_change_does_not_leave_half_of_it(machine: FakeRoot, signal: str) -> None:
    """The line to the shell breaks when the links are new already: the bell is started on the new release all the same, and if
    it does not start, the old one is put back, though nobody is there to be told."""
    old, new, bad = machine.release("1"), machine.release("2"), machine.release("3", fails=True)
    machine.put_in_force(old)
    broken = f'eval "real_$(declare -f put_in_force)"\nput_in_force() {{ real_put_in_force "$@"; kill -{signal} $$; }}\nexec 2>&-\n'
    machine.sh(f'{broken}change_over "{new}" "{old}" ""')
    assert machine.links() == {"current": "2", "previous": "1"}
    assert machine.asked("restart") == ["restart kengd.service"]
    machine.sh(f'{broken}change_over "{bad}" "{new}" "{old}"')
    assert machine.links() == {"current": "2", "previous": "1"}
    assert (machine.fake / "state").read_text().strip() == "active"


def test_a_change_that_was_cut_short_is_finished_by_the_next_installation(machine: FakeRoot) -> None:
    """Links to the new release, the old one still running: "done" would only come true at the next power cut."""
    new = machine.release("2")
    machine.put_in_force(new, machine.release("1"))
    stay_with = _functions("install.sh", "stay_with")
    started = 'bash -c "exec -a $OPT/releases/{}/bin/python sleep 30" & echo $! >"$FAKE/pid"; command sleep 0.3\n'
    after = "\nkill $! || true"
    told = machine.sh(started.format("2") + f'{stay_with}stay_with "{new}"{after}')
    assert (told.code, machine.asked("restart", "start", "stop")) == (0, []), told.said
    machine.sh(started.format("1") + f'{stay_with}stay_with "{new}"{after}')
    assert machine.asked("restart", "start", "stop") == ["restart kengd.service"]


def test_the_same_installation_with_settings_may_be_run_again(machine: FakeRoot, tmp_path: Path) -> None:
    """The file given is not what lies in /etc/kengd afterwards: its keys, its mark and the line ends of Windows are gone."""
    card = Card(tmp_path / "card")
    given = tmp_path / "cài đặt.toml"
    given.write_bytes(b"\xef\xbb\xbf" + (card.settings() + key_table()).replace("\n", "\r\n").encode())
    card.drop(given.read_bytes())
    assert card.take().code == 0
    python = tmp_path / "release/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nshift\nexec env PYTHONPATH="{DEPLOY.parent}" "{sys.executable}" -P "$@"\n')
    python.chmod(0o755)
    again = (
        _functions("install.sh", "take_settings", "as_taken")
        + f'etc="{card.etc}" first_settings="{given}" scratch="{tmp_path}"\ntake_settings "{tmp_path}/release"'
    )
    told = machine.sh(again)
    assert (told.code, told.said) == (0, "")
    given.write_text(card.settings("Kẻng khác"))
    told = machine.sh(again)
    assert told.code == 1 and "đã có cài đặt" in told.said


def test_what_was_cut_short_does_not_fill_the_card(machine: FakeRoot) -> None:
    """A release without its seal, and trials; the releases in force and before stay, even with a seal lost to a bad card."""
    now, before = machine.release("2"), machine.release("1")
    machine.put_in_force(now, before)
    (now / ".complete").unlink()
    half = machine.opt / "releases/3"
    (half / "lib").mkdir(parents=True)
    trial = machine.root / "var/trial.abcdef"
    trial.mkdir()
    swept = _functions("install.sh", "sweep").replace("/var/tmp/", f"{machine.root}/tmp/")
    assert machine.sh(f"{swept}sweep").code == 0
    assert [path.exists() for path in (now, before, half, trial)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deploy/XA.KEY", "x"),
        ("deploy/thon-1.p12", "x"),
        ("deploy/Kengd.toml.txt", "x"),
        ("deploy/thon-1.toml", '[keys]\n"broker.password" = "x"\n'),
        ("deploy/thon-1.txt", '"broker.key" = """-----BEGIN PRIVATE KEY-----\r\nx\r\n'),
    ],
)
def test_a_bundle_with_a_key_in_disguise_is_refused(machine: FakeRoot, tmp_path: Path, name: str, content: str) -> None:
    """A file as Windows names it, a key in the midst of a line, the settings of one post under their own name."""
    file = tmp_path / "tree" / name
    file.parent.mkdir(parents=True)
    file.write_text(content)
    told = machine.sh(f'{_functions("wheelhouse.sh", "refuse_secrets")}refuse_secrets "{tmp_path}/tree"')
    assert told.code == 1 and name in told.said
