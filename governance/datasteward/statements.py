"""Small parts of SQL that several modules are made of: sub-selects, keys of several columns, and counting changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Delete, Insert, Select, Update, and_, select, tuple_
from sqlalchemy.orm import Session

Sub = Callable[[Select[Any]], Select[Any]]
"""How a condition makes its sub-selects: `nested` or `these`."""


def changed(session: Session, statement: Update | Delete | Insert) -> int:
    """Executes the statement in the caller's transaction and returns how many rows it changed."""
    return cast("CursorResult[object]", session.execute(statement)).rowcount


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
