"""Small parts of SQL that several modules are made of: sub-selects, keys of several columns, trees, and counting changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    ForeignKeyConstraint,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    and_,
    exists,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

NAMED = 500
"""How many rows a condition names by their keys at most: their number goes into the statement."""

Sub = Callable[[Select[Any]], Select[Any]]
"""How a condition makes its sub-selects: `nested` or `these`."""


def changed(session: Session, statement: Update | Delete | Insert) -> int:
    """Executes the statement in the caller's transaction and returns how many rows it changed."""
    counted = statement.execution_options(preserve_rowcount=True)  # psycopg forgets that of an INSERT
    return cast("CursorResult[object]", session.execute(counted)).rowcount


def nested(rows: Select[Any]) -> Select[Any]:
    """The rows as a sub-select of whatever it stands in, correlated with nothing."""
    return rows.correlate(None)


def these(rows: Select[Any]) -> Select[Any]:
    """The same rows by way of a common table expression: it correlates with nothing, and conditions do not nest.

    SQLite's parser gives up at a depth of a hundred, which conditions over a few tables would pass. For queries alone:
    Python's driver for SQLite does not count what a statement changes that begins with WITH.
    """
    return select(*rows.cte().c)


def one_of(columns: Sequence[ColumnElement[Any]], rows: Select[Any]) -> ColumnElement[bool]:
    """Whether the columns, all of them filled, stand among the rows: true or false, never NULL."""
    filled = [column.is_not(None) for column in columns]
    key: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    return and_(*filled, key.in_(rows))


def among(columns: Sequence[ColumnElement[Any]], keys: Iterable[Sequence[Any]]) -> ColumnElement[bool]:
    """Whether the columns hold one of the keys, each a value for each column."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_([tuple(key) for key in keys])


def must_go(key: ForeignKeyConstraint) -> bool:
    """Whether a row that refers by `key` has to go with what it refers to (else it lets go of it)."""
    return not released(key)


def released(key: ForeignKeyConstraint) -> list[str]:
    """The columns that a row empties to let go of what it refers to by `key`; none when it has to go with it."""
    columns = [column for column in key.columns if column.nullable and not column.primary_key]
    return [str(column.name) for column in columns] if key.ondelete == "SET NULL" else []


def below(table: Table, keys: Iterable[ForeignKeyConstraint], rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table that refer to one of them by one of the keys, at any depth."""
    return _closure(table, keys, rows, lambda known, step: (step, known))


def above(table: Table, keys: Iterable[ForeignKeyConstraint], rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table to which one of them refers by one of the keys, at any depth."""
    return _closure(table, keys, rows, lambda known, step: (known, step))


def childless(table: Table, keys: Iterable[ForeignKeyConstraint]) -> ColumnElement[bool]:
    """The rows to which no other row of the same table refers by one of the keys."""
    other = table.alias()
    is_other = or_(*(other.c[column.name] != column for column in table.primary_key.columns))
    links = [_linked(key, other, table) for key in keys]
    return not_(exists().where(is_other, or_(*links)).correlate(table)) if links else true()


def _closure(
    table: Table,
    keys: Iterable[ForeignKeyConstraint],
    rows: ColumnElement[bool],
    order: Callable[[FromClause, FromClause], tuple[FromClause, FromClause]],
) -> ColumnElement[bool]:
    here, step = table.alias(), table.alias()
    links = [_linked(key, *order(here, step)) for key in keys]
    if not links:
        return rows
    known = select(*table.primary_key.columns).where(rows).correlate(None).cte(recursive=True, nesting=True)
    is_known = and_(*(here.c[column.name] == known.c[column.name] for column in table.primary_key.columns))
    onward = select(*(step.c[column.name] for column in table.primary_key.columns)).where(is_known, or_(*links))
    return one_of(list(table.primary_key.columns), select(*known.union(onward).c))


def _linked(key: ForeignKeyConstraint, refers: FromClause, referred: FromClause) -> ColumnElement[bool]:
    return and_(*(refers.c[e.parent.name] == referred.c[e.column.name] for e in key.elements))
