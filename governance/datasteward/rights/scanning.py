"""What an erasure has left: looked for in every table with a road to the person, and in the key store."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, false, func, not_, or_, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.rights import leaving
from datasteward.rights.keeping import stays
from datasteward.steward import Steward


def scan(session: Session, steward: Steward, subject: str) -> tuple[dict[str, int], dict[str, int]]:
    """Looks through every table with a road to the person, and the key store.

    Returns what is left that should be gone, and what the retention rules keep: rows by table. A key that is still there
    counts as one row of `key`, an object that kept rows still name as one of its table.
    """
    left: dict[str, int] = {}
    kept: dict[str, int] = {}
    for table in steward.catalog.personal():
        kept_here = stays(steward, table)
        over = false() if kept_here else _over(steward.catalog, table, subject)
        if number := _count(session, table, over):
            left[str(table.name)] = number
        if number := _count(session, table, and_(steward.catalog.concerning(table, subject), not_(over))):
            kept[str(table.name)] = number
        if kept_here and (named := _objects_named(session, steward, table, subject)):
            left[str(table.name)] = len(named)
    if steward.vault.has(subject):
        left["key"] = 1
    return left, kept


def _objects_named(session: Session, steward: Steward, table: Table, subject: str) -> list[str]:
    mine = steward.catalog.belonging_to(table, subject)
    return [
        str(key)
        for column in steward.catalog.objects(table)
        for key in session.scalars(select(column).where(mine, column.is_not(None)))
    ]


def _over(catalog: Catalog, table: Table, subject: str) -> ColumnElement[bool]:
    """Rows in which something is left that should be gone."""
    return or_(leaving.going(catalog, table, subject), *(rows for _, rows in leaving.emptied(catalog, table, subject)))


def _count(session: Session, table: Table, rows: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(rows)) or 0
