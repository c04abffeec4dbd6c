"""The order in which a rule takes its rows: by the start of its clock, then by the primary key; and boundaries within it.

A boundary is a place in that order. Plans hold theirs as JSON and name nobody: a part of the key that is personal, such as
an account's own id, is left out of them, so that rows of the very same moment stand inside the boundary together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, literal, select, tuple_
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet

Place = tuple[Any, ...]
"""The values of the columns of an order at one row; in a plan as JSON has them."""


def start(catalog: Catalog, table: Table, clock: str) -> ColumnElement[datetime]:
    """The moment (UTC) from which the clock of a row runs. Raises CatalogError when the table does not have the clock."""
    found = catalog.clock(table, clock)
    if found is None:
        raise CatalogError(f"The table {table.name} has no clock {clock}: name the column in its record(…).")
    return found


def order(catalog: Catalog, table: Table, clock: str) -> list[ColumnElement[Any]]:
    """The columns by which the rows of the table stand in order."""
    return [start(catalog, table, clock), *table.primary_key.columns]


def told(catalog: Catalog, policies: PolicySet, table: Table, clock: str) -> list[ColumnElement[Any]]:
    """Those of them that a plan may hold."""
    known = policies.taxonomy.categories
    keys = [c for c in table.primary_key.columns if (k := known.get(catalog.tag(c).category)) and not k.personal]
    return [start(catalog, table, clock), *keys]


def after(columns: Sequence[ColumnElement[Any]], place: Place) -> ColumnElement[bool]:
    """Rows that stand behind the place."""
    return _pair(columns) > _pair(_bound(columns, place))


def upto(columns: Sequence[ColumnElement[Any]], place: Place) -> ColumnElement[bool]:
    """Rows that stand at the place or before it."""
    return _pair(columns) <= _pair(_bound(columns, place))


def since(columns: Sequence[ColumnElement[Any]], place: Place) -> ColumnElement[bool]:
    """Rows that stand at the place or behind it."""
    return _pair(columns) >= _pair(_bound(columns, place))


def ends(
    session: Session, table: Table, columns: Sequence[ColumnElement[Any]], rows: ColumnElement[bool]
) -> tuple[Place, Place] | None:
    """The places of the first and the last of the rows; None when there are none."""
    query: Select[Any] = select(*columns).select_from(table).where(rows).limit(1)
    first = session.execute(query.order_by(*columns)).one_or_none()
    last = session.execute(query.order_by(*(column.desc() for column in columns))).one_or_none()
    return None if first is None or last is None else (tuple(first), tuple(last))


def to_json(place: Place) -> Place:
    """The place as JSON has it."""
    return tuple(msgspec.to_builtins(place))


def from_json(columns: Sequence[ColumnElement[Any]], place: Place) -> Place:
    """The place again. Raises ValueError when it is not one in this order."""
    kinds = [column.type.python_type for column in columns]
    return tuple(msgspec.convert(v, k, strict=False) for v, k in zip(place, kinds, strict=True))


def _bound(columns: Sequence[ColumnElement[Any]], place: Place) -> list[ColumnElement[Any]]:
    return [literal(value, column.type) for column, value in zip(columns, place, strict=True)]


def _pair(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    return columns[0] if len(columns) == 1 else tuple_(*columns)
