"""Taking the steps of `migrations/`: the only place that loads alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from kengd.errors import KengdError


def take_steps(connection: Connection) -> None:
    """From whatever shape to the newest, in the caller's transaction. Raises KengdError `ledger_newer`."""
    config = _config()
    script = ScriptDirectory.from_config(config)
    now = MigrationContext.configure(connection).get_current_revision()
    if now == script.get_current_head():
        return
    _known(script, now)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def newest() -> str | None:
    """The revision of the last step there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "kengd.hub.ledger:migrations")
    return config


def _known(script: ScriptDirectory, revision: str | None) -> None:
    """A ledger of a newer release is left alone."""
    try:
        if revision is not None:
            script.get_revision(revision)
    except CommandError as newer:
        raise KengdError(
            "ledger_newer",
            "cơ sở dữ liệu này do một bản kengd mới hơn tạo ra",
            cure="cài bản kengd mới hơn, hoặc khôi phục bản sao lưu của bản này",
            en=f"the ledger is of a newer release ({revision})",
        ) from newer
