"""The file an installer drops on the boot partition: the settings, and in a table `[keys]` the post's keys. Pure.

    [keys]
    "ca.pem" = \"\"\"
    -----BEGIN CERTIFICATE-----
    …
    \"\"\"

Keys never go where the settings go: the table is taken out of the text, line for line, so that every other line keeps its
number and its comment.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from kengd.settings.credentials import NAMES, PREFIX, is_credential, name_of
from kengd.settings.find import toml_of
from kengd.settings.lines import KeyPath, key_lines
from kengd.settings.problems import Problem, SettingsError

TABLE = "keys"
LARGEST_KEY = 32 * 1024
_HEADER = re.compile(r"[ \t]*\[[ \t]*[\"']?keys[\"']?[ \t]*\][ \t]*(#.*)?")
_SECRET = re.compile(
    r"-----(?:BEGIN|END)|#\s*[A-Za-z0-9+/=]{24,}\s*$|(?:ca|broker|web)\.(?:pem|key|password|pins)|scrypt\$"
)
_NAMES_VI = ", ".join(f'"{name}"' for name in NAMES)


@dataclass(frozen=True, slots=True)
class Dropped:
    """`settings`: the file without its keys, blank lines where they stood, None when there was nothing but keys; `keys`:
    name → text; `lines`: where each key stood; `wanted`: setting → name of the key it asks for (`credential:NAME`)."""

    settings: str | None
    keys: dict[str, str] = field(repr=False)
    lines: dict[str, int]
    wanted: dict[str, str]


def read_dropped(raw: bytes, said: str) -> Dropped:
    """Take the file apart. `said`: its name for people. Raises SettingsError with lines and cures."""
    text, data = toml_of(raw, said)
    if TABLE not in data:
        return Dropped(text, {}, {}, _wanted(data))
    lines = key_lines(text)
    keys = data.pop(TABLE)
    problems = list(_problems(keys, lines))
    if problems:
        raise SettingsError(said, problems)
    bare = _without_keys(text, lines)
    if bare is None or tomllib.loads(bare) != data or _leaks(bare, keys):
        vi, cure = "bảng [keys] viết lẫn vào chỗ khác", "đưa dòng [keys] và mọi khoá xuống cuối tệp, mỗi khoá một mục"
        raise SettingsError(said, [Problem("value", TABLE, vi, cure, lines.get((TABLE,)))])
    places = {name: lines.get((TABLE, name), 0) for name in keys}
    return Dropped(bare if data else None, {name: _tidy(key) for name, key in keys.items()}, places, _wanted(data))


def _problems(keys: Any, lines: dict[KeyPath, int]) -> list[Problem]:
    if not isinstance(keys, dict):
        return [
            Problem(
                "value", TABLE, "phải là một bảng", "viết thành dòng [keys], rồi mỗi khoá một mục", lines.get((TABLE,))
            )
        ]
    found = []
    for name, key in keys.items():
        where, line = f'keys."{name}"', lines.get((TABLE, name))
        if name not in NAMES:
            found.append(Problem("unknown_key", where, "không có khoá nào tên như vậy", f"chỉ có: {_NAMES_VI}", line))
        elif not isinstance(key, str) or not key.strip():
            cure = 'chép nguyên nội dung tệp khoá vào giữa hai dấu """ … """, hoặc bỏ hẳn mục này'
            found.append(Problem("value", where, "chưa có nội dung", cure, line))
        elif len(key) > LARGEST_KEY:
            found.append(Problem("value", where, "dài quá 32 KiB", "kiểm tra có chép nhầm tệp không", line))
    return found


def _without_keys(text: str, lines: dict[KeyPath, int]) -> str | None:
    """The text with blank lines in place of the table; None when the table is not a table of its own."""
    first = lines.get((TABLE,))
    rows = text.split("\n")
    if first is None or not _HEADER.fullmatch(rows[first - 1]):
        return None
    after = [line for path, line in lines.items() if line > first and path[0] != TABLE]
    end = min(after) - 1 if after else len(rows)
    while (
        end < len(rows) and end > first and rows[end - 1].lstrip().startswith("#") and not _SECRET.search(rows[end - 1])
    ):
        end -= 1  # a comment just above the next table is that table's, unless it is an old key that somebody kept
    return "\n".join([*rows[: first - 1], *[""] * (end - first + 1), *rows[end:]])


def _leaks(bare: str, keys: dict[str, str]) -> bool:
    """Whether a line of a key is still there."""
    left = {line.strip() for line in bare.split("\n")}
    return any(row.strip() in left for key in keys.values() for row in key.split("\n") if len(row.strip()) >= 8)


def _tidy(key: str) -> str:
    return key.strip() + "\n"


def _wanted(data: dict[str, Any]) -> dict[str, str]:
    return {
        f"{table}.{setting}": name_of(path)
        for table in ("broker", "web")
        for setting, path in (data[table].items() if isinstance(data.get(table), dict) else ())
        if isinstance(path, str) and is_credential(path)
    }


def missing(dropped: Dropped, stored: frozenset[str], lines: dict[KeyPath, int]) -> list[Problem]:
    """Keys that the settings ask for and that are neither in the file nor on this machine already."""
    return [
        Problem(
            "missing",
            setting,
            f'tệp này và máy này đều không có khoá "{name}"',
            f'thêm "{name}" vào bảng [keys] ở cuối tệp, hoặc bỏ dòng {setting.partition(".")[2]} = "{PREFIX}{name}"',
            lines.get(tuple(setting.split("."))),
        )
        for setting, name in dropped.wanted.items()
        if name not in dropped.keys and name not in stored
    ]
