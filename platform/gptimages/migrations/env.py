"""Alembic's environment: migrates the service's tables and the toolkit's on one connection that the caller opened."""

from alembic import context
from datasteward import tables
from sqlalchemy import Connection

from gptimages import all_models


def run(connection: Connection) -> None:
    """Runs the migrations that the caller asked for on the caller's connection."""
    context.configure(
        connection=connection,
        target_metadata=[all_models.metadata, tables.metadata],
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
