"""The rows of an association through which a person opens shared rows: looked up beside these, in the same statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Table, literal, select
from sqlalchemy.schema import Column

from datasteward.catalog import Catalog
from datasteward.catalog.ownership import onward_roads
from datasteward.catalog.sharing import is_shared, sharing_of
from datasteward.keys import Context
from datasteward.keys.shared import Door
from datasteward.statements import these

DOOR, KEY = "datasteward_door", "datasteward_key"


def beside(
    catalog: Catalog, table: Table, subject: str, *, row: FromClause | None = None, mark: str = ""
) -> list[ColumnElement[Any]]:
    """What to select beside rows of the table (or its alias `row`) for `door`; nothing where they are not shared.

    `mark` tells several tables of one statement apart. Of several doors of the person it is the first that has a key.
    """
    sharing = sharing_of(table)
    if sharing is None:
        return []
    here, key = table if row is None else row, sharing.key
    (name,) = key.table.primary_key.columns
    onward = onward_roads(catalog, key.table, table)
    theirs = catalog.some_person(key.table, lambda person: person == literal(subject), roads=onward, sub=these)
    refers = (element.parent == here.c[element.column.name] for element in sharing.link.elements)
    first = select(name).where(*refers, theirs, key.is_not(None)).order_by(name).limit(1).correlate(here)
    found = [(DOOR, first), (KEY, first.with_only_columns(key))]
    return [each.scalar_subquery().label(label + mark) for label, each in found]


def door(column: Column[Any], subject: str, row: Row[Any], *, mark: str = "") -> Door | None:
    """What opens the person a shared column, in a row with what is `beside` it; None for a column that is not shared."""
    sharing = sharing_of(column.table) if is_shared(column) else None
    if sharing is None:
        return None
    place = Context(subject, sharing.key.table.name, sharing.key.name, str(row._mapping[DOOR + mark]))
    return Door(place, row._mapping[KEY + mark])
