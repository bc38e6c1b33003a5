"""The change from one release to another: one restart, never while ringing, and back by itself when the new one is not ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.fakeroot import FakeRoot


@pytest.fixture
def machine(tmp_path: Path) -> FakeRoot:
    return FakeRoot(tmp_path)


def test_a_new_release_is_put_in_force_with_one_restart(machine: FakeRoot) -> None:
    """Links, units and the release before; between stop and start of the bell nothing but systemd's restart."""
    old, new = machine.release("1"), machine.release("2")
    machine.put_in_force(old)
    told = machine.sh(f'change_over "{new}" "{old}" ""')
    assert told.code == 0, told.said
    assert (machine.links(), machine.unit()) == ({"current": "2", "previous": "1"}, "2")
    assert machine.asked("restart", "start", "stop") == ["restart kengd.service"]
    assert (machine.root / "bin/kengd").readlink() == machine.opt / "current/bin/kengd"


@pytest.mark.parametrize("sounding", ['{"signal": "alarm"}', '{"signal": "curfew"}'])
def test_nothing_is_changed_over_while_the_bell_sounds(machine: FakeRoot, sounding: str) -> None:
    """Asked immediately before the restart, when links and units are new already: they are put back, the bell is not touched."""
    older, old, new = machine.release("0"), machine.release("1"), machine.release("2")
    machine.put_in_force(old, older)
    (machine.fake / "sounding").write_text(sounding)
    told = machine.sh(f'change_over "{new}" "{old}" "{older}"')
    assert (told.code, "kẻng đang kêu" in told.said) == (1, True)
    assert (machine.links(), machine.unit()) == ({"current": "1", "previous": "0"}, "1")
    assert machine.asked("restart", "start", "stop") == []


def test_a_post_that_does_not_answer_is_not_taken_for_a_silent_one(machine: FakeRoot) -> None:
    """It runs, and whether it rings nobody knows: refused, unless whoever stands beside it says --force."""
    old, new = machine.release("1"), machine.release("2")
    machine.put_in_force(old)
    (machine.fake / "sounding").unlink()
    told = machine.sh(f'change_over "{new}" "{old}" ""')
    assert (told.code, "--force" in told.said, machine.links()["current"]) == (1, True, "1")
    told = machine.sh(f'force=yes; refuse_while_ringing; change_over "{new}" "{old}" "" || true')
    assert machine.links()["current"] == "1"  # answers nothing afterwards either, so it is no better than the old one
    assert "vì có --force" in told.said


def test_force_never_counts_while_the_bell_sounds(machine: FakeRoot) -> None:
    """An alarm is an alarm."""
    machine.put_in_force(machine.release("1"))
    (machine.fake / "sounding").write_text("{}")
    assert machine.sh("force=yes; refuse_while_ringing").code == 1


def test_a_post_that_is_down_can_be_changed_over(machine: FakeRoot) -> None:
    """Stopped, or failing again and again: systemd has put the relay to rest."""
    old, new = machine.release("1"), machine.release("2")
    machine.put_in_force(old)
    (machine.fake / "state").write_text("failed\n")
    assert machine.sh(f'change_over "{new}" "{old}" ""').code == 0
    assert machine.links() == {"current": "2", "previous": "1"}


def test_a_release_that_is_not_ready_is_taken_back_by_itself(machine: FakeRoot) -> None:
    """The old one runs again, with its own units and the release before it; said with the last words of the new one."""
    older, old, new = machine.release("0"), machine.release("1"), machine.release("2", fails=True)
    machine.put_in_force(old, older)
    told = machine.sh(f'change_over "{new}" "{old}" "{older}"')
    assert told.code == 1 and "đã tự quay lại bản 1" in told.said and "lời cuối" in told.said
    assert (machine.links(), machine.unit()) == ({"current": "1", "previous": "0"}, "1")
    assert (machine.fake / "runs").read_text() == "1\n"


def test_when_neither_release_starts_it_is_said_as_loud_as_can_be(machine: FakeRoot) -> None:
    """A keeper must know that the button does nothing."""
    old, new = machine.release("1", fails=True), machine.release("2", fails=True)
    machine.put_in_force(old)
    told = machine.sh(f'change_over "{new}" "{old}" ""')
    assert told.code == 1 and "NÚT BẤM KHÔNG CÓ TÁC DỤNG" in told.said


@pytest.mark.parametrize(
    ("shape", "calls"), [("same", ["restart"]), ("older", ["restart"]), ("newer", ["stop", "start"])]
)
def test_the_book_is_looked_after_only_while_the_bell_is_down_anyway(
    machine: FakeRoot, shape: str, calls: list[str]
) -> None:
    """A book that the elder release knows costs the bell nothing; a newer one is brought back between stop and start."""
    old, new = machine.release("1"), machine.release("2")
    machine.put_in_force(new, old)
    (machine.root / "var/before/2").mkdir(parents=True)
    (machine.root / "var/before/2/book.db").touch()
    (machine.fake / "since").write_text(f"{shape}\n3 mục ghi từ lúc nâng cấp\n")
    told = machine.sh(f'change_over "{old}" "{new}" "{old}" "{new}"')
    assert told.code == 0, told.said
    assert [call.split()[0] for call in machine.asked("restart", "stop", "start")] == calls
    assert ("3 mục ghi từ lúc nâng cấp" in told.said) == (shape == "newer")
    assert machine.asked("back") == (["back while inactive"] if shape == "newer" else [])


def test_systemd_is_told_of_new_units_only(machine: FakeRoot) -> None:
    """Installed again: nothing is written, nothing reloaded."""
    new = machine.release("1")
    machine.put_in_force(new)
    machine.sh(f'lay_out "{new}"; : >"$FAKE/calls"; lay_out "{new}"')
    assert machine.asked("daemon-reload", "daemon-reexec", "try-restart") == []


def test_beside_current_and_previous_nothing_is_kept(machine: FakeRoot) -> None:
    """Releases and the copies of the book made before them; a card is small."""
    one, two, three = machine.release("1"), machine.release("2"), machine.release("3")
    assert one.exists()
    machine.put_in_force(three, two)
    for name in ("1", "2", "3"):
        (machine.root / "var/before" / name).mkdir(parents=True)
    machine.sh("prune")
    assert sorted(path.name for path in (machine.opt / "releases").iterdir()) == ["2", "3"]
    assert sorted(path.name for path in (machine.root / "var/before").iterdir()) == ["2", "3"]


def test_a_release_with_one_changed_byte_is_not_intact(machine: FakeRoot) -> None:
    """A rotten card is noticed before it is put in force."""
    release = machine.release("1")
    (release / ".complete").unlink()
    assert machine.sh(f'seal "{release}"; intact "{release}"').code == 0
    (release / "bin/kengd").write_text("x")
    assert machine.sh(f'intact "{release}"').code == 1


def test_a_release_that_was_cut_short_does_not_count(machine: FakeRoot) -> None:
    """Power lost while it was built: it has no seal, so nothing takes it for a release."""
    old, half = machine.release("1"), machine.release("2")
    (half / ".complete").unlink()
    machine.put_in_force(old, half)
    assert machine.sh('printf "[%s]" "$(release_at current)" "$(release_at previous)"').said == f"[{old}][]"
