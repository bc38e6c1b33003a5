"""The first shape of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """All tables."""
    op.create_table(
        "audit",
        sa.Column("seq", WHOLE, autoincrement=True, nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "book",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("known_seq", WHOLE, nullable=False),
        sa.Column("gap_ms", WHOLE, nullable=True),
        sa.Column("asked_ms", WHOLE, nullable=True),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("wrong_seq", WHOLE, nullable=True),
        sa.Column("wrong", sa.Text(), nullable=True),
        sa.Column("began", sa.Text(), nullable=True),
        sa.Column("heard_ms", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("post", "book"),
    )
    op.create_table(
        "dispatch",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("do", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("at_s", WHOLE, nullable=True),
        sa.Column("gap_s", sa.Integer(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=True),
        sa.Column("second", sa.Text(), nullable=True),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("repeats", sa.Text(), nullable=True),
        sa.Column("made_ms", WHOLE, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dispatch_incident"), "dispatch", ["incident"], unique=False)
    op.create_index(op.f("ix_dispatch_made_ms"), "dispatch", ["made_ms"], unique=False)
    op.create_table(
        "entry",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("activation", sa.Text(), nullable=True),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("heard_ms", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("n"),
        sa.UniqueConstraint("post", "book", "seq", name="entry_identity"),
    )
    op.create_index("entry_activation", "entry", ["activation"], unique=False)
    op.create_index("entry_at", "entry", ["at_ms"], unique=False)
    op.create_index("entry_command", "entry", ["command_id"], unique=False)
    op.create_index("entry_post_at", "entry", ["post", "at_ms"], unique=False)
    op.create_table(
        "head",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("post", "book", "seq"),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=True),
        sa.Column("village", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("began_ms", WHOLE, nullable=False),
        sa.Column("acknowledged_ms", WHOLE, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("closed_ms", WHOLE, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("call_due_ms", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_incident_began_ms"), "incident", ["began_ms"], unique=False)
    op.create_table(
        "notice",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index(op.f("ix_notice_at_ms"), "notice", ["at_ms"], unique=False)
    op.create_table(
        "officer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("pin", sa.Text(), nullable=True),
        sa.Column("made_ms", WHOLE, nullable=False),
        sa.Column("ended_ms", WHOLE, nullable=True),
        sa.Column("erased_ms", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_officer_login"), "officer", ["login"], unique=True)
    op.create_table(
        "post",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("sounder", sa.Boolean(), nullable=False),
        sa.Column("x", sa.Float(), nullable=True),
        sa.Column("y", sa.Float(), nullable=True),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("enrolled_ms", WHOLE, nullable=False),
        sa.Column("retired_ms", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "post_group",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "presence",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("from_ms", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index("presence_post", "presence", ["post", "from_ms"], unique=False)
    op.create_table(
        "trial",
        sa.Column("night", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("dispatch", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("night", "post"),
    )
    op.create_table(
        "value",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "village",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "command",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("dispatch", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("jws", sa.LargeBinary(), nullable=False),
        sa.Column("exp_ms", WHOLE, nullable=False),
        sa.Column("due_ms", WHOLE, nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispatch"],
            ["dispatch.id"],
        ),
        sa.PrimaryKeyConstraint("jti"),
    )
    op.create_index("command_due", "command", ["open", "due_ms"], unique=False)
    op.create_index(op.f("ix_command_dispatch"), "command", ["dispatch"], unique=False)
    op.create_table(
        "keeper",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("away_until_ms", WHOLE, nullable=True),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("pin", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["post"],
            ["post.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_keeper_post"), "keeper", ["post"], unique=False)
    op.create_table(
        "member",
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post"],
            ["post.id"],
        ),
        sa.PrimaryKeyConstraint("group_id", "post"),
    )
    op.create_table(
        "neighbour",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("neighbour", sa.Text(), nullable=False),
        sa.Column("by_itself", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["neighbour"],
            ["village.id"],
        ),
        sa.ForeignKeyConstraint(
            ["village"],
            ["village.id"],
        ),
        sa.PrimaryKeyConstraint("village", "neighbour"),
    )
    op.create_table(
        "outcome",
        sa.Column("n", WHOLE, autoincrement=True, nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("at_ms", WHOLE, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"],
            ["incident.id"],
        ),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index(op.f("ix_outcome_incident"), "outcome", ["incident"], unique=False)
    op.create_table(
        "serves",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("village", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["village"],
            ["village.id"],
        ),
        sa.PrimaryKeyConstraint("post", "village"),
    )
    op.create_table(
        "session",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("made_ms", WHOLE, nullable=False),
        sa.Column("used_ms", WHOLE, nullable=False),
        sa.Column("until_ms", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["officer"],
            ["officer.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_session_officer"), "session", ["officer"], unique=False)
    op.create_table(
        "sounded",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("activation", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("began_ms", WHOLE, nullable=False),
        sa.Column("ended_ms", WHOLE, nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident"],
            ["incident.id"],
        ),
        sa.PrimaryKeyConstraint("post", "activation"),
    )
    op.create_index(op.f("ix_sounded_incident"), "sounded", ["incident"], unique=False)
    op.create_table(
        "target",
        sa.Column("dispatch", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("do", sa.Text(), nullable=False),
        sa.Column("exp_ms", WHOLE, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("activation", sa.Text(), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=True),
        sa.Column("awaited", sa.Text(), nullable=False),
        sa.Column("sent_ms", WHOLE, nullable=True),
        sa.Column("received_ms", WHOLE, nullable=True),
        sa.Column("ringing_ms", WHOLE, nullable=True),
        sa.Column("ended_ms", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(
            ["dispatch"],
            ["dispatch.id"],
        ),
        sa.PrimaryKeyConstraint("dispatch", "post"),
    )
    op.create_index("target_command", "target", ["jti", "post"], unique=False)
    op.create_index("target_open", "target", ["state", "exp_ms"], unique=False)
    op.create_table(
        "token",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_ms", WHOLE, nullable=False),
        sa.Column("until_ms", WHOLE, nullable=True),
        sa.Column("ended_ms", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(
            ["officer"],
            ["officer.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_token_officer"), "token", ["officer"], unique=False)
