"""Applying: executes exactly one plan, in batches as large as policies/limits.yaml says, each a transaction.

A run that is killed is taken up again by applying the same plan: how far it came is written in the transaction of each
batch. Two runs of one plan at once share the work and do nothing twice. No batch takes more rows than the plan named,
and none a row that a hold keeps by then. The last transaction writes the audit entry with the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.disposal.disposal import dispose, promise_objects
from datasteward.errors import StalePlan
from datasteward.retention import plans, selection
from datasteward.retention.checking import check
from datasteward.retention.plan import Plan
from datasteward.retention.planning import chosen
from datasteward.retention.result import Result, added, note, so_far
from datasteward.retention.selection import Selection
from datasteward.statements import changed
from datasteward.steward import Steward

Write = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction that is committed when the block ends and undone when it raises."""

Progress = Callable[[int, int], None]
"""Is told after each batch how many rows are done and how many there were to do."""


def apply(
    write: Write,
    steward: Steward,
    given: Plan,
    *,
    by: str,
    now: datetime,
    progress: Progress | None = None,
    looked_at: bool = False,
) -> Result:
    """Executes the plan and returns what went. The bytes of objects are destroyed afterwards from disposal's outbox.

    Raises StalePlan, before anything is done, when the plan is not this database's, was edited, is applied already, comes
    from another policy set or from the future, is too old, or would by now take more than it names; PlanTooLarge when it
    is above the size for a run that nobody `looked_at`.
    """
    with write() as session:
        done = _begin(session, steward, given, by=by, now=now, looked_at=looked_at)
    for number, item in enumerate(given.items):
        while done.taken[number] < item.goes:
            before = done
            with write() as session:
                done = _batch(session, steward, given, number, now)
            if done.taken == before.taken:
                break
            if progress:
                progress(done.rows, given.rows)
    with write() as session:
        return _finish(session, given, by=by, now=now)


def order(session: Session, steward: Steward, plan_id: str, *, by: str, now: datetime) -> Plan:
    """Notes, with an audit entry, that somebody wants the plan carried out; the caller sees to it that it is.

    Raises StalePlan when it could not be carried out now, or was ordered before.
    """
    stored = plans.row(session, plan_id, lock=True)
    given = plans.load(stored)
    check(session, steward, stored, given, so_far(stored, given), now=now, looked_at=True)
    if stored.state != plans.OPEN:
        raise StalePlan("This plan is being carried out already: look at how far it is.")
    stored.state, stored.applied_by = plans.ORDERED, by
    session.flush()
    audit.append(
        session, "retention.ordered", actor=by, now=now, plan=plan_id, policy=given.policy_hash, rows=given.rows
    )
    return given


def _begin(session: Session, steward: Steward, given: Plan, *, by: str, now: datetime, looked_at: bool) -> Result:
    stored = plans.row(session, given.id, lock=True)
    plans.same(stored, given)
    done = so_far(stored, given)
    begun = stored.state in (plans.ORDERED, plans.RUNNING)
    check(session, steward, stored, given, done, now=now, looked_at=looked_at or begun)
    stored.state, stored.applied_by = plans.RUNNING, by
    note(stored, done)
    return done


def _batch(session: Session, steward: Steward, given: Plan, number: int, now: datetime) -> Result:
    """One batch of one item; returns what is done so far, unchanged when there was nothing (left) to take."""
    stored = plans.row(session, given.id, lock=True)
    done = so_far(stored, given)
    item = given.items[number]
    room = min(steward.policies.limits.retention_batch.value, item.goes - done.taken[number])
    if stored.state != plans.RUNNING or room <= 0:
        return done  # another run of the same plan has come further
    rows = chosen(steward.catalog, item)
    these, taken = _some(session, steward, rows, room)
    if not taken:
        return done
    if item.columns:
        went = _empty(session, steward, rows, these, now)
    else:
        went = dispose(session, steward.catalog, rows.table, these, now=now)
    done = added(done, number, taken, went, emptied=bool(item.columns))
    note(stored, done)
    return done


def _some(session: Session, steward: Steward, rows: Selection, limit: int) -> tuple[ColumnElement[bool], int]:
    """The condition for up to `limit` rows to take now, by their primary keys, and how many they are."""
    key = tuple(rows.table.primary_key.columns)
    found = session.execute(select(*key).where(selection.going(steward.catalog, rows)).limit(limit)).all()
    if len(key) == 1:
        return key[0].in_([row[0] for row in found]), len(found)
    return tuple_(*key).in_([tuple(row) for row in found]), len(found)


def _empty(
    session: Session, steward: Steward, rows: Selection, these: ColumnElement[bool], now: datetime
) -> Counter[str]:
    for column in steward.catalog.objects(rows.table):
        if column.name in rows.columns:
            promise_objects(session, column, these, now=now)
    emptying = update(rows.table).where(these).values(dict.fromkeys(rows.columns))
    return Counter({str(rows.table.name): changed(session, emptying)})


def _finish(session: Session, given: Plan, *, by: str, now: datetime) -> Result:
    """Ends the run with its audit entry; when another run of the plan has ended meanwhile, there is nothing to add."""
    stored = plans.row(session, given.id, lock=True)
    done = so_far(stored, given)
    if stored.state == plans.RUNNING:
        stored.state, stored.applied_at = plans.APPLIED, now
        session.flush()
        counts: dict[str, Any] = {f"deleted.{table}": number for table, number in done.deleted.items()}
        counts |= {f"anonymised.{table}": number for table, number in done.anonymised.items()}
        audit.append(
            session,
            "retention.applied",
            actor=by,
            now=now,
            plan=given.id,
            policy=given.policy_hash,
            rows=done.rows,
            **counts,
        )
    return done
