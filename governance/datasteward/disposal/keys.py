"""Destroying the keys of people whose rows stay: what was sealed under them is unreadable from then on (shredding).

The key store is another database, so a key is promised to destruction in the transaction that decides it, and destroyed
after the commit as often as it takes, like the bytes of objects. The erasure ledger says so first.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Table, insert, literal, not_, null, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.disposal.models import KeyDisposal
from datasteward.keys import Vault
from datasteward.ledger import Ledger, enter
from datasteward.statements import changed

ACTOR = "job:disposal"
BATCH = 100


def promise_keys(session: Session, catalog: Catalog, table: Table, where: ColumnElement[bool], *, now: datetime) -> int:
    """Promises the keys of the people that these rows are to destruction; how many there were not promised before."""
    road = next(road for road in catalog.record(table).roads if road.kind == "subject")
    subject = table.c[road.columns[0]]
    wanted = select(subject, literal(now, KeyDisposal.since.type), null())
    wanted = wanted.where(where, subject.not_in(select(KeyDisposal.subject_id)))
    return changed(session, insert(KeyDisposal).from_select(["subject_id", "since", "done_at"], wanted))


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

    Those that meet `kept`, a condition on KeyDisposal, wait: a legal hold has come in between. Raises KeyStoreError and
    LedgerError; it can be done again.
    """
    due = [KeyDisposal.done_at.is_(None), *([] if kept is None else [not_(kept)])]
    waiting = select(KeyDisposal).where(*due).order_by(KeyDisposal.since).limit(limit)
    entries = list(session.scalars(waiting.with_for_update(skip_locked=True)))
    for entry in entries:
        if ledger is not None:
            enter(session, ledger, entry.subject_id, "retention", actor=ACTOR, now=now)
        vault.destroy(entry.subject_id)
        entry.done_at = now
    session.flush()
    return len(entries)
