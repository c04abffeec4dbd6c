"""Rows with the people to whom they belong beside them: what a count of people in groups is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, select

from datasteward.catalog import Catalog, Road
from datasteward.catalog.ownership import far, key_of, onward_roads, own
from datasteward.errors import CatalogError

SUBJECT = "datasteward_subject"


def beside(
    catalog: Catalog, table: Table, wanted: Sequence[ColumnElement[Any]], rows: ColumnElement[bool]
) -> list[Select[Any]]:
    """Statements for `wanted` of each of the `rows` with the id of somebody whose it is, one for each way to people.

    A row comes once for each of its owners and way, and not at all when it has none. Raises CatalogError for a table that
    belongs to nobody.
    """
    ways = [way for road in catalog.record(table).owners for way in _ways(catalog, table, table, table, road)]
    if not ways:
        raise CatalogError(f"The table {table.name} belongs to nobody.")
    return [
        select(*wanted, person.label(SUBJECT)).select_from(joined).where(rows, person.is_not(None))
        for joined, person in ways
    ]


def _ways(
    catalog: Catalog, table: Table, at: FromClause, joined: FromClause, road: Road
) -> Iterator[tuple[FromClause, ColumnElement[Any]]]:
    """Everything to join to reach the people of a road that begins `at`, which is `table` or an alias of it."""
    if road.kind in ("subject", "by"):
        yield joined, at.c[road.columns[0]]
        return
    key = key_of(catalog, table, road)
    here, there = (own(key), far(key)) if road.kind == "via" else (far(key), own(key))
    other = key.referred_table if road.kind == "via" else key.table
    next_to = other.alias()
    matches = [at.c[str(a.key)] == next_to.c[str(b.key)] for a, b in zip(here, there, strict=True)]
    for onward in onward_roads(catalog, other, table):
        yield from _ways(catalog, other, next_to, joined.join(next_to, and_(*matches)), onward)
