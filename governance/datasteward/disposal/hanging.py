"""Which rows hang on which, read off the foreign keys: a row may not outlive what it must refer to.

A row that may refer to nothing (a nullable key with ON DELETE SET NULL) lets go of what goes, and stays.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, ForeignKeyConstraint, Table, or_, select

from datasteward.catalog import Catalog, foreign_keys
from datasteward.catalog.ownership import far, own
from datasteward.disposal.fixed import Fix, as_it_is
from datasteward.statements import Sub, above, below, childless, must_go, nested, one_of


def hanging(
    catalog: Catalog, table: Table, going: ColumnElement[bool], sub: Sub = nested, fix: Fix = as_it_is
) -> list[tuple[Table, ColumnElement[bool]]]:
    """The `going` rows of `table`, and the rows that go because they must refer, at any depth, to one of them.

    Each table stands there once, those that refer before those they refer to, `table` last: the order in which they can be
    deleted. `sub` makes the sub-selects; `fix` may look the rows of a table up before those that hang on them are asked for.
    """
    found: dict[Table, ColumnElement[bool]] = {table: fix(table, descendants(table, going))}
    for child in catalog.tables:
        keys = [key for key in foreign_keys(child) if key.referred_table in found and must_go(key)]
        refers = [one_of(own(key), sub(select(*far(key)).where(found[key.referred_table]))) for key in keys]
        if refers and child is not table:
            found[child] = fix(child, descendants(child, or_(*refers)))
    return list(reversed(found.items()))


def depth(catalog: Catalog, table: Table) -> int:
    """How long the longest chain of tables is of which each has rows that must refer to the one before; 1 for `table` alone."""
    found = {table: 1}
    for child in catalog.tables:
        keys = [key for key in foreign_keys(child) if key.referred_table in found and must_go(key)]
        if keys and child is not table:
            found[child] = 1 + max(found[key.referred_table] for key in keys)
    return max(found.values())


def descendants(table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table that must refer to one of them, at any depth."""
    return below(table, _binding(table), rows)


def ancestors(table: Table, rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows, and those of the same table to which one of them must refer, at any depth."""
    return above(table, _binding(table), rows)


def leaves(table: Table) -> ColumnElement[bool]:
    """The rows to which no other row of the same table must refer."""
    return childless(table, _binding(table))


def _binding(table: Table) -> list[ForeignKeyConstraint]:
    return [key for key in foreign_keys(table) if key.referred_table is table and must_go(key)]
