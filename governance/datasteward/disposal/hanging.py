"""Which rows hang on which, read off the foreign keys: a row may not outlive what it must refer to.

A row that may refer to nothing (a nullable key with ON DELETE SET NULL) lets go of what goes, and stays.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, ForeignKeyConstraint, FromClause, Table, and_, or_, select

from datasteward.catalog import Catalog, foreign_keys
from datasteward.catalog.ownership import far, own
from datasteward.statements import Sub, nested, one_of


def hanging(
    catalog: Catalog, table: Table, going: ColumnElement[bool], sub: Sub = nested
) -> list[tuple[Table, ColumnElement[bool]]]:
    """The `going` rows of `table`, and the rows that go because they must refer, at any depth, to one of them.

    Each table stands there once, those that refer before those they refer to, `table` last: the order in which they can be
    deleted. `sub` makes the sub-selects.
    """
    found: dict[Table, ColumnElement[bool]] = {table: descendants(table, going)}
    for child in catalog.tables:
        keys = [key for key in foreign_keys(child) if key.referred_table in found and must_go(key)]
        refers = [one_of(own(key), sub(select(*far(key)).where(found[key.referred_table]))) for key in keys]
        if refers and child is not table:
            found[child] = descendants(child, or_(*refers))
    return list(reversed(found.items()))


def must_go(key: ForeignKeyConstraint) -> bool:
    """Whether a row that refers by `key` has to go with what it refers to (else it lets go of it)."""
    return not released(key)


def released(key: ForeignKeyConstraint) -> list[str]:
    """The columns that a row empties to let go of what it refers to by `key`; none when it has to go with it."""
    columns = [column for column in key.columns if column.nullable and not column.primary_key]
    return [str(column.name) for column in columns] if key.ondelete == "SET NULL" else []


def descendants(table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table that must refer to one of them, at any depth."""
    return _closure(table, rows, lambda known, step: (step, known))


def ancestors(table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table to which one of them must refer, at any depth."""
    return _closure(table, rows, lambda known, step: (known, step))


def _closure(
    table: Table, rows: ColumnElement[bool], order: Callable[[FromClause, FromClause], tuple[FromClause, FromClause]]
) -> ColumnElement[bool]:
    keys = [key for key in foreign_keys(table) if key.referred_table is table and must_go(key)]
    if not keys:
        return rows
    known = select(*table.primary_key.columns).where(rows).correlate(None).cte(recursive=True, nesting=True)
    here, step = table.alias(), table.alias()
    refers, referred = order(here, step)
    linked = or_(*(_linked(key, refers, referred) for key in keys))
    is_known = and_(*(here.c[column.name] == known.c[column.name] for column in table.primary_key.columns))
    onward = select(*(step.c[column.name] for column in table.primary_key.columns)).where(is_known, linked)
    return one_of(list(table.primary_key.columns), select(*known.union(onward).c))


def _linked(key: ForeignKeyConstraint, refers: FromClause, referred: FromClause) -> ColumnElement[bool]:
    return and_(*(refers.c[e.parent.name] == referred.c[e.column.name] for e in key.elements))
