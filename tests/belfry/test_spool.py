"""The spool: what one boot must not forget, on a real file."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.belfry import spool as spool_room
from kengd.belfry.spool import Spool
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty.standing import Activation, Cause, Waiting
from kengd.duty.words import Draft, EntryKind, Instant, Purpose, Source, Trigger

NOW = Instant(5_000, 1_800_000_000_000)


def draft(name: str, kind: EntryKind = EntryKind.RINGING) -> Draft:
    return Draft(kind, activation=name, purpose=Purpose.ACTUAL, source=Source.BUTTON, detail={"n": name})


def names(spool: Spool) -> list[str | None]:
    return [record.draft.activation for record in spool.pending]


def alarm() -> Activation:
    score = Score((), 0, (Edge(0, True), Edge(120, False)), 1_000)
    cause = Cause("a", 1, 180_001, "alarm", Source.BUTTON, "cổng làng")
    return Activation("a", "alarm", Kind.ALARM, Purpose.ACTUAL, 1, 2, 1, 300_001, (cause,), score)


def test_entries_wait_until_the_office_has_written_them(tmp_path: Path) -> None:
    """P7: a crash of the belfry loses no entry that was not yet in the book, and brings back none that was."""
    spool = Spool(tmp_path, "boot-1", "x")
    spool.put([draft("a"), draft("b"), draft("c")], NOW, "ntp")
    spool.written(1)
    again = Spool(tmp_path, "boot-1", "y")
    assert names(again) == ["b", "c"]
    assert [record.n for record in again.put([draft("d")], NOW, "ntp")] == [4]


def test_a_key_is_held_through_a_crash_and_not_through_a_reboot(tmp_path: Path) -> None:
    """P5, P6: within one boot a key that rang never rings again; after a reboot the book remembers it instead."""
    Spool(tmp_path, "boot-1", "x").put([], NOW, "ntp", key="jti-1")
    assert Spool(tmp_path, "boot-1", "y").holds("jti-1")
    assert not Spool(tmp_path, "boot-2", "z").holds("jti-1")


def test_the_alarm_that_resumes_is_kept_and_struck(tmp_path: Path) -> None:
    """P13: the record survives a crash to the letter, and a struck record never comes back."""
    spool = Spool(tmp_path, "boot-1", "x")
    spool.keep_resume(alarm())
    crashed = Spool(tmp_path, "boot-1", "y")
    assert crashed.resume == alarm()
    crashed.keep_resume(None)
    assert Spool(tmp_path, "boot-1", "z").resume is None


def test_an_alarm_never_resumes_in_another_boot_but_its_entries_count(tmp_path: Path) -> None:
    """R19, H10: where the run directory outlives a reboot, entries are still written and nothing rings by itself."""
    spool = Spool(tmp_path, "boot-1", "x")
    spool.put([draft("a")], NOW, "ntp")
    spool.keep_resume(alarm())
    rebooted = Spool(tmp_path, "boot-2", "y")
    assert (rebooted.resume, names(rebooted)) == (None, ["a"])


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    """A crash within write(2) leaves half a line; everything before it counts."""
    spool = Spool(tmp_path, "boot-1", "x")
    spool.put([draft("a")], NOW, "ntp")
    with open(tmp_path / "spool.jsonl", "ab") as file:
        file.write(b'{"entry":{"n":2,"bo')
    assert names(Spool(tmp_path, "boot-1", "y")) == ["a"]


def test_a_full_spool_gives_up_refusals_before_activations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, and what a village needs to know is given up last."""
    monkeypatch.setattr(spool_room, "MOST_RECORDS", 3)
    spool = Spool(tmp_path, "boot-1", "x")
    for name, kind in (("a", EntryKind.RINGING), ("r", EntryKind.REFUSED), ("b", EntryKind.RINGING)):
        spool.put([draft(name, kind)], NOW, "ntp")
    spool.put([draft("c")], NOW, "ntp")
    assert names(spool) == ["a", "b", "c"]


