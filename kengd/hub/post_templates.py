"""Where a post's next settings begin: with what it was given last and has been sent since, or with tables that a page made."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kengd.errors import UsageError
from kengd.hub.authority.enrolment import OURS, own_again
from kengd.hub.ledger.store import Transaction
from kengd.hub.sheet import Given, given_to
from kengd.settings.find import EXAMPLE
from kengd.settings.overlay import lay_over

DEEPEST: Final = 8
PAGE: Final = ("host", "port", "tls_port", "token_sha256")
"""What is a post's own of `[web]`."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def kept_template(connection: Transaction, post: str) -> str | None:
    """The template that this post's next file begins with; None: it never had a file of this hub's."""
    given = given_to(connection, post)
    if not given.own:
        return None
    return own_again(given.raw.decode()) if given.overlays.versions == (0, 0) else template_of(_tables(given))


def kept_tables(connection: Transaction, post: str | None) -> dict[str, Any]:
    """The same as data, without what the hub writes itself; of no post, or one without a file: the example's."""
    given = None if post is None else given_to(connection, post)
    if given is not None and given.own:
        return _tables(given)
    return {name: table for name, table in tomllib.loads(EXAMPLE.read_text("utf-8")).items() if name not in OURS}


def _tables(given: Given) -> dict[str, Any]:
    """What it has been sent since is in: a new unit begins with the codebook that the village knows."""
    data = tomllib.loads(own_again(given.raw.decode()))
    lay_over(data, {}, given.overlays)
    page = {name: value for name, value in data.get("web", {}).items() if name in PAGE}
    own = {name: table for name, table in data.items() if name not in OURS}
    return own | ({"web": page} if page else {})


def template_of(tables: Mapping[str, Any]) -> str:
    """The tables as TOML; a None is left out. Raises UsageError `bad_template` for what TOML cannot say."""
    return "\n".join(_lines((), tables)).strip("\n") + "\n"


def _lines(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    if len(path) > DEEPEST:
        raise _cannot(path)
    plain = {key: value for key, value in table.items() if value is not None and not _is_table(value)}
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value, path)}"
    for key, value in table.items():
        inner = (*path, key)
        name = ".".join(_key(part) for part in inner)
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_lines(inner, value))
        elif _is_table(value):
            for one in value:
                yield from ("", f"[[{name}]]", *_lines(inner, one))


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    if isinstance(value, list) and not any(isinstance(one, Mapping | list) for one in value):
        return f"[{', '.join(_value(one, path) for one in value)}]"
    if hasattr(value, "isoformat"):  # a date that stood in the file without quotes
        return str(value.isoformat())
    raise _cannot(path)


def _cannot(path: tuple[str, ...]) -> UsageError:
    where = ".".join(path)[:60] or "-"
    return UsageError(
        "bad_template",
        f"mục {where} có giá trị không viết được vào tệp cài đặt",
        cure="sửa mục ấy, hoặc dán mẫu cài đặt thay cho các ô",
        en=f"{where} cannot be written as TOML",
    )
