"""What a legal hold is about: a person, a table or some of its rows, a category, a time range, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Integer, Table, func, select, type_coerce
from sqlalchemy.orm import Session

from datasteward.errors import HoldError
from datasteward.statements import among
from datasteward.steward import Steward

Key = tuple[str, ...]
"""The primary key of a row as text, a part for each of its columns; times as ISO 8601."""

BITS = 64
"""Of the largest integer that a database holds, its sign included."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What is held: that which meets all that is given here. At least one has to be.

    `subject`: rows that belong to this person. `table`: rows of this table, or only those whose keys are `rows`.
    `category`: records of this category or below it, and rows of other tables in which a column of it is filled.
    `since`, `before` (UTC): rows whose clock `created` started in between; `before` itself is outside. A row whose clock
    is unknown, and a table without the clock, is inside every range: rather too much is held than too little.
    """

    subject: str | None = None
    table: str | None = None
    rows: tuple[Key, ...] = ()
    category: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def person_alone(self) -> bool:
        """Whether everything of one person is held."""
        return self.subject is not None and self == Scope(subject=self.subject)


def keys(texts: Iterable[str]) -> tuple[Key, ...]:
    """Keys as people write them: the parts of a key of several columns are parted by commas."""
    return tuple(tuple(part.strip() for part in text.split(",")) for text in texts)


def one_of_rows(table: Table, rows: tuple[Key, ...]) -> ColumnElement[bool]:
    """The rows of the table with these keys. Raises HoldError for a key that cannot be one of its."""
    columns = list(table.primary_key.columns)
    if any(len(row) != len(columns) for row in rows):
        named = ", ".join(column.name for column in columns)
        raise HoldError(f"A row of {table.name} is named by {named}: give these, parted by commas.")
    try:
        values = [[typed(*pair) for pair in zip(columns, row, strict=True)] for row in rows]
    except ValueError:
        raise HoldError(f"A key of {table.name} is not written like that: check the rows.") from None
    return among([wide(column) for column in columns], values)


def typed(column: ColumnElement[Any], text: str) -> object:
    """What a column holds that is written like that. Raises ValueError when it cannot hold it."""
    found = msgspec.convert(text, column.type.python_type, strict=False)
    if isinstance(found, int) and found.bit_length() >= BITS:
        raise ValueError("No database has integers of this size.")
    return found


def wide(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, to be compared with any integer that `typed` lets pass, whatever the size of its own."""
    return type_coerce(column, BigInteger()) if isinstance(column.type, Integer) else column


def check(session: Session, steward: Steward, scope: Scope) -> None:
    """Raises HoldError unless the scope names something, and only what there is."""
    if scope == Scope():
        raise HoldError("Say what is held: a person, a table, rows of it, a category or a time range.")
    if scope.since is not None and scope.before is not None and scope.since >= scope.before:
        raise HoldError("The time range ends before it begins: give the earlier day first.")
    if scope.category is not None and scope.category not in steward.policies.taxonomy.categories:
        raise HoldError("There is no such category: give a key of policies/taxonomy.yaml, such as user.content.")
    if scope.rows and scope.table is None:
        raise HoldError("Say in which table the rows stand.")
    if scope.table is not None:
        _check_rows(session, _table(steward, scope.table), scope.rows)


def _table(steward: Steward, name: str) -> Table:
    found = next((table for table in steward.catalog.tables if table.name == name), None)
    if found is None:
        raise HoldError("There is no such table: take its name from the catalog.")
    return found


def _check_rows(session: Session, table: Table, rows: tuple[Key, ...]) -> None:
    wanted = set(rows)
    if not wanted:
        return
    there = select(func.count()).select_from(table).where(one_of_rows(table, tuple(sorted(wanted))))
    if session.scalar(there) != len(wanted):
        raise HoldError(f"Not all of these rows are in {table.name}: check their keys.")
