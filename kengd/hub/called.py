"""How this program is called here: a sentence that names a command names one that can be typed on this machine."""

from __future__ import annotations

import re
import sys
from typing import Final

INSTALLED: Final = "/opt/kengd-hub/"
"""Where deploy/hub-install.sh puts the hub; a bell post's `kengd` is another program, and may be on the same machine."""
TYPED: Final = "sudo -u kengd-hub kengd-hub"
"""What it puts in the place of `kengd` there: the state belongs to that user."""
_COMMAND = re.compile(r"\bkengd(?= hub | --config )")


def called(text: str, program: str | None = None) -> str:
    """This text with its `kengd hub …` as it is typed here. `program`: the path of the running one (default: this process's)."""
    running = sys.argv[0] if program is None else program
    return _COMMAND.sub(TYPED, text) if running.startswith(INSTALLED) else text
