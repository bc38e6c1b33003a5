"""The few words of ours in config.txt and cmdline.txt: put in once, everything else left as it stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kengd.firmware.config import FRAGMENT

INCLUDE = f"include {FRAGMENT}"


def with_include(config: str) -> str:
    """config.txt that reads kengd.txt on every board; unchanged when it does so already."""
    section = "all"  # what holds before the first section
    for line in config.splitlines():
        text = line.strip().lower()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1].strip()
        elif section == "all" and text.split() == INCLUDE.split():
            return config
    end = "\r\n" if "\r\n" in config else "\n"
    gap = "" if not config or config.endswith("\n") else end
    return f"{config}{gap}[all]{end}{INCLUDE}{end}"


def with_words(cmdline: str, words: Sequence[str]) -> str:
    """cmdline.txt with these words on its one line; a word that is there already, up to its "=", is replaced.

    Without any line it stays as it is: a command line of our words alone would name no root, and nothing would start.
    """
    lines = cmdline.splitlines(keepends=True)
    number = next((n for n, line in enumerate(lines) if line.strip()), None)
    if number is None:
        return cmdline
    there = lines[number].split()
    if all(word in there for word in words):
        return cmdline
    keys = {_key(word) for word in words}
    kept = [word for word in there if _key(word) not in keys]
    lines[number] = " ".join([*kept, *words]) + "\n"
    return "".join(lines)


def _key(word: str) -> str:
    """The kernel takes "-" for "_" in a name."""
    return word.split("=", 1)[0].replace("-", "_")
