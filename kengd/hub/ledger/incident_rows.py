"""Incidents: from an alarm, or from a call to the officer on duty; their outcome is added, never overwritten."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class IncidentRow(Row, table=True):
    """`origin`: alarm, order or call. `villages`: JSON list. `acknowledged_*`: who has taken charge. `closed_*`: hết báo động.
    `turns`: how often it was somebody's turn to be called; `calls`: how many of them were."""

    __tablename__ = "incident"

    id: str = Field(primary_key=True, sa_type=Text)
    origin: str = Field(sa_type=Text)
    purpose: str = Field(default="actual", sa_type=Text)
    post: str | None = Field(default=None, sa_type=Text)
    village: str | None = Field(default=None, sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    began_ms: int = Field(sa_type=WHOLE, index=True)
    acknowledged_ms: int | None = Field(default=None, sa_type=WHOLE)
    acknowledged_by: str | None = Field(default=None, sa_type=Text)
    closed_ms: int | None = Field(default=None, sa_type=WHOLE)
    closed_by: str | None = Field(default=None, sa_type=Text)
    turns: int = 0
    call_due_ms: int | None = Field(default=None, sa_type=WHOLE)
    calls: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    villages: str = Field(default="[]", sa_type=Text, sa_column_kwargs={"server_default": "[]"})


class SoundedRow(Row, table=True):
    """An activation that belongs to an incident. `hushed_at_post`: bị dừng tại chỗ, the alarm stays open (P13)."""

    __tablename__ = "sounded"

    post: str = Field(primary_key=True, sa_type=Text)
    activation: str = Field(primary_key=True, sa_type=Text)
    incident: str = Field(foreign_key="incident.id", sa_type=Text, index=True)
    signal: str | None = Field(default=None, sa_type=Text)
    source: str | None = Field(default=None, sa_type=Text)
    place: str | None = Field(default=None, sa_type=Text)
    began_ms: int = Field(sa_type=WHOLE)
    ended_ms: int | None = Field(default=None, sa_type=WHOLE)
    ended: str | None = Field(default=None, sa_type=Text)


class OutcomeRow(Row, table=True):
    """What an incident turned out to be. A correction is a further row; the newest counts."""

    __tablename__ = "outcome"

    n: int | None = Field(default=None, sa_column=numbered())
    incident: str = Field(foreign_key="incident.id", sa_type=Text, index=True)
    at_ms: int = Field(sa_type=WHOLE)
    by: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    done: str = Field(default="", sa_type=Text)
    done_by: str = Field(default="", sa_type=Text)
    text: str = Field(default="", sa_type=Text)
