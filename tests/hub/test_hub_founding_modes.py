"""A hub from nothing: who may read what it lays down, and what is left when it cannot be laid down."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

import pytest

from kengd.cli.hub_dispatch import chosen
from kengd.errors import KengdError
from kengd.hub.founding import Wish, found
from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.roster import Post, Roster
from tests.hub.authority_kit import NOW_MS


def test_nobody_else_may_read_a_new_ledger_wherever_it_lies(tmp_path: Path) -> None:
    """P12: people's numbers are in it, and a directory that was there may be open to all."""
    before = os.umask(0o022)
    try:
        Ledger(sqlite_url(tmp_path / "ledger.sqlite")).close()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("ledger.sqlite*")}
    assert set(modes.values()) == {0o600}, modes


def test_without_a_place_for_its_settings_nothing_is_begun(tmp_path: Path) -> None:
    """Keys and ledger without hub.toml are of no use, and would be in the way of a second try."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KengdError) as wrong:
        found(Wish("xa-bon", "Xã Bốn", ("10.0.0.6",), tmp_path / "state"), tmp_path / "file" / "hub.toml", NOW_MS)
    assert wrong.value.code == "no_directory"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(("act", "posts"), [("hush", ("dong", "truc")), ("dispatch", ("dong",))])
def test_all_means_the_duty_rooms_sounder_too_when_it_must_be_quiet(act: str, posts: tuple[str, ...]) -> None:
    """H6: it is never rung with the villages' bells, and never forgotten when everything is hushed."""
    roster = Roster((Post("dong", "Đông"), Post("truc", "Chuông phòng trực", sounder=True)))
    assert chosen(roster, argparse.Namespace(act=act, post=[], all=True, village=[], group=[])) == posts
