"""Run by alembic: the steps are taken on the connection that `ledger.store` hands over."""

from __future__ import annotations

from alembic import context

from kengd.hub.ledger.rows import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
