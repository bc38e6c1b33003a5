"""A founded hub, and somebody at its keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kengd.__main__ import main
from kengd.hub.founding import Wish, found
from kengd.hub.settings import load_hub
from tests.hub.authority_kit import NOW_MS


class Shell:
    """`more`: of the founding's wish."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str], now_ms: int = NOW_MS, **more: Any) -> None:
        self.directory, self.config, self._capsys = directory, directory / "hub.toml", capsys
        wish = Wish("cong-lac", "Xã Cộng Lạc", ("127.0.0.1",), directory / "state", **more)
        found(wish, self.config, now_ms)
        self.settings = load_hub(str(self.config))

    def __call__(self, *words: str) -> tuple[int, str]:
        """`kengd hub …`: the exit code, and what was said."""
        code = main(["--config", str(self.config), "hub", *words])
        said = self._capsys.readouterr()
        return code, said.out + said.err
