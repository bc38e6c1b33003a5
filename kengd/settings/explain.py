"""pydantic's complaints as `Problem`s: the line, what is wrong and the cure, in Vietnamese."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kengd.settings.demands import WRONG_KINDS, bound_of
from kengd.settings.field import Section, Wrong
from kengd.settings.lines import KeyPath, line_of
from kengd.settings.model import Settings
from kengd.settings.problems import Problem

_TAGS = {"striker", "siren"}


def problems_of(wrong: ValidationError, lines: dict[KeyPath, int], root: type[Section] = Settings) -> list[Problem]:
    """Every complaint with its place in the file whose `key_lines` these are. `root`: what the file is read by."""
    return [_problem(error, lines, root) for error in wrong.errors(include_url=False)]


def said_path(path: KeyPath) -> str:
    """("gpio", "buttons", 1, "pin") as "gpio.buttons[2].pin": people count from one."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def known_keys(path: KeyPath, root: type[Section] = Settings) -> list[str]:
    """The keys that may stand in the table at `path`."""
    found: set[str] = set()
    for section in _sections_at(path, root):
        found.update(field.alias or name for name, field in section.model_fields.items())
    return sorted(found)


def _problem(error: ErrorDetails, lines: dict[KeyPath, int], root: type[Section]) -> Problem:
    path = _clean(error["loc"])
    line, where = line_of(lines, path), said_path(path)
    if error["type"] == "extra_forbidden":
        return _unknown(path, where, line, root)
    if error["type"] in ("missing", "union_tag_not_found"):
        missing = path if error["type"] == "missing" else (*path, "kind")
        return Problem("missing", said_path(missing), "thiếu mục này", _missing_cure(missing, root), line)
    vi, cure = _wording(error)
    return Problem("value", where, vi, cure, line)


def _clean(loc: tuple[int | str, ...]) -> KeyPath:
    """Without pydantic's own words: the tag of a union and "[key]" of a table's key."""
    parts = [part for place, part in enumerate(loc) if not (place == 1 and loc[0] == "bell" and part in _TAGS)]
    return tuple(part for part in parts if part != "[key]")


def _unknown(path: KeyPath, where: str, line: int | None, root: type[Section]) -> Problem:
    known = known_keys(path[:-1], root)
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    cure = f'có phải ý là "{near[0]}"?' if near else f"các mục được dùng ở đây: {', '.join(known)}"
    return Problem("unknown_key", where, "không có mục cài đặt nào tên như vậy", cure, line)


_SECRETS: Final = frozenset({"secret", "token", "password", "passphrase", "url"})
"""Settings whose values are never repeated, however short (P12): an address may hold a password as well."""


def _missing_cure(path: KeyPath, root: type[Section]) -> str:
    for section in _sections_at(path[:-1], root):
        for name, field in section.model_fields.items():
            if (field.alias or name) == path[-1] and field.description:
                return f"ghi thêm {path[-1]} = … ({field.description})"
    return f"ghi thêm {path[-1]} = …"


def _wording(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong and the cure, from the complaint's type."""
    kind = error["type"]
    secret = any(part in _SECRETS for part in error["loc"])
    given = "giá trị này" if secret else _shown(error["input"])
    if kind in WRONG_KINDS:
        return f"{given} không đúng kiểu", WRONG_KINDS[kind]
    bound = bound_of(error)
    if bound is not None:
        return f"{given} không dùng được", bound
    if kind == "value_error":
        wrong = error["ctx"]["error"]
        return str(wrong), wrong.cure if isinstance(wrong, Wrong) else ""
    return f"{given} không dùng được ({re.sub(r'[^ -~]', '?', error['msg'])})", ""


def _shown(value: Any) -> str:
    """The value as it stands, short; a table or list is not repeated, nor anything long (it may be a secret: P12)."""
    if isinstance(value, dict):
        return "bảng này"
    if isinstance(value, list):
        return "danh sách này"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 42 else "giá trị này"


def _sections_at(path: KeyPath, root: type[Section]) -> list[type[Section]]:
    """The models a table at `path` may be read by."""
    hints: list[Any] = [root]
    for part in path:
        if isinstance(part, str):
            hints = [inner for hint in hints for inner in _inside(hint, part)]
    return [model for hint in hints for model in _models(hint)]


def _inside(hint: Any, key: str) -> Iterator[Any]:
    """What may stand under `key` in a table read by `hint`."""
    if get_origin(hint) is dict:
        yield get_args(hint)[1]
        return
    for section in _models(hint):
        for name, field in section.model_fields.items():
            if (field.alias or name) == key:
                yield field.annotation


def _models(hint: Any) -> Iterator[type[Section]]:
    if isinstance(hint, type) and issubclass(hint, Section):
        yield hint
        return
    if get_origin(hint) in (list, Union, types.UnionType, Annotated):
        for arg in get_args(hint):
            yield from _models(arg)
