"""Steps from one shape of the ledger to the next (alembic)."""

from typing import Final

NEWEST: Final = "0004"
"""The revision of the last step in `versions/`."""
