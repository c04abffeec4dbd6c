"""How far the database's tables are, and bringing them to a revision: Alembic, over gptimages/migrations."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gptimages.db import Database
from gptimages.errors import StartError


def migrate(db: Database) -> None:
    """Brings the database to the newest revision; raises StartError when it was written by a newer version."""
    current = revision(db)
    if current is not None and not known(current):
        raise StartError("The database was written by a newer version of the service: install that version.")
    if current != ScriptDirectory.from_config(alembic_config()).get_current_head():
        with db.engine.connect() as connection, connection.begin():
            upgrade(connection, "head")


def revision(db: Database) -> str | None:
    """How far the database's tables are; None when there are none."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known(revision: str) -> bool:
    """Whether this version knows the revision."""
    return revision in {each.revision for each in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def upgrade(connection: Connection, revision: str) -> None:
    """Brings the tables to a revision, in the transaction of the connection."""
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> Config:
    """Alembic's configuration; the migrations stand in gptimages/migrations."""
    config = Config()
    config.set_main_option("script_location", "gptimages:migrations")
    return config
