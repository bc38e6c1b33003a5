"""Steps from one shape of the ledger to the next (alembic)."""
