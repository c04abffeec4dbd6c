"""Deleting rows for good: what refers to them first, the keys of their objects into the outbox, set by set.

Which rows hang on which follows from the foreign keys: a row may not outlive what it must refer to, and lets go of what
it may refer to. The bytes of objects are destroyed after the commit, by `destroy_objects`, as often as it takes.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import Catalog
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectStoreError
from datasteward.objects import EncryptedObjects
from datasteward.statements import changed

BATCH = 500


def dispose(
    session: Session, catalog: Catalog, table: Table, where: ColumnElement[bool], *, now: datetime
) -> Counter[str]:
    """Deletes the rows of `table` that meet `where`, and with them every row that must refer to one of them.

    Returns how many rows went, by table. The caller commits; nothing is loaded into memory.
    """
    gone: Counter[str] = Counter()
    for key in catalog.dependents(table):
        child = key.parent.table
        if child is table:
            continue
        refers = key.parent.in_(select(key.column).where(where))
        if key.parent.nullable and key.ondelete == "SET NULL":
            session.execute(update(child).where(refers).values({key.parent: None}))
        else:
            gone += dispose(session, catalog, child, refers, now=now)
    for column in catalog.objects(table):
        promise_objects(session, column, where, now=now)
    gone[table.name] += changed(session, delete(table).where(where))
    return +gone


def promise_object(session: Session, key: str, *, now: datetime) -> None:
    """Puts one object's key into the outbox: for an object whose row changes to another, or never came to be."""
    session.add(ObjectDisposal(key=key, since=now))


def promise_objects(session: Session, column: Column[object], where: ColumnElement[bool], *, now: datetime) -> None:
    """Puts the keys that `column` holds in the rows that meet `where` into the outbox: for rows that are about to go."""
    known = select(ObjectDisposal.key)
    keys = select(column, literal(now, ObjectDisposal.since.type), literal(0)).where(
        where, column.is_not(None), column.not_in(known)
    )
    session.execute(insert(ObjectDisposal).from_select(["key", "since", "attempts"], keys))


def destroy_objects(session: Session, objects: EncryptedObjects, *, limit: int = BATCH) -> int:
    """Destroys the bytes of up to `limit` objects of the outbox and returns how many are done with.

    An object that cannot be destroyed now stays in the outbox, its attempts counted.
    """
    waiting = session.scalars(
        select(ObjectDisposal).order_by(ObjectDisposal.attempts, ObjectDisposal.since).limit(limit)
    )
    done = 0
    for entry in list(waiting):
        try:
            objects.delete(entry.key)
        except ObjectStoreError:
            entry.attempts += 1
        else:
            session.delete(entry)
            done += 1
    return done
