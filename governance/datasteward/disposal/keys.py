"""Destroying the keys of people whose rows stay: what was sealed under them is unreadable from then on (shredding).

The key store is another database, so a key is promised to destruction in the transaction that decides it, and destroyed
after the commit as often as it takes, like the bytes of objects. The erasure ledger says so first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Table,
    false,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.catalog.sharing import is_of_person
from datasteward.disposal.models import KeyDisposal
from datasteward.keys import Use, Vault
from datasteward.ledger import Ledger, enter
from datasteward.ledger.entries import Why
from datasteward.retention.held import Held
from datasteward.rights.keeping import stays
from datasteward.statements import changed, nested
from datasteward.steward import Steward

ACTOR = "job:disposal"
BATCH = 20  # keys in a transaction: each waits for the ledger, which may be a server
_CONTENT = KeyDisposal.use == Use.CONTENT


def promise_keys(session: Session, catalog: Catalog, table: Table, where: ColumnElement[bool], *, now: datetime) -> int:
    """Promises the keys of the people that these rows are to destruction; how many there were not promised before."""
    road = next(road for road in catalog.record(table).roads if road.kind == "subject")
    subject = table.c[road.columns[0]]
    wanted = select(subject, literal(Use.CONTENT.value), literal(now, KeyDisposal.since.type), null())
    wanted = wanted.where(where, subject.not_in(select(KeyDisposal.subject_id).where(_CONTENT)))
    return changed(session, insert(KeyDisposal).from_select(["subject_id", "use", "since", "done_at"], wanted))


def destroy_keys(
    session: Session,
    vault: Vault,
    *,
    now: datetime,
    ledger: Ledger | None = None,
    limit: int = BATCH,
    kept: ColumnElement[bool] | None = None,
) -> int:
    """Destroys up to `limit` of the promised keys and returns how many, each written into the ledger before.

    Those that meet `kept`, a condition on KeyDisposal, wait: a legal hold has come in between; but for those of whom the
    ledger has heard. Raises KeyStoreError and LedgerError; it can be done again.
    """
    waiting = select(KeyDisposal).where(_CONTENT, KeyDisposal.done_at.is_(None))
    entries = _next(session, waiting, kept, ledger, "retention", limit)
    if not entries:
        return 0
    if ledger is not None:
        for entry in entries:
            enter(session, ledger, entry.subject_id, "retention", actor=ACTOR, now=now)
    vault.destroy_all([(entry.subject_id, Use.CONTENT) for entry in entries])
    for entry in entries:
        promise_records(session, vault, entry.subject_id, now=now)
        entry.done_at = now
    session.flush()
    return len(entries)


def promise_records(session: Session, vault: Vault, subject: str, *, now: datetime) -> None:
    """Promises the person's keys for records, if there are any, to destruction as soon as no row needs them.

    Those that a restored backup has brought back are promised again.
    """
    if not vault.has(subject, Use.RECORDS):
        return
    promised = session.get(KeyDisposal, (subject, Use.RECORDS))
    if promised is None:
        session.add(KeyDisposal(subject_id=subject, use=Use.RECORDS, since=now))
    else:
        promised.done_at = None
    session.flush()


def destroy_records(
    session: Session,
    steward: Steward,
    *,
    clock: Callable[[], datetime],
    limit: int = BATCH,
    subject: str | None = None,
) -> int:
    """Destroys up to `limit` of the promised keys for records that no row needs any more, and returns how many.

    Only those of `subject`, where it is given. Those that a legal hold keeps wait, but for those of whom the ledger has
    heard; the caller has called `holds.guard`. Each is written into the ledger before. Raises KeyStoreError and
    LedgerError; it can be done again. To be called in another transaction than the one that promised: the promise has to
    be there when the process is killed in it.
    """
    kept = Held(session, steward.catalog).keeps_key(KeyDisposal.subject_id)
    waiting = select(KeyDisposal).where(KeyDisposal.use == Use.RECORDS, KeyDisposal.done_at.is_(None))
    waiting = waiting.where(not_(needed(steward, KeyDisposal.subject_id)))
    waiting = waiting if subject is None else waiting.where(KeyDisposal.subject_id == subject)
    entries = _next(session, waiting, kept, steward.ledger, "records", limit)
    if not entries:
        return 0
    if steward.ledger is not None:
        for entry in entries:
            enter(session, steward.ledger, entry.subject_id, "records", actor=ACTOR, now=clock())
    steward.vault.destroy_all([(entry.subject_id, Use.RECORDS) for entry in entries])
    done_at = clock()  # certificates tell it: until now what was sealed for records could be read
    for entry in entries:
        entry.done_at = done_at
    session.flush()
    return len(entries)


def _next(
    session: Session,
    waiting: Select[KeyDisposal],
    kept: ColumnElement[bool] | None,
    ledger: Ledger | None,
    why: Why,
    limit: int,
) -> list[KeyDisposal]:
    """Up to `limit` that no hold keeps, and those that the ledger names though one does: a kill came after its entry.

    The ledger names nobody whose key is kept: whoever replays it destroys that key.
    """
    waiting = waiting.order_by(KeyDisposal.since).with_for_update(skip_locked=True)
    if kept is None:
        return list(session.scalars(waiting.limit(limit)))
    entries = list(session.scalars(waiting.where(not_(kept)).limit(limit)))
    held = list(session.scalars(waiting.where(kept)))
    if held and ledger is not None:
        named = {entry.subject for entry in ledger.since() if entry.why == why}
        entries += [entry for entry in held if entry.subject_id in named]
    return entries


def needed(steward: Steward, person: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether a row of the person with this id holds something that may be sealed for records.

    That is what stands in a column for records, and whatever is sealed in rows that outlive an erasure: when it was sealed,
    the policies may have said that it is for records.
    """
    reasons: list[ColumnElement[bool]] = [false()]
    for table in steward.catalog.owned():
        kept = stays(steward, table)
        for column in filter(is_of_person, table.columns):
            if kept or (table.name, column.name) in steward.vault.records:
                theirs = steward.catalog.subjects(table, column.is_not(None)).subquery()
                reasons.append(person.in_(nested(select(theirs.c.subject))))
    return or_(*reasons)
