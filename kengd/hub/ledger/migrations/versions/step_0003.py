"""Who was really called, which villages an incident is about, what is on its way to people, lines of books that cannot be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """What was counted as calls were turns: of the calls themselves nobody had kept count."""
    op.execute("ALTER TABLE incident RENAME COLUMN calls TO turns")
    op.add_column("incident", sa.Column("calls", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("incident", sa.Column("villages", sa.Text(), nullable=False, server_default="[]"))
    # An officer who rang had taken charge by ringing; a village's own alarm is never taken in the moment it begins.
    op.execute(
        "UPDATE incident SET origin = 'order' WHERE origin = 'alarm' AND id LIKE 'hub-%' AND acknowledged_ms = began_ms"
    )
    op.add_column("notice", sa.Column("incident", sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("turn", sa.Integer(), nullable=True))
    op.add_column("notice", sa.Column("errand", sa.Text(), nullable=True))
    op.create_index(op.f("ix_notice_incident"), "notice", ["incident"], unique=False)
    op.create_index(op.f("ix_notice_errand"), "notice", ["errand"], unique=False)
    op.create_table(
        "errand",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("until_ms", WHOLE, nullable=False),
        sa.Column("made_ms", WHOLE, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "unread",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("book", sa.Text(), nullable=True),
        sa.Column("seq", WHOLE, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_ms", WHOLE, nullable=False),
        sa.Column("last_ms", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("post", "digest"),
    )