def test_a_disk_that_fails_stops_nothing_and_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P3: a full tmpfs is a condition; the records stay in memory and are written when there is room again."""
    spool = Spool(tmp_path, "boot-1", "x")
    real = os.write

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    spool.put([draft("a")], NOW, "ntp", key="k")
    assert spool.broken is not None
    assert spool.holds("k")
    monkeypatch.setattr(os, "write", real)
    spool.put([draft("b")], NOW, "ntp")
    spool.heal()
    assert spool.broken is None
    assert names(Spool(tmp_path, "boot-1", "y")) == ["a", "b"]


def test_the_file_stays_small_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P12 and bounded growth: 0600, and written anew once everything in it is in the book."""
    monkeypatch.setattr(spool_room, "COMPACT_BYTES", 2_000)
    spool = Spool(tmp_path, "boot-1", "x")
    for _ in range(200):
        spool.written(spool.put([draft("a")], NOW, "ntp")[-1].n)
    path = tmp_path / "spool.jsonl"
    assert path.stat().st_size < 3_000
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_spool_that_was_deleted_begins_under_another_name(tmp_path: Path) -> None:
    """P7: numbers begin anew with a new spool id, so the book never takes a new entry for an old one."""
    first = Spool(tmp_path, "boot-1", "x").put([draft("a")], NOW, "ntp")
    (tmp_path / "spool.jsonl").unlink()
    second = Spool(tmp_path, "boot-1", "y").put([draft("b")], NOW, "ntp")
    assert first[0].n == second[0].n == 1
    assert first[0].boot != second[0].boot


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["put", "written", "crash", "resume", "strike"]), max_size=30))
def test_any_order_of_writes_and_crashes_keeps_what_is_pending(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """P7: a model of the pending numbers and the resume record agrees with the file after every crash."""
    directory = tmp_path_factory.mktemp("spool")
    spool = Spool(directory, "boot-1", "x")
    pending: list[int] = []
    resume = None
    for step in steps:
        if step == "put":
            pending += [record.n for record in spool.put([draft("a"), draft("b")], NOW, "ntp")]
        elif step == "written" and pending:
            spool.written(pending[0])
            pending = pending[1:]
        elif step == "crash":
            spool.close()
            spool = Spool(directory, "boot-1", "y")
        elif step in ("resume", "strike"):
            resume = alarm() if step == "resume" else None
            spool.keep_resume(resume)
        assert [record.n for record in spool.pending] == pending
        assert spool.resume == resume
    assert all(json.loads(line) for line in (directory / "spool.jsonl").read_bytes().splitlines())


def test_a_spool_that_somebody_took_away_is_made_anew(tmp_path: Path) -> None:
    """P5, P7: a cleared run directory costs nothing that this process still knows: entries, keys, the resume record."""
    run_dir = tmp_path / "run"
    spool = Spool(run_dir, "boot-1", "x")
    spool.put([draft("a")], NOW, "ntp", key="k", resume=alarm())
    shutil.rmtree(run_dir)
    spool.heal()
    again = Spool(run_dir, "boot-1", "y")
    assert (names(again), again.holds("k"), again.resume) == (["a"], True, alarm())


def test_commands_that_are_waited_for_are_known_after_a_crash_and_forgotten_after_a_reboot(tmp_path: Path) -> None:
    """P7: an officer's alarm with `at` does not vanish without a word when the belfry crashes."""
    waiting = Waiting(Trigger("w", "alarm", Purpose.ACTUAL, Source.HUB, 1, command_id="c", start_ms=9), 9, 10)
    Spool(tmp_path, "boot-1", "x").keep_waiting((waiting,))
    assert Spool(tmp_path, "boot-1", "y").waiting == (waiting,)
    assert Spool(tmp_path, "boot-2", "z").waiting == ()


def test_the_file_is_bounded_while_nobody_writes_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tmpfs is memory: resume records and keys written over and over do not fill it while the office is away."""
    monkeypatch.setattr(spool_room, "LARGEST_BYTES", 20_000)
    spool = Spool(tmp_path, "boot-1", "x")
    for n in range(300):
        spool.keep_resume(alarm() if n % 2 else None)
        assert (tmp_path / "spool.jsonl").stat().st_size < 21_000


def test_text_that_no_encoding_knows_keeps_no_bell_from_ringing(tmp_path: Path) -> None:
    """P3, P9: a lone surrogate in a reason is written as "?", never an error between the decision and the bell."""
    spool = Spool(tmp_path, "boot-1", "x")
    spool.put([draft("a\udce1b")], NOW, "ntp")
    assert names(Spool(tmp_path, "boot-1", "y")) == ["a?b"]
