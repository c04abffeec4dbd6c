"""What legal holds keep from an erasure, and whether it could get any further now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, literal, not_, select
from sqlalchemy.orm import Session

from datasteward.keys.places import mark_of
from datasteward.retention import holds
from datasteward.retention.held import Held, sealed
from datasteward.rights import leaving
from datasteward.rights.keeping import stays
from datasteward.steward import Steward
from datasteward.types import Sealed

AtStake = tuple[Table, ColumnElement[bool], ColumnElement[bool] | None]


def goes_on(session: Session, steward: Steward, subject: str) -> bool:
    """Whether an erasure of the person would get any further now: nothing is held any more, or it could take something."""
    if holds.held(session, subject):
        return False
    return not _any_kept(session, steward, subject) or _any_free(session, steward, subject)


def held_back(session: Session, steward: Steward, subject: str) -> bool:
    """Whether holds keep something of the person from being erased, or from being locked for good when the key goes."""
    whole = steward.vault.has(subject) and holds.held(session, subject)
    return whole or _any_kept(session, steward, subject)


def _any_kept(session: Session, steward: Steward, subject: str) -> bool:
    return any(
        kept is not None and _some(session, table, and_(rows, kept))
        for table, rows, kept in _at_stake(session, steward, subject)
    )


def _any_free(session: Session, steward: Steward, subject: str) -> bool:
    return any(
        _some(session, table, rows if kept is None else and_(rows, not_(kept)))
        for table, rows, kept in _at_stake(session, steward, subject)
    )


def _at_stake(session: Session, steward: Steward, subject: str) -> Iterator[AtStake]:
    """By table the rows that an erasure would delete, empty or leave unreadable, each with those that holds keep from it."""
    catalog, held, keyed = steward.catalog, Held(session, steward.catalog), steward.vault.has(subject)
    marks = steward.vault.marks_of_records(subject) if keyed else ()
    for table in catalog.personal():
        if not stays(steward, table):
            yield table, leaving.going(catalog, table, subject), held.keeps(table)
            for columns, rows in leaving.emptied(catalog, table, subject):
                yield table, rows, held.names(table, columns)
        for column in sealed(catalog, table) if keyed else []:
            kept = held.names(table, (column.name,))
            if kept is not None:  # what is free of it goes with its row, or stays and cannot be read
                yield table, and_(catalog.concerning(table, subject), _under_content(column, marks), kept), kept


def _under_content(column: Column[Any], marks: tuple[bytes, ...]) -> ColumnElement[bool]:
    """Whether what the column holds cannot be read once the keys for content are gone."""
    if not isinstance(column.type, Sealed) or not marks:
        return column.is_not(None)
    return and_(column.is_not(None), mark_of(column).not_in(marks))


def _some(session: Session, table: Table, rows: ColumnElement[bool]) -> bool:
    return session.scalar(select(literal(1)).select_from(table).where(rows).limit(1)) is not None
