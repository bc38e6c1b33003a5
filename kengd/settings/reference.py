"""`python -m kengd.settings.reference`: the settings reference in Markdown, from the models themselves (for the README)."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kengd.settings.bell import Siren, Striker
from kengd.settings.field import Section
from kengd.settings.model import Settings

HEAD = "| key | value | default | what it does |\n|---|---|---|---|"


def render(file: type[Section] = Settings, head: str = "###") -> str:
    """One table for each table of a settings file (a post's), in the order of its model. `head`: what its headings begin with."""
    blocks = [f"{head} Top level\n\n" + _table(file)]
    blocks += [f"{head} {title}\n\n{_table(section)}" for title, section in _sections(file, "")]
    return "\n\n".join(blocks) + "\n"


def _sections(section: type[Section], path: str) -> Iterator[tuple[str, type[Section]]]:
    for name, field in section.model_fields.items():
        here = f"{path}.{name}" if path else name
        for inner, shape in _inner(field.annotation, "[{}]"):
            if list(_plain_fields(inner)):
                kind = f' with `kind = "{inner.model_fields["kind"].default}"`' if inner is Striker else ""
                kind = ' with `kind = "siren"`' if inner is Siren else kind
                yield f"`{shape.format(here)}`{kind}", inner
            yield from _sections(inner, here + (".NAME" if shape.endswith(".NAME]") else ""))


def _inner(hint: Any, shape: str) -> Iterator[tuple[type[Section], str]]:
    """The tables in a field's type, with the way their heading is written."""
    if isinstance(hint, type) and issubclass(hint, Section):
        yield hint, shape
        return
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        yield from _inner(args[0], "[[{}]]")
    elif origin is dict:
        yield from _inner(args[1], "[{}.NAME]")
    elif origin in (Union, types.UnionType, Annotated):
        for arg in args:
            yield from _inner(arg, shape)


def _plain_fields(section: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        if not any(True for _ in _inner(field.annotation, "")):
            yield field.alias or name, field


def _table(section: type[Section]) -> str:
    rows = [_row(name, field) for name, field in _plain_fields(section)]
    return "\n".join([HEAD, *rows])


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    text = f"{extra.get('en', '')} · *{field.description}*"
    return f"| `{name}` | {_value(field, str(extra.get('unit', '')))} | {_default(field)} | {text.replace('|', chr(92) + '|')} |"


def _value(field: FieldInfo, unit: str) -> str:
    bounds = {type(item).__name__: item for item in field.metadata}
    low, high = getattr(bounds.get("Ge"), "ge", None), getattr(bounds.get("Le"), "le", None)
    if low is not None and high is not None:
        return f"{low}–{high} {unit}".strip()
    return _kind(field.annotation)


def _kind(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(args[0])
    if origin is Literal:
        return ", ".join(f'`"{choice}"`' for choice in args)
    if origin in (Union, types.UnionType):
        return _kind(next(arg for arg in args if arg is not type(None)))
    if origin is list:
        return f"list of {_kind(args[0])}"
    return {"str": "text", "bool": "true, false", "int": "whole number"}.get(getattr(hint, "__name__", ""), "table")


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None:
        return "–"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f'`"{field.default}"`' if isinstance(field.default, str) else f"`{field.default}`"


if __name__ == "__main__":
    print(render(), end="")
