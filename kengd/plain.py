"""Frozen dataclasses to and from plain JSON data, driven by their annotations (intercom, spool, compiled settings). Pure."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

T = TypeVar("T")
Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_AS_IT_IS = (str, int, float, bool, type(None))


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
    read = _reader(typing.cast(Any, cls))
    return typing.cast(T, data if read is None else read(data))


def to_line(value: Any) -> bytes:
    """One tagged JSON line: {"t": class name, ...}, without the newline."""
    data = _written(value)
    data["t"] = type(value).__name__
    return _encode(data).encode()


def to_json(value: Any) -> str:
    """The JSON text of `to_plain(value)` for a dataclass, by writers made once from its annotations (the way to the bell)."""
    return _encode(_written(value))


def from_line(line: bytes, classes: dict[str, type]) -> Any:
    """The tagged dataclass of one JSON line. Raises KeyError on an unknown tag, ValueError on broken JSON."""
    data = json.loads(line)
    return _dataclass_reader(classes[data.pop("t")])(data)


@cache
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@cache
def _writer(hint: Any) -> Writer | None:
    """What makes JSON's own types of a value of this annotation; None where JSON writes it as it is."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if all(_writer(arg) is None for arg in args) else _write_some
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _writer(args[0])
        return None if item is None else lambda value: [item(part) for part in value]
    if origin is Literal or hint in _AS_IT_IS or (isinstance(hint, type) and issubclass(hint, StrEnum)):
        return None
    if isinstance(hint, type) and hasattr(hint, "_fields"):  # a NamedTuple of plain values is an array
        return None if all(_writer(part) is None for part in typing.get_type_hints(hint).values()) else to_plain
    return _dataclass_writer(typing.cast(Any, hint)) if dataclasses.is_dataclass(hint) else to_plain


def _written(value: Any) -> Any:
    cls: Any = type(value)
    return _dataclass_writer(cls)(value)


def _write_some(value: Any) -> Any:
    return _written(value) if dataclasses.is_dataclass(value) else to_plain(value)


@cache
def _dataclass_writer(cls: Any) -> Writer:
    hints = typing.get_type_hints(cls)
    steps = tuple((name, _writer(hints[name])) for name in _field_names(cls))

    def write(value: Any) -> dict[str, Any]:
        data = {}
        for name, writer in steps:
            item = getattr(value, name)
            if item is not None:
                data[name] = item if writer is None else writer(item)
        return data

    return write


@cache
def _reader(hint: Any) -> Reader | None:
    """A function that builds a value of the annotated type from plain data; None where the data is the value."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union_reader(args)
    if origin is Literal:
        return lambda data: _one_of(data, args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _reader(args[0]) or _same
        return lambda data: tuple([item(part) for part in data])
    if origin is tuple:
        parts = [_reader(arg) or _same for arg in args]
        return lambda data: tuple(part(piece) for part, piece in zip(parts, data, strict=True))
    if origin is dict:
        value = _reader(args[1]) or _same
        return lambda data: {key: value(part) for key, part in data.items()}
    if isinstance(hint, type) and hasattr(hint, "_fields"):  # NamedTuple
        return lambda data: hint(*data)
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(typing.cast(type, hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return None


def _same(data: Any) -> Any:
    return data


def _one_of(data: Any, allowed: tuple[Any, ...]) -> Any:
    if data not in allowed:
        raise ValueError(f"{data!r} is none of {allowed}")
    return data


def _union_reader(args: tuple[Any, ...]) -> Reader | None:
    """Optional values, and unions of dataclasses told apart by a required `kind` literal field."""
    some = [arg for arg in args if arg is not type(None)]
    if len(some) == 1:
        inner = _reader(some[0])
        return None if inner is None else lambda data: None if data is None else inner(data)
    if not all(dataclasses.is_dataclass(arg) for arg in some):
        return None
    by_kind = {arg.__dataclass_fields__["kind"].default: _dataclass_reader(arg) for arg in some}
    return lambda data: None if data is None else by_kind[data["kind"]](data)


@cache
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
        built = absent.copy()
        for key, item in data.items():
            reader = readers[key]
            built[key] = item if reader is None else reader(item)
        return cls(**built)

    return read
