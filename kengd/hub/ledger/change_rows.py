"""What one process has changed in the ledger, for the others that serve the same commune."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class ChangeRow(Row, table=True):
    """One transaction. `by`: the process, by a name of its own; `said`: JSON list of [topic, data]. Kept for some minutes."""

    __tablename__ = "change"

    n: int | None = Field(default=None, sa_column=numbered())
    at_ms: int = Field(sa_type=WHOLE)
    by: str = Field(sa_type=Text)
    said: str = Field(sa_type=Text)
