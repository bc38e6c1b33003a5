"""What one process changes, told to the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One table, whose rows are kept for some minutes."""
    op.create_table(
        "change",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
