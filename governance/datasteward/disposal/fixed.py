"""Rows fixed by their keys as they stand now: for several changes of which one takes away what another is decided by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Column, ColumnElement, MetaData, Table, insert, select
from sqlalchemy.orm import Session

from datasteward.base import new_id
from datasteward.statements import one_of

Fix = Callable[[Table, ColumnElement[bool]], ColumnElement[bool]]
"""Turns a condition on rows of a table into one for the same rows that holds whatever becomes of other rows."""


def as_it_is(_table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The Fix that fixes nothing."""
    return rows


@contextmanager
def fixed(session: Session) -> Iterator[Fix]:
    """Gives a Fix for the caller's transaction; nothing is loaded into memory.

    The keys stand in temporary tables, which are gone at the end; after an error the rollback takes them.
    """
    made = MetaData()

    def fix(table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
        key = list(table.primary_key.columns)
        copies = [Column(str(column.name), column.type) for column in key]
        name = f"steward_fixed_{new_id().lower()}"
        known = Table(name, made, *copies, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
        known.create(session.connection())
        session.execute(insert(known).from_select(known.c.keys(), select(*key).where(rows)))
        return one_of(key, select(*known.c))

    yield fix
    made.drop_all(session.connection(), checkfirst=False)
