"""Deleting rows for good: what refers to them first, the keys of their objects into the outbox, set by set.

Which rows hang on which is told by `hanging`. The bytes of objects are destroyed after the commit, by `destroy_objects`, as
often as it takes: each time in a transaction of its own, and after `require_answer`.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import Catalog
from datasteward.catalog.ownership import far, own
from datasteward.disposal.fixed import as_it_is, fixed
from datasteward.disposal.hanging import depth, hanging
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectStoreAway, ObjectStoreError
from datasteward.objects import EncryptedObjects
from datasteward.statements import changed, must_go, nested, one_of, released

BATCH = 50  # objects in a transaction: on SQLite others can write only between two
NESTED = 3
"""Over how many tables a condition may nest: SQLite's parser gives up at a depth of a hundred, as four trees in a row have."""


def dispose(
    session: Session, catalog: Catalog, table: Table, where: ColumnElement[bool], *, now: datetime
) -> Counter[str]:
    """Deletes the rows of `table` that meet `where`, and with them every row that must refer to one of them.

    Returns how many rows went, by table. The caller commits; nothing is loaded into memory.
    """
    with fixed(session) as fix:
        flat = fix if depth(catalog, table) > NESTED else as_it_is
        return _dispose(session, catalog, hanging(catalog, table, where, fix=flat), now)


def _dispose(
    session: Session, catalog: Catalog, going: list[tuple[Table, ColumnElement[bool]]], now: datetime
) -> Counter[str]:
    for parent, rows in going:
        for key in catalog.dependents(parent):
            if not must_go(key):
                refers = one_of(own(key), nested(select(*far(key)).where(rows)))
                session.execute(update(key.table).where(refers).values(dict.fromkeys(released(key))))
    for each, rows in going:
        for column in catalog.objects(each):
            promise_objects(session, column, rows, now=now)
    return +Counter({str(each.name): changed(session, delete(each).where(rows)) for each, rows in going})


def promise_object(session: Session, key: str, *, now: datetime) -> None:
    """Puts one object's key into the outbox: for an object whose row changes to another, or never came to be."""
    session.add(ObjectDisposal(key=key, since=now))


def promise_objects(session: Session, column: Column[object], where: ColumnElement[bool], *, now: datetime) -> None:
    """Puts the keys that `column` holds in the rows that meet `where` into the outbox: for rows that are about to go."""
    known = select(ObjectDisposal.key)
    wanted = select(column).where(where, column.is_not(None), column.not_in(known)).distinct().subquery()
    keys = select(*wanted.c, literal(now, ObjectDisposal.since.type), literal(0))
    session.execute(insert(ObjectDisposal).from_select(["key", "since", "attempts"], keys))


def require_answer(objects: EncryptedObjects, key: str) -> None:
    """Raises ObjectStoreAway when the store does not answer a question about the object.

    Asked before `destroy_objects` and outside of its transaction, in which nobody else may write on SQLite.
    """
    try:
        objects.stat(key)
    except ObjectStoreAway:
        raise
    except ObjectStoreError:
        pass  # it answers: what it says is seen when the object is destroyed


def destroy_objects(session: Session, objects: EncryptedObjects) -> int:
    """Destroys the bytes of some objects of the outbox (BATCH at most) and returns how many are done with.

    An object that cannot be destroyed now stays in the outbox, its attempts counted. A store that does not answer is
    waited for once: the others stay for another time.
    """
    waiting = session.scalars(
        select(ObjectDisposal)
        .order_by(ObjectDisposal.attempts, ObjectDisposal.since)
        .limit(BATCH)
        .with_for_update(skip_locked=True)  # a key that is just being taken off the list keeps its bytes
    )
    done = 0
    for entry in list(waiting):
        try:
            objects.delete(entry.key)
        except ObjectStoreError as error:
            entry.attempts += 1
            if isinstance(error, ObjectStoreAway):
                break
        else:
            session.delete(entry)
            done += 1
    return done
