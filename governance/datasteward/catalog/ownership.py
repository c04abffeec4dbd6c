"""Roads as SQL: to whom a row belongs, and which clock and country it takes from whom it belongs to.

One question carries everything: has this row an owner whose id passes a test? Belonging to a person, belonging to others,
being under a hold and being closed to a purpose are such tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ForeignKeyConstraint,
    Select,
    Table,
    and_,
    exists,
    false,
    or_,
    select,
    true,
    union_all,
)

from datasteward.catalog.roads import Road
from datasteward.catalog.tags import RECORD, Record
from datasteward.errors import CatalogError
from datasteward.statements import Sub, below, nested, one_of, these

if TYPE_CHECKING:
    from datasteward.catalog.catalog import Catalog

Test = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""A condition on the id of a person, which is never NULL when it is asked."""


def some_person(
    catalog: Catalog, table: Table, test: Test, roads: Iterable[Road], sub: Sub = nested, each: bool = False
) -> ColumnElement[bool]:
    """Whether one of the roads leads from a row of `table` to a person whose id passes the test."""
    return or_(false(), *(_along(catalog, table, road, test, sub, each) for road in roads))


def _along(catalog: Catalog, table: Table, road: Road, test: Test, sub: Sub, each: bool) -> ColumnElement[bool]:
    if road.kind == "nobody":
        return false()
    if road.kind in ("subject", "by"):
        column = table.c[road.columns[0]]
        filled = road.kind == "subject" or (each and not column.nullable)
        return test(column) if filled else column.is_not(None) & test(column)
    key = key_of(catalog, table, road)
    here, there = (own(key), far(key)) if road.kind == "via" else (far(key), own(key))
    other = key.referred_table if road.kind == "via" else key.table
    onward = onward_roads(catalog, other, table, seen=not road.owns)
    theirs = catalog.some_person(other, test, roads=onward, sub=sub, each=each)
    if other is table:
        theirs = below(table, [key], theirs)
    elif each:
        matches = [element == at for element, at in zip(there, here, strict=True)]
        return exists().where(*matches, theirs).correlate_except(other)
    if road.kind == "through":
        theirs = theirs & _filled(there)
    return one_of(here, sub(select(*there).where(theirs)))


def subjects(catalog: Catalog, table: Table, rows: ColumnElement[bool]) -> Select[Any] | CompoundSelect[Any]:
    """A statement for the ids of those to whom the rows belong, one select for each road."""
    found = [one for road in record(table).owners for one in _subjects(catalog, table, road, rows)]
    if not found:
        raise CatalogError(f"The table {table.name} belongs to nobody.")
    return found[0] if len(found) == 1 else union_all(*found)


def _subjects(catalog: Catalog, table: Table, road: Road, rows: ColumnElement[bool]) -> list[Select[Any]]:
    if road.kind in ("subject", "by"):
        column = table.c[road.columns[0]]
        return [select(column.label("subject")).where(rows, column.is_not(None))]
    key = key_of(catalog, table, road)
    here, there = (own(key), far(key)) if road.kind == "via" else (far(key), own(key))
    other = key.referred_table if road.kind == "via" else key.table
    theirs = one_of(there, these(select(*here).where(rows, _filled(here))))
    onward = onward_roads(catalog, other, table)
    return [one for each in onward for one in _subjects(catalog, other, each, theirs)]


def along(catalog: Catalog, table: Table, name: Callable[[Record], str | None]) -> ColumnElement[Any] | None:
    """The column that the record of `table` names, or of the row to which its first owning road leads."""
    told = record(table)
    if (column := name(told)) is not None:
        return table.c[column]
    road = next(iter(told.owners), None)
    key = None if road is None else _towards(catalog, table, road)
    if key is None:
        return None
    inner = along(catalog, key.referred_table, name)
    if inner is None:
        return None
    matches = [there == here for here, there in zip(own(key), far(key), strict=True)]
    return select(inner).select_from(key.referred_table).where(*matches).correlate(table).scalar_subquery()


def _towards(catalog: Catalog, table: Table, road: Road) -> ForeignKeyConstraint | None:
    """The foreign key that a row has to the row its road leads to, where it has one."""
    if road.kind == "via":
        return key_of(catalog, table, road)
    if road.kind != "by":
        return None
    keys = (k for k in table.foreign_key_constraints if list(k.column_keys) == [road.columns[0]])
    return next((key for key in keys if key.referred_table is not table), None)


def onward_roads(catalog: Catalog, other: Table, behind: Table, *, seen: bool = False) -> tuple[Road, ...]:
    """The owning roads of the other table (with `seen`, all of them) that do not lead back to where one comes from."""
    roads = record(other).roads if seen else record(other).owners
    return tuple(r for r in roads if r.kind != "via" or key_of(catalog, other, r).referred_table is not behind)


def key_of(catalog: Catalog, table: Table, road: Road) -> ForeignKeyConstraint:
    """The foreign key over which a road of kind via or through leads."""
    if road.kind == "via":
        keys = [k for k in table.foreign_key_constraints if set(k.column_keys) == set(road.columns)]
    else:
        keys = links(catalog.table(road.table), table, road)
    return keys[0]


def links(association: Table, table: Table, road: Road) -> list[ForeignKeyConstraint]:
    """The foreign keys by which a road of kind through leads over the association to the table: one, where nothing is wrong."""
    keys = (key for key in association.foreign_key_constraints if key.referred_table is table)
    return [key for key in keys if not road.columns or set(key.column_keys) == set(road.columns)]


def own(key: ForeignKeyConstraint) -> list[ColumnElement[Any]]:
    """The columns that refer."""
    return [element.parent for element in key.elements]


def far(key: ForeignKeyConstraint) -> list[ColumnElement[Any]]:
    """The columns that are referred to, in the order of `own`."""
    return [element.column for element in key.elements]


def record(table: Table) -> Record:
    """What a row of the table is."""
    found: Record = table.info[RECORD]
    return found


def _filled(columns: Iterable[ColumnElement[Any]]) -> ColumnElement[bool]:
    return and_(true(), *(column.is_not(None) for column in columns))
