"""The wire contract's examples hold: whoever writes a hub by the README is understood by a post."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

from kengd.duty.words import Purpose
from kengd.wire.command import Accepted, Circumstances, Refused, judge
from kengd.wire.entry import KEYS, from_json, to_json, verify_chain
from kengd.wire.freshness import Nonces
from kengd.wire.orders import Ring
from kengd.wire.signing import KeyRing
from kengd.wire.status import Status, parse_status
from tests.readme.pages import example, readme

IAT, EXP = 1_795_311_000, 1_795_311_060


def judged(raw: bytes, wall_s: float = IAT + 0.3, post: str = "thon-1") -> Accepted | Refused:
    """What the post of the README says, with the keys of the README, at this moment."""
    keys = {key["kid"]: key["public"] for key in tomllib.loads(example("key"))["hub"]["keys"]}
    nonces = Nonces("00" * 16, 0)
    circumstances = Circumstances("cong-lac", post, KeyRing(keys), wall_s, 1_000, "ntp", nonces)
    return judge(raw, retained=False, circumstances=circumstances)


def verified(lines: str) -> str:
    """What the README's own program says to these lines."""
    told = subprocess.run(
        [sys.executable, "-c", example("verify")], input=lines, capture_output=True, text=True, timeout=30
    )
    return (told.stdout + told.stderr).strip()


def test_the_program_shown_makes_the_command_shown() -> None:
    """Ed25519 signs the same bytes the same way, so the example can be compared letter for letter."""
    made = subprocess.run([sys.executable, "-c", example("sign")], capture_output=True, text=True, timeout=30)
    assert (made.stdout, made.stderr) == (example("jws"), "")


def test_the_command_shown_is_accepted_at_the_stated_time() -> None:
    """P5: the worked example, judged by the very code of the post."""
    accepted = judged(example("jws").strip().encode())
    assert isinstance(accepted, Accepted)
    assert (accepted.jti, accepted.kid, accepted.iat, accepted.exp) == ("drill-2026-11-22", "xa-2026", IAT, EXP)
    assert accepted.order == Ring("alarm", Purpose.DRILL, "Nguyễn Văn Hùng", "diễn tập quý IV")


@pytest.mark.parametrize(
    ("wall_s", "post", "reason"),
    [
        (EXP - 0.1, "thon-1", None),
        (EXP, "thon-1", "expired"),
        (IAT - 10, "thon-1", None),
        (IAT - 10.1, "thon-1", "not_yet_valid"),
        (IAT, "thon-2", "wrong_audience"),
    ],
)
def test_the_bounds_told_are_the_bounds_kept(wall_s: float, post: str, reason: str | None) -> None:
    """P5: from iat (10 s are borne) until before exp, and for this post only."""
    verdict = judged(example("jws").strip().encode(), wall_s, post)
    assert (verdict.reason if isinstance(verdict, Refused) else None) == reason


def test_a_changed_letter_is_refused() -> None:
    """P5: nothing of the example can be changed without the key."""
    header, payload, signature = example("jws").strip().split(".")
    for changed in (f"{header}.{payload[:-8]}AAAAAAAA.{signature}", f"{header}.{payload}.{signature[:-6]}AAAAAA"):
        verdict = judged(changed.encode())
        assert isinstance(verdict, Refused) and verdict.reason in ("bad_signature", "malformed")


def test_the_entries_shown_are_a_whole_chain_for_us_and_for_the_program_shown() -> None:
    """P7: hashes recomputed twice, by the wire's code and by the README's own."""
    lines = example("chain")
    entries = [from_json(line) for line in lines.splitlines()]
    assert [entry.kind for entry in entries] == ["started", "received", "ringing"]
    assert verify_chain(entries) is None
    assert [to_json(entry) for entry in entries] == lines.splitlines()
    assert len(KEYS) == 16 and "All 16 keys" in readme()
    assert verified(lines) == "whole"


def test_the_program_shown_finds_a_changed_entry_and_a_missing_one() -> None:
    """P7: the book cannot be changed quietly."""
    lines = example("chain").splitlines(keepends=True)
    assert verified("".join(lines).replace('"drill"', '"actual"')) == "broken at seq 2"
    assert verified(lines[0] + lines[2]) == "broken at seq 3"


def test_the_status_shown_is_a_status_and_belongs_to_the_entries_shown() -> None:
    """Its head is the newest entry, its sounding is that entry's activation."""
    status = parse_status(example("status").encode())
    newest = from_json(example("chain").splitlines()[-1])
    assert isinstance(status, Status) and status.sounding is not None
    assert (status.book, status.seq, status.hash) == (newest.book, newest.seq, newest.hash)
    assert (status.sounding.activation, status.sounding.proved) == (newest.activation, None)
    command = json.loads(example("chain").splitlines()[1])["command_id"]
    verdict = judged(example("jws").strip().encode())
    assert isinstance(verdict, Accepted) and verdict.jti == command
