"""Rows that several people share: where the key lies that seals them, and what would keep an owner from reading.

class Board(Base):
    __table_args__ = {"info": record("user.support.ticket", owned_through("membership"))}
    title: Mapped[Box] = mapped_column(Sealed(key="membership.board_key"), info=tag("user.support.ticket"))


class Membership(Base):
    __table_args__ = {"info": record("user.support.ticket", owned_by("person_id"))}
    board_key: Mapped[Box | None] = mapped_column(RowKey(), info=tag("user.support.ticket", export=False, why_not="…"))
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, ForeignKeyConstraint, Table

from datasteward.catalog.ownership import links
from datasteward.catalog.roads import Road
from datasteward.catalog.tags import RECORD, TAG
from datasteward.errors import CatalogError
from datasteward.types import RowKey, Sealed


class Sharing(NamedTuple):
    """How the rows of a table are shared: its columns that are, the association's with the rows' keys, and the foreign key
    by which the association refers to the rows.
    """

    columns: tuple[Column[Any], ...]
    key: Column[Any]
    link: ForeignKeyConstraint


def is_shared(column: Column[Any]) -> bool:
    """Whether what the column holds is sealed under the key of its row."""
    return _named(column) is not None


def is_of_person(column: Column[Any]) -> bool:
    """Whether what the column holds is sealed under the keys of one person, be it the key of a shared row."""
    return isinstance(column.type, Sealed) and column.type.key is None


@lru_cache(maxsize=1024)
def sharing_of(table: Table) -> Sharing | None:
    """How the rows of the table are shared; None where no column is. Raises CatalogError when `flaws` finds any."""
    columns = tuple(filter(is_shared, table.columns))
    if not columns:
        return None
    for _, what, remedy in flaws(table):
        raise CatalogError(f"Of the shared rows of {table.name}, {what}: {remedy}.")
    key = _key(columns[0])
    assert key is not None  # noqa: S101 - a flaw otherwise
    return Sharing(columns, key, links(key.table, table, _owners(table)[0])[0])


def flaws(table: Table) -> Iterator[tuple[Column[Any], str, str]]:
    """What would keep an owner of the table's shared rows from reading them, or give their keys away: at which column,
    what, and how to mend it.
    """
    shared = list(filter(is_shared, table.columns))
    for column in shared:
        yield from ((column, *told) for told in _misplaced(column))
    if len({_key(column) for column in shared} - {None}) > 1:
        yield shared[-1], f"the shared columns of {table.name} name different keys", "name the same: a row has one key"
    for column in table.columns:
        if isinstance(column.type, RowKey) and TAG in column.info and column.info[TAG].export:
            yield column, f"the key in {column} would be handed over", "say export=False, and why_not"


def _misplaced(column: Column[Any]) -> Iterator[tuple[str, str]]:
    """The first thing that is wrong with the place of the key."""
    key, table = _key(column), column.table
    if key is None or not isinstance(key.type, RowKey):
        what = f"the key of {column} is said to lie in {_named(column)}, which is no RowKey"
        yield what, "name one, as table.column, of the association through which people own the row"
        return
    owners, association = _owners(table), key.table
    if not any(road.table == association.name and links(association, table, road) for road in owners):
        what = f"the key of {column} lies in {association.name}, through which nobody owns a row of {table.name}"
        yield what, "name a RowKey of the association of its owned_through(…)"
    elif len(owners) > 1:
        what = f"the key of {column} lies in {association.name}, and a row of {table.name} has owners on other roads"
        yield what, f"have everybody own it through {association.name} alone: nobody else could read it"
    elif _of_several(association):
        what = f"a row of {association.name} can belong to several people, and the key in it is sealed for one"
        yield what, "give it one road, which leads to one person"
    elif others := _others(table, key):
        yield f"{key} is to hold the keys of {table.name} and of {others[0].name}", "give each a RowKey of its own"
    elif several := [each.name for each in (table, association) if len(each.primary_key) != 1]:
        what = f"the key of {column} is sealed for one place, and the primary key of {several[0]} is not one column"
        yield what, "give it one of one column"


def _key(column: Column[Any]) -> Column[Any] | None:
    """The column that a shared one names, where there is such a one."""
    table, _, name = (_named(column) or "").rpartition(".")
    found = column.table.metadata.tables.get(table)
    return None if found is None else found.c.get(name)


def _others(table: Table, key: Column[Any]) -> list[Table]:
    """The other tables that name the key."""
    others = (each for each in table.metadata.tables.values() if each is not table)
    return [each for each in others if any(_key(column) is key for column in each.columns)]


def _named(column: Column[Any]) -> str | None:
    return column.type.key if isinstance(column.type, Sealed) else None


def _owners(table: Table) -> tuple[Road, ...]:
    record = table.info.get(RECORD)
    return () if record is None else record.owners


def _of_several(table: Table) -> bool:
    """Whether a row can belong to several people, itself or as the row that its road leads to."""
    seen, ahead = set[Table](), [table]
    while ahead:
        seen.add(here := ahead.pop())
        owners = _owners(here)
        if len(owners) > 1 or any(road.kind == "through" for road in owners):
            return True
        over = {frozenset(road.columns) for road in owners if road.kind == "via"}
        keys = (key for key in here.foreign_key_constraints if frozenset(key.column_keys) in over)
        ahead += [key.referred_table for key in keys if key.referred_table not in seen]
    return False
