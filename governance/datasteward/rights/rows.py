"""A person's rows as they can read them: which columns are handed over, which are not and why, and the values decrypted.

Everything follows from the catalog. Rows come one by one, the oldest first, whatever their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Row, Select, Table, case, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import Catalog
from datasteward.crypto import Box
from datasteward.errors import DecryptionFailed
from datasteward.keys import Context, Vault
from datasteward.keys.shared import Door, SharedRow, open_shared
from datasteward.rights import doors
from datasteward.statements import these
from datasteward.types import RowKey, Sealed

AT_ONCE = 500
UNREADABLE = "(cannot be read any more)"
HIDDEN = "datasteward_hides_"
OF_OTHERS = "It is about somebody else; it is left out of the records that are theirs."


class LeftOut(msgspec.Struct, frozen=True):
    """A column that is not handed over, and the reason that the person reads."""

    table: str
    column: str
    why: str


def handed_over(catalog: Catalog, table: Table) -> list[Column[Any]]:
    """The columns of the table that the person gets, in their order."""
    return [c for c in table.columns if catalog.tag(c).export]


def left_out(catalog: Catalog, table: Table) -> list[LeftOut]:
    """The columns of the table that the person does not get, or not in every row, each with its reason."""
    told = ((c, catalog.tag(c)) for c in table.columns)
    never = [LeftOut(str(table.name), str(c.name), t.why_not or "") for c, t in told if not t.export]
    return never + [LeftOut(str(table.name), name, OF_OTHERS) for name in _hiding(catalog, table)]


def in_order(catalog: Catalog, table: Table, query: Select[Any]) -> Select[Any]:
    """The query with its rows of `table` oldest first where the table has such a clock, else by their key."""
    created = catalog.record(table).clocks.get("created")
    return query.order_by(*([table.c[created]] if created else []), *table.primary_key.columns)


def query(catalog: Catalog, table: Table, subject: str) -> Select[Any]:
    """A statement for the rows that belong to the person or in which they appear, as stored; see `hidden`.

    A column that a road hides is shown where another road leads to the person too that does not hide it.
    """
    found = select(table).where(catalog.concerning(table, subject))
    for name in _hiding(catalog, table):
        open_ = tuple(r for r in catalog.record(table).roads if name not in r.hides)
        shown = catalog.some_person(table, lambda person: person == literal(subject), roads=open_, sub=these)
        found = found.add_columns(case((shown, 0), else_=1).label(_mark(table.c[name])))
    return found.add_columns(*doors.beside(catalog, table, subject))


def hidden(row: Row[Any], column: Column[Any]) -> bool:
    """Whether the person is not shown this column of this row."""
    return bool(row._mapping.get(_mark(column), 0))


def rows(session: Session, catalog: Catalog, table: Table, subject: str) -> Iterator[Row[Any]]:
    """The person's rows of the table, as stored, streamed."""
    found = in_order(catalog, table, query(catalog, table, subject))
    with session.execute(found.execution_options(yield_per=AT_ONCE)) as result:
        yield from result


def identity(table: Table, row: Row[Any]) -> str:
    """The row's primary key as text: what its ciphertexts are bound to."""
    return "-".join(str(row._mapping[column]) for column in table.primary_key.columns)


def readable(vault: Vault, subject: str, table: Table, row: Row[Any], column: Column[Any]) -> Any:
    """The value of a column as the person knows it: see `revealed`; None when it is hidden from them."""
    value = None if hidden(row, column) else row._mapping[column]
    place = Context(subject, table.name, column.name, identity(table, row))
    return revealed(vault, place, value, doors.door(column, subject, row))


def revealed(vault: Vault, place: Context, value: Any, door: Door | None) -> Any:
    """The value, decrypted where it is sealed; `door` is what opens it to the person where it is shared.

    Bytes that are no text stay bytes. A value that does not open any more reads `UNREADABLE`: one damaged field does
    not keep the rest from its owner. So does a shared one whose key the person was not handed. Raises KeyMissing when the
    person has no key.
    """
    if not isinstance(value, Box):
        return value
    if door is not None and door.key is None:
        return UNREADABLE
    try:
        opened = _opened(vault, place, value, door)
    except DecryptionFailed:
        return UNREADABLE
    try:
        return opened.decode()
    except UnicodeDecodeError:
        return opened


def _opened(vault: Vault, place: Context, box: Box, door: Door | None) -> bytes:
    if door is None:
        return vault.reveal(place, box)
    return open_shared(vault, SharedRow(place.table, place.row), place.column, box, door)


def _mark(column: Column[Any]) -> str:
    """The name under which a statement tells whether the column is hidden."""
    return f"{HIDDEN}{column.table.name}_{column.name}"


def _hiding(catalog: Catalog, table: Table) -> list[str]:
    """The columns that some road hides."""
    return sorted({name for road in catalog.record(table).roads for name in road.hides})


def is_words(column: Column[Any]) -> bool:
    """Whether the column holds somebody's words: what is worth encrypting, and no key, of an object or a shared row."""
    return isinstance(column.type, Sealed) and not isinstance(column.type, RowKey)
