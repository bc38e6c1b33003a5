"""`kengd check`: what is wrong with line and reason, or what was understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.__main__ import main

EXAMPLE = Path(__file__).parents[2] / "deploy" / "kengd.example.toml"


def test_usable_settings_end_with_0_and_are_told_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Section 8: the person compares what the program understood with what he meant; warnings go to stderr."""
    assert main(["check", "--config", str(EXAMPLE)]) == 0
    said = capsys.readouterr()
    for words in ("dùng được", "cong-lac/thon-1", "rơ-le ở chân 17", "alarm → alarm (chân 5)", "22:00 curfew"):
        assert words in said.out
    assert "cảnh báo" in said.err and "[broker]" in said.err


def test_wrong_settings_end_with_2_and_every_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R27, section 8: line, reason and cure in Vietnamese on stderr, exit code 2, nothing on stdout."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    wrong = {"hold_ms = 120": "hold = 120", "pin = 17": "pin = 71"}
    numbers = []
    for n, line in enumerate(lines):
        for good, bad in wrong.items():
            if line.startswith(good):
                lines[n] = bad
                numbers.append(n + 1)
    config = tmp_path / "k.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    assert main(["--config", str(config), "check"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(numbers) == 2
    assert all(f"dòng {number}" in said.err for number in numbers)
    assert '"hold_ms"' in said.err and "2 chỗ sai" in said.err


def test_without_a_settings_file_the_example_is_checked_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Section 8: use of the built-in example is said on stderr."""
    monkeypatch.delenv("KENGD_CONFIG", raising=False)
    monkeypatch.setattr("kengd.settings.where.SYSTEM_CONFIG", str(tmp_path / "none.toml"))
    assert main(["check"]) == 0
    assert "tệp mẫu" in capsys.readouterr().err
