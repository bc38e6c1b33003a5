"""The attendant: an office that dies or hangs is started anew with back-off; the belfry never waits for it (H21)."""

from __future__ import annotations

import os
from typing import Any

from kengd.belfry.attendant import Attendant


class FakeOffice:
    """A child process that lives until told otherwise."""

    pid = 4711

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.killed = False

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        self.killed = True
        self.returncode = -9

    def wait(self, timeout: float | None = None) -> int:
        return self.returncode or 0


class Street:
    """Spawns fake offices and remembers when."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.offices: list[FakeOffice] = []
        self.starts_ms: list[int] = []
        self.ends: list[int] = []
        self.attendant = Attendant(["office"], spawn=self.spawn)

    def spawn(self, *_: object, **given: Any) -> FakeOffice:
        assert given["close_fds"] is True
        assert len(given["pass_fds"]) == 1
        self.ends.append(os.dup(given["pass_fds"][0]))  # the child's copy: without it the line would break
        self.offices.append(FakeOffice())
        self.starts_ms.append(self.now_ms)
        return self.offices[-1]

    def __del__(self) -> None:
        for end in self.ends:
            os.close(end)

    def pass_time(self, seconds: int, *, answering: bool = False, dying: bool = False) -> None:
        for _ in range(seconds * 2):
            self.now_ms += 500
            if dying and self.offices:
                self.offices[-1].returncode = 1
            self.attendant.turn(self.now_ms)
            if answering:
                self.attendant.heard(self.now_ms)


def test_only_the_intercom_is_handed_to_the_office() -> None:
    """P10: every other descriptor is closed, so the office can never hold a GPIO line (checked in `spawn`)."""
    street = Street()
    street.pass_time(1)
    assert street.starts_ms == [500]


def test_an_office_that_dies_again_and_again_is_started_ever_more_slowly() -> None:
    """Back-off 0.5, 1, 2, 4 … up to 60 s: a broken office does not eat the machine."""
    street = Street()
    street.pass_time(600, dying=True)
    gaps = [after - before for before, after in zip(street.starts_ms, street.starts_ms[1:], strict=False)]
    assert gaps[:4] == sorted(gaps[:4])
    assert max(gaps) <= 62_000
    assert len(street.starts_ms) < 20


def test_an_office_that_has_proved_itself_comes_back_at_once() -> None:
    """After a minute of good service a crash costs half a second, not a minute."""
    street = Street()
    street.pass_time(120, answering=True)
    street.offices[-1].returncode = -9
    street.pass_time(2)
    assert len(street.offices) == 2


def test_an_office_that_hangs_is_ended_and_replaced() -> None:
    """A stopped office (SIGSTOP, a deadlock) is noticed within its patience; two never live at a time."""
    street = Street()
    street.pass_time(10, answering=True)
    street.pass_time(40)
    assert street.offices[0].killed
    assert len(street.offices) == 2


def test_an_office_that_starts_slowly_is_given_time() -> None:
    """A Pi Zero 2 W imports for 7–14 s; the first answer may take longer than a later one."""
    street = Street()
    street.pass_time(60)
    assert len(street.offices) == 1
    assert not street.offices[0].killed


def test_an_office_that_hung_up_is_replaced_only_when_it_is_gone() -> None:
    """Two offices never write one book: the old one gets a moment for its last words, then is ended."""
    street = Street()
    street.pass_time(2, answering=True)
    street.attendant.gone(street.now_ms)
    street.pass_time(1)
    assert len(street.offices) == 1
    street.pass_time(5)
    assert street.offices[0].killed
    assert len(street.offices) == 2
