"""What becomes of each row when one person leaves, derived from the roads of the catalog.

A row goes when its last owner leaves, or at once where its road says so; else the columns that its road names are emptied.
It stays for the reason that the road gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, literal, not_, or_

from datasteward.catalog import Catalog, Road
from datasteward.disposal.fixed import Fix
from datasteward.retention.held import Held
from datasteward.statements import these


@dataclass(frozen=True, slots=True)
class Leave:
    """What becomes of the rows of one table: those that go, those that go once they are nobody else's any more, and columns to
    be emptied with the rows that stay without them.
    """

    table: Table
    going: ColumnElement[bool]
    shared: ColumnElement[bool]
    emptied: list[tuple[tuple[str, ...], ColumnElement[bool]]]


def decided(catalog: Catalog, table: Table, subject: str, held: Held, fix: Fix) -> Leave:
    """What becomes of the table's rows, as things stand now; what a hold keeps stays as it is.

    Rows by which another table's belong to the person may go first: so everything is decided before anything is changed.
    """
    emptying = [
        (columns, fix(table, _free(rows, held.names(table, columns))))
        for columns, rows in emptied(catalog, table, subject)
    ]
    gone = fix(table, _free(going(catalog, table, subject), held.keeps(table)))
    return Leave(table, gone, fix(table, shared(catalog, table, subject)), emptying)


def lost(catalog: Catalog, leave: Leave, subject: str, held: Held, fix: Fix) -> ColumnElement[bool]:
    """Shared rows that nobody else owns any more: what they were others' by hung on something else, and went with it."""
    alone = not_(catalog.of_others(leave.table, subject))
    return fix(leave.table, _free(and_(leave.shared, alone), held.keeps(leave.table)))


def going(catalog: Catalog, table: Table, subject: str) -> ColumnElement[bool]:
    """The rows of the table that go when the person leaves: true or false, never NULL."""
    alone = not_(catalog.of_others(table, subject))
    at_once = tuple(road for road in catalog.record(table).roads if road.leaving.what == "delete")
    return or_(
        _led_to(catalog, table, at_once, subject), and_(_led_to(catalog, table, _last(catalog, table), subject), alone)
    )


def shared(catalog: Catalog, table: Table, subject: str) -> ColumnElement[bool]:
    """The rows of the table that would go when the person leaves, were they not others' too."""
    return and_(_led_to(catalog, table, _last(catalog, table), subject), catalog.of_others(table, subject))


def emptied(catalog: Catalog, table: Table, subject: str) -> Iterator[tuple[tuple[str, ...], ColumnElement[bool]]]:
    """Columns to be emptied when the person leaves, with the rows in which they are filled and lead to the person."""
    for road in catalog.record(table).roads:
        if road.leaving.what == "anonymise":
            filled = or_(*(table.c[name].is_not(None) for name in road.leaving.columns))
            yield road.leaving.columns, and_(_led_to(catalog, table, (road,), subject), filled)


def _free(rows: ColumnElement[bool], kept: ColumnElement[bool] | None) -> ColumnElement[bool]:
    return rows if kept is None else and_(rows, not_(kept))


def _last(catalog: Catalog, table: Table) -> tuple[Road, ...]:
    """The roads whose rows go when the last owner leaves."""
    return tuple(road for road in catalog.record(table).owners if road.leaving.what in ("last_owner", "anonymise"))


def _led_to(catalog: Catalog, table: Table, roads: tuple[Road, ...], subject: str) -> ColumnElement[bool]:
    return catalog.some_person(table, lambda person: person == literal(subject), roads=roads, sub=these)
