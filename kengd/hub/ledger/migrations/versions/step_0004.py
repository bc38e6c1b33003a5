"""Shifts of duty; and when the last backup was made, where it is looked for."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One table; the last backup is known from the audit book."""
    op.create_table(
        "shift",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("after", WHOLE, nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("began_ms", WHOLE, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("handed_ms", WHOLE, nullable=True),
        sa.Column("ended_ms", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index(op.f("ix_shift_after"), "shift", ["after"], unique=True)
    op.create_index(op.f("ix_shift_officer"), "shift", ["officer"], unique=False)
    connection = op.get_bind()
    found = sa.text("""SELECT at_ms, "by" FROM audit WHERE act = 'backup' ORDER BY seq DESC LIMIT 1""")
    made = connection.execute(found).first()
    if made is not None:
        kept = {"key": "backup.last", "value": json.dumps({"at_ms": made[0], "by": made[1], "where": None})}
        connection.execute(sa.text("INSERT INTO value (key, value) VALUES (:key, :value)"), kept)
