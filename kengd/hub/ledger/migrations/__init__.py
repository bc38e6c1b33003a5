"""Steps from one shape of the ledger to the next (alembic)."""

from typing import Final

NEWEST: Final = "0003"
"""The revision of the last step in `versions/`."""
