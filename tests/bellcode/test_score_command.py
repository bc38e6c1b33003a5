"""`kengd score`: the command as people and other tools call it (DESIGN section 8)."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest

from kengd.__main__ import main


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KENGD_CONFIG", raising=False)
    monkeypatch.setattr("kengd.settings.where.SYSTEM_CONFIG", tmp_path / "none.toml")


def score(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["score", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_an_endless_signal_as_json_has_no_duration_and_edges_for_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """`{"signal","kind","duration_ms":null,"edges":[[at_ms,1],[at_ms,0],…]}`, edges for 60 s or for --for."""
    code, out, _ = score(capsys, "alarm", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["signal"], said["kind"], said["duration_ms"]) == ("alarm", "alarm", None)
    assert said["edges"][:4] == [[0, 1], [120, 0], [1200, 1], [1320, 0]]
    assert 58_000 < said["edges"][-1][0] <= 60_000
    shorter = json.loads(score(capsys, "alarm", "--json", "--for", "2.5")[1])["edges"]
    assert shorter == [edge for edge in said["edges"] if edge[0] <= 2500]


def test_a_pattern_as_json_has_no_signal_and_no_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """A finite pattern has its whole length and all its edges, whatever --for says."""
    code, out, _ = score(capsys, "--pattern", "2 tiếng thong thả", "--json", "--for", "1")
    assert code == 0
    assert json.loads(out) == {
        "signal": None,
        "kind": None,
        "duration_ms": 2120,
        "edges": [[0, 1], [120, 0], [2000, 1], [2120, 0]],
    }


def test_a_siren_code_is_laid_out_for_a_siren_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """36 on and 24 off three times is 156 s on a siren; the post's striker refuses it."""
    text = "(hú 36 giây; nghỉ 24 giây) 3 lần"
    code, out, _ = score(capsys, "--pattern", text, "--json", "--bell", "siren")
    assert (code, json.loads(out)["duration_ms"]) == (0, 156_000)
    code, _, err = score(capsys, "--pattern", text)
    assert code == 2
    assert "cannot_play" in err


def test_a_signal_is_drawn_with_its_name_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    """What a keeper reads."""
    code, out, _ = score(capsys, "curfew")
    assert code == 0
    assert out.splitlines()[0].startswith("Báo yên (kẻng đêm 22h) (curfew, báo yên): ")
    assert "● " in out


def test_the_sound_is_written_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--wav: as long as the signal and its ringing out."""
    file = tmp_path / "kẻng.wav"
    assert score(capsys, "curfew", "--wav", str(file))[0] == 0
    with wave.open(str(file)) as sound:
        assert 9.5 < sound.getnframes() / sound.getframerate() < 11
    code, _, err = score(capsys, "curfew", "--wav", str(tmp_path / "none" / "x.wav"))
    assert code == 1
    assert "không ghi được" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fire"], "alarm (Báo động)"),
        (["--pattern", "1 hồi 3 tiếng"], "1 hồi, mỗi hồi 3 tiếng"),
        (["alarm", "--for", "nan"], "--for"),
        (["alarm", "--for", "inf"], "--for"),
        (["alarm", "--for", "999999999"], "--for"),
        (["alarm", "--pattern", "1 tiếng"], "lỗi"),
        ([], "lỗi"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_there_is(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Unknown signals list the known ones; unclear patterns show the exact forms; nan, inf and 999999999 are refused."""
    code, out, err = score(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
