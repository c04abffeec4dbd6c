"""The SQL of retention: which rows are due, which are held, which go, and which go along because they hang on others.

Every condition here is true or false, never NULL, so that it can be negated. Sub-selects are common table expressions, so
that the same table can stand in several of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Select, Table, and_, false, not_, or_, select

from datasteward.catalog import Catalog
from datasteward.disposal.disposal import must_go
from datasteward.retention import holds
from datasteward.retention.plan import EVERYWHERE


def due(catalog: Catalog, table: Table, clock: str, cutoffs: Mapping[str, datetime]) -> ColumnElement[bool]:
    """Rows whose clock started before the cutoff of their country; one whose clock has not started is not due."""
    told = catalog.record(table)
    start = table.c[told.clocks[clock]]
    own = {country: cutoff for country, cutoff in cutoffs.items() if country != EVERYWHERE}
    if told.country is None or not own:
        return and_(start.is_not(None), start < cutoffs[EVERYWHERE])
    country = table.c[told.country]
    elsewhere = or_(country.is_(None), country.not_in(sorted(own)))
    branches = [and_(country.is_not(None), country == name, start < cutoff) for name, cutoff in sorted(own.items())]
    return and_(start.is_not(None), or_(and_(elsewhere, start < cutoffs[EVERYWHERE]), *branches))


def held(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """Rows that a hold keeps from going: a held person's, and those that would take or change a held person's row."""
    return _held(catalog, table, {})


def of_held_person(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """Rows that belong to a data subject under a hold."""
    road = catalog.record(table).road
    if road.kind == "nobody":
        return false()
    column = table.c[road.column]
    if road.kind in ("subject", "owned"):
        return and_(column.is_not(None), column.in_(these(holds.subjects())))
    parent_key = next(iter(column.foreign_keys)).column
    parents = select(parent_key).where(of_held_person(catalog, parent_key.table))
    return and_(column.is_not(None), column.in_(these(parents)))


def these(rows: Select[Any]) -> Select[Any]:
    """The same rows by way of a common table expression: it correlates with nothing, and conditions do not nest.

    SQLite's parser gives up at a depth of a hundred, which conditions over a few tables would pass. For queries alone:
    Python's driver for SQLite does not count what a statement changes that begins with WITH.
    """
    return select(*rows.cte().c)


def filled(table: Table, columns: tuple[str, ...]) -> ColumnElement[bool]:
    """Rows in which anonymisation still has something to empty."""
    return or_(*(table.c[name].is_not(None) for name in columns))


def none_of(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Rows that meet none of the conditions."""
    return not_(or_(false(), *conditions))


def _same_person(catalog: Catalog, key: ForeignKey) -> bool:
    """Whether the road of the referring row leads over `key`, so that it always belongs to whom the other row belongs."""
    road, other = catalog.record(key.parent.table).road, catalog.record(key.column.table).road
    if road.kind == "nobody" or road.column != key.parent.name:
        return False
    return road.kind == "via" or (other.kind in ("subject", "owned") and other.column == key.column.name)


def _held(catalog: Catalog, table: Table, known: dict[Table, ColumnElement[bool]]) -> ColumnElement[bool]:
    if table in known:
        return known[table]
    reasons = [of_held_person(catalog, table)]
    for key in catalog.dependents(table):
        child = key.parent.table
        if child is table or (_same_person(catalog, key) and not catalog.dependents(child)):
            continue  # in the second case the child is held exactly when this row is
        kept = _held(catalog, child, known) if must_go(key) else of_held_person(catalog, child)
        reasons.append(key.column.in_(these(select(key.parent).where(key.parent.is_not(None), kept))))
    known[table] = or_(*reasons)
    return known[table]
