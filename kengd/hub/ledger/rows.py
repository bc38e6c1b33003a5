"""What all rows of the ledger share: a registry of their own (the post's book has another) and columns for both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Table
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

WHOLE: Any = BigInteger().with_variant(Integer(), "sqlite")
"""Milliseconds do not fit into PostgreSQL's integer; SQLite numbers rows only when the column is called INTEGER."""


class Row(SQLModel, registry=registry()):
    """A row of the ledger. Moments are unix ms UTC (`*_ms`)."""


def numbered() -> Any:
    """A primary key that the database counts up."""
    return Column(WHOLE, primary_key=True, autoincrement=True)


def table(model: type[SQLModel]) -> Table:
    """Its table, for statements that move many rows at a time."""
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found
