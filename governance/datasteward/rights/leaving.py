"""What becomes of each row when one person leaves, derived from the roads of the catalog.

A row goes when its last owner leaves, or at once where its road says so; else the columns that its road names are emptied.
It stays for the reason that the road gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, false, literal, not_, or_

from datasteward.catalog import Catalog, Road
from datasteward.disposal.fixed import Fix
from datasteward.retention.held import Held


@dataclass(frozen=True, slots=True)
class Leave:
    """What becomes of the rows of one table: those that go, and columns to be emptied with the rows that stay without them."""

    table: Table
    going: ColumnElement[bool]
    emptied: list[tuple[tuple[str, ...], ColumnElement[bool]]]


def decided(catalog: Catalog, table: Table, subject: str, held: Held, fix: Fix) -> Leave:
    """What becomes of the table's rows, as things stand now; what a hold keeps stays as it is.

    Rows by which another table's belong to the person may go first: so everything is decided before anything is changed.
    """
    emptying = [
        (columns, fix(table, _free(rows, held.names(table, columns))))
        for columns, rows in emptied(catalog, table, subject)
    ]
    return Leave(table, fix(table, _free(going(catalog, table, subject), held.keeps(table))), emptying)


def going(catalog: Catalog, table: Table, subject: str) -> ColumnElement[bool]:
    """The rows of the table that go when the person leaves: true or false, never NULL."""
    alone = not_(catalog.of_others(table, subject))
    found: list[ColumnElement[bool]] = [false()]
    for road in catalog.record(table).roads:
        if road.leaving.what == "delete":
            found.append(_led_to(catalog, table, road, subject))
        if road.owns and road.leaving.what in ("last_owner", "anonymise"):
            found.append(and_(_led_to(catalog, table, road, subject), alone))
    return or_(*found)


def emptied(catalog: Catalog, table: Table, subject: str) -> Iterator[tuple[tuple[str, ...], ColumnElement[bool]]]:
    """Columns to be emptied when the person leaves, with the rows in which they are filled and lead to the person."""
    for road in catalog.record(table).roads:
        if road.leaving.what == "anonymise":
            filled = or_(*(table.c[name].is_not(None) for name in road.leaving.columns))
            yield road.leaving.columns, and_(_led_to(catalog, table, road, subject), filled)


def _free(rows: ColumnElement[bool], kept: ColumnElement[bool] | None) -> ColumnElement[bool]:
    return rows if kept is None else and_(rows, not_(kept))


def _led_to(catalog: Catalog, table: Table, road: Road, subject: str) -> ColumnElement[bool]:
    return catalog.some_person(table, lambda person: person == literal(subject), roads=(road,))
