"""Who was on duty when, and what each told the next."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class ShiftRow(Row, table=True):
    """A shift. `after`: the shift that it relieved, 0: none; no shift is relieved twice. `note`, `summary` (JSON object), `handed_ms`: what
    its officer left to the next, None: nothing. `ended_ms`: somebody has relieved it."""

    __tablename__ = "shift"

    n: int | None = Field(default=None, sa_column=numbered())
    after: int = Field(sa_type=WHOLE, index=True, unique=True)
    officer: str = Field(sa_type=Text, index=True)
    began_ms: int = Field(sa_type=WHOLE)
    note: str = Field(default="", sa_type=Text)
    summary: str = Field(default="{}", sa_type=Text)
    handed_ms: int | None = Field(default=None, sa_type=WHOLE)
    ended_ms: int | None = Field(default=None, sa_type=WHOLE)
