"""Where a sealed column stands and whose it is, told by its table: what sealing and revealing need to know of a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, LargeBinary, SQLColumnExpression, func, inspect, type_coerce
from sqlalchemy.orm import Mapper, QueryableAttribute

from datasteward.catalog.roads import Road
from datasteward.catalog.sharing import is_shared
from datasteward.catalog.tags import RECORD
from datasteward.crypto.fields import PREFIX_BYTES
from datasteward.types import RowKey, Sealed

Attribute = str | SQLColumnExpression[Any]
"""A sealed column: its name on the class of a mapped row, or the column itself (`Run.prompt`, `runs.c.prompt`)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sealed column, the column of its table's primary key, and the one with whose it is, where one column tells."""

    column: Column[Any]
    key: Column[Any]
    owner: Column[Any] | None

    @property
    def table(self) -> str:
        """The name of the table in the database."""
        return str(self.column.table)


@lru_cache(maxsize=1024)
def place_of(column: Column[Any]) -> Place:
    """The place of a column that is sealed under a person's keys, as `settled` gives it.

    Raises ValueError, too, for a column whose values are shared and for one that holds their keys.
    """
    if is_shared(column):
        raise ValueError(f"{column} is several people's: use seal_shared and reveal_shared of datasteward.keys.")
    if isinstance(column.type, RowKey):
        raise ValueError(f"{column} holds the keys of shared rows: hand them out with datasteward.keys.share.")
    return settled(column)


def settled(column: Column[Any]) -> Place:
    """The place of any column. Raises ValueError when its table's primary key is not one column: what is sealed needs
    a settled place.
    """
    table = column.table
    if len(table.primary_key) != 1:
        raise ValueError(f"Give {table.name} a primary key of one column: {column.name} is sealed for one place.")
    return Place(column, next(iter(table.primary_key)), _owner(table, column))


def mark_of(column: Column[Any]) -> ColumnElement[bytes]:
    """How what a sealed column holds begins, as SQL: the TINK prefix, which names the key that sealed it."""
    return func.substr(type_coerce(column, LargeBinary), 1, PREFIX_BYTES, type_=LargeBinary)


def column_of(row: object, attribute: Attribute) -> Column[Any]:
    """The column behind an attribute. `row` is a mapped row, where the attribute is given by name."""
    found: object = attribute
    if isinstance(attribute, str):
        found = inspect(row, raiseerr=True).mapper.column_attrs[attribute].columns[0]
    elif isinstance(attribute, QueryableAttribute):
        found = attribute.property.columns[0]
    if not isinstance(found, Column):
        raise ValueError("Name a column of a table: an expression is sealed for no place.")
    return found


def subject_of(row: object, place: Place) -> str:
    """Whose the value in this mapped row is: as `under` or the road of its table says, over loaded rows alone.

    Raises ValueError when neither tells one person.
    """
    found = value_of(row, place.owner) if place.owner is not None else _owner_along(row)
    if found is None:
        raise ValueError(
            f"Nothing in the row tells whose {place.table}.{place.column.name} is: name the column that tells by under= of "
            "its type, or say subject= where it can be said."
        )
    return str(found)


def row_of(row: object, place: Place) -> str:
    """The primary key of a mapped row as text. Raises ValueError when it is not set: its place is not settled."""
    key = value_of(row, place.key)
    if key is None:
        raise ValueError(f"Set the primary key of {type(row).__name__} before sealing {place.column.name}.")
    return str(key)


def value_of(row: object, column: Column[Any]) -> Any:
    """What a mapped row has in a column."""
    return getattr(row, name_of(row, column))


def name_of(row: object, column: Column[Any]) -> str:
    """The attribute of a mapped row that is the column."""
    return str(inspect(row, raiseerr=True).mapper.get_property_by_column(column).key)


def _owner(table: Any, column: Column[Any]) -> Column[Any] | None:
    if isinstance(column.type, Sealed) and column.type.under is not None:
        return cast("Column[Any]", table.c[column.type.under])
    road = _road(table)
    return table.c[road.columns[0]] if road is not None and road.kind in ("subject", "by") else None


def _road(table: Any) -> Road | None:
    """The one road to its owner, if it is one."""
    record = table.info.get(RECORD)
    return record.owners[0] if record is not None and len(record.owners) == 1 else None


def _owner_along(row: object) -> Any:
    """The id to which the road of a mapped row leads, over foreign keys whose rows a relationship has loaded; or None."""
    mapper: Mapper[object] = inspect(row, raiseerr=True).mapper
    road = _road(mapper.local_table)
    if road is None or road.kind == "through":
        return None
    if road.kind != "via":
        return value_of(row, cast("Column[Any]", mapper.local_table.c[road.columns[0]]))
    ways = (r for r in mapper.relationships if {c.name for c in r.local_columns} == set(road.columns) and not r.uselist)
    above = next((vars(row)[way.key] for way in ways if vars(row).get(way.key) is not None), None)
    return None if above is None else _owner_along(above)
