"""Frozen dataclasses to and from plain JSON data, driven by their annotations (intercom, spool, compiled settings). Pure."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

T = TypeVar("T")
Reader = Callable[[Any], Any]


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, tuples lists, enums their values; None fields are left out (their default is None)."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if dataclasses.is_dataclass(value):
        return {
            name: to_plain(item) for name in _field_names(value.__class__) if (item := getattr(value, name)) is not None
        }
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    raise TypeError(f"cannot write {type(value).__name__} as plain data")


def from_plain(cls: type[T], data: Any) -> T:
    """The value of type `cls` that `to_plain` wrote. Raises KeyError, TypeError or ValueError on anything else."""
    return typing.cast(T, _reader(typing.cast(Any, cls))(data))


def to_line(value: Any) -> bytes:
    """One tagged JSON line: {"t": class name, ...}, without the newline."""
    data = to_plain(value)
    data["t"] = type(value).__name__
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def from_line(line: bytes, classes: dict[str, type]) -> Any:
    """The tagged dataclass of one JSON line. Raises KeyError on an unknown tag, ValueError on broken JSON."""
    data = json.loads(line)
    return _reader(classes[data.pop("t")])(data)


@cache
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@cache
def _reader(hint: Any) -> Reader:
    """A function that builds a value of the annotated type from plain data."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union_reader(args)
    if origin is Literal:
        return lambda data: _one_of(data, args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _reader(args[0])
        return lambda data: tuple(item(part) for part in data)
    if origin is tuple:
        parts = [_reader(arg) for arg in args]
        return lambda data: tuple(part(piece) for part, piece in zip(parts, data, strict=True))
    if origin is dict:
        item = _reader(args[1])
        return lambda data: {key: item(part) for key, part in data.items()}
    if isinstance(hint, type) and hasattr(hint, "_fields"):  # NamedTuple
        return lambda data: hint(*data)
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(typing.cast(type, hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return lambda data: data


def _one_of(data: Any, allowed: tuple[Any, ...]) -> Any:
    if data not in allowed:
        raise ValueError(f"{data!r} is none of {allowed}")
    return data


def _union_reader(args: tuple[Any, ...]) -> Reader:
    """Optional values, and unions of dataclasses told apart by a required `kind` literal field."""
    some = [arg for arg in args if arg is not type(None)]
    if len(some) == 1:
        inner = _reader(some[0])
        return lambda data: None if data is None else inner(data)
    if not all(dataclasses.is_dataclass(arg) for arg in some):
        return lambda data: data
    by_kind = {arg.__dataclass_fields__["kind"].default: _reader(arg) for arg in some}
    return lambda data: None if data is None else by_kind[data["kind"]](data)


def _dataclass_reader(cls: type) -> Reader:
    hints = typing.get_type_hints(cls)
    readers = {name: _reader(hints[name]) for name in _field_names(cls)}
    # None is left out when written: a field that may be None and has no default comes back as None
    absent = {
        field.name: None
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and type(None) in get_args(hints[field.name])
    }

    def read(data: dict[str, Any]) -> Any:
        return cls(**(absent | {key: readers[key](item) for key, item in data.items()}))

    return read
