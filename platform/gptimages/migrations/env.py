"""Alembic's environment: migrates the service's tables and the toolkit's on one connection that the caller opened.

Migrations speak of plain column types: a boxed ciphertext is bytes to the database, and tags are no part of it.
"""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import CreateTableOp, MigrationScript

from datasteward import tables
from gptimages import all_models


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """How a column's type is written in a migration; False leaves it to Alembic."""
    if kind != "type" or not isinstance(item, sa.types.TypeDecorator):
        return False
    return "sa.LargeBinary()" if isinstance(item.impl, sa.LargeBinary) else "sa.DateTime(timezone=True)"


def without_tags(_context: Any, _revision: Any, scripts: list[MigrationScript]) -> None:
    """Takes the catalog's tags off the tables that a migration makes."""
    for script in scripts:
        for operation in script.upgrade_ops.ops if script.upgrade_ops else ():
            if isinstance(operation, CreateTableOp):
                operation.info, operation.kw = {}, {k: v for k, v in operation.kw.items() if k != "info"}


def run(connection: sa.Connection) -> None:
    """Runs the migrations that the caller asked for on the caller's connection."""
    context.configure(
        connection=connection,
        target_metadata=[all_models.metadata, tables.metadata],
        render_as_batch=True,
        compare_type=True,
        render_item=plain_type,
        process_revision_directives=without_tags,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
