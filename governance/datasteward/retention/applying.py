"""Applying: executes exactly one plan, in batches as large as policies/limits.yaml says, each a transaction.

A run that is killed is taken up again by applying the same plan: how far it came is written in the transaction of each
batch. Two runs of one plan at once share the work and do nothing twice. No batch takes more rows than the plan named,
none outside its boundaries, and none that a hold keeps by then. The last transaction writes certificate and audit entry.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.errors import StalePlan
from datasteward.retention import certificate, plans, states
from datasteward.retention.batches import Batches
from datasteward.retention.checking import check
from datasteward.retention.clockwatch import Clock, ClockWatch
from datasteward.retention.plan import Plan
from datasteward.retention.result import Result, note, so_far
from datasteward.steward import Steward

Write = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction that is committed when the block ends and undone when it raises."""

Progress = Callable[[int, int], None]
"""Is told after each batch how many rows are done and how many there were to do."""


def apply(
    write: Write, steward: Steward, given: Plan, *, by: str, clock: Clock, progress: Progress | None = None
) -> Result:
    """Executes the plan and returns what went. The bytes of objects and the keys of people are destroyed afterwards from
    disposal's outboxes.

    Raises, before anything is done, StalePlan when the plan is not this database's, was edited, is applied already, comes
    from another policy set, is too old, or would by now take more than it names; ApprovalNeeded when a second person has
    to approve it; ClockJumped when the clock cannot be trusted, also while it runs: it can then be carried on.
    """
    watch = ClockWatch(clock, steward.policies.limits.retention_clock_jump.span)
    with write() as session:
        done = _begin(session, steward, given, by=by, now=watch.now())
    for number, item in enumerate(given.items):
        batches = Batches(steward, given, number)
        while done.taken[number] < item.goes:
            with write() as session:
                more = batches.take(session, watch.now())
            if more is None:
                break
            done = more
            if progress:
                progress(done.rows, given.rows)
    with write() as session:
        return _finish(session, steward, given, by=by, now=watch.now())


def order(session: Session, steward: Steward, plan_id: str, *, by: str, now: datetime) -> Plan:
    """Notes, with an audit entry, that somebody wants the plan carried out; the caller sees to it that it is.

    Raises what `apply` would raise now, or StalePlan when it was ordered before.
    """
    stored = plans.row(session, plan_id, lock=True)
    given = plans.load(stored)
    check(session, steward, stored, given, so_far(stored, given), by=by, now=now)
    if stored.state != states.OPEN:
        raise StalePlan("This plan is being carried out already: look at how far it is.")
    stored.state, stored.applied_by = states.ORDERED, by
    session.flush()
    audit.append(
        session, "retention.ordered", actor=by, now=now, plan=plan_id, policy=given.policy_hash, rows=given.rows
    )
    return given


def _begin(session: Session, steward: Steward, given: Plan, *, by: str, now: datetime) -> Result:
    stored = plans.row(session, given.id, lock=True)
    plans.same(stored, given)
    done = so_far(stored, given)
    check(session, steward, stored, given, done, by=by, now=now)
    stored.begun_at = stored.begun_at or now
    stored.state, stored.applied_by = states.RUNNING, by
    note(stored, done)
    return done


def _finish(session: Session, steward: Steward, given: Plan, *, by: str, now: datetime) -> Result:
    """Ends the run with certificate and audit entry; when another run of the plan has ended meanwhile, nothing is added."""
    stored = plans.row(session, given.id, lock=True)
    done = so_far(stored, given)
    if stored.state == states.RUNNING:
        stored.state, stored.applied_at = states.APPLIED, now
        made = certificate.make(session, steward, stored, given, done, by=by, now=now)
        stored.certificate = certificate.to_builtins(made)
        session.flush()
        facts: dict[str, Any] = {
            f"{deed}.{table}": number for deed, counts in done.deeds.items() for table, number in counts.items()
        }
        audit.append(
            session,
            "retention.applied",
            actor=by,
            now=now,
            plan=given.id,
            policy=given.policy_hash,
            rows=done.rows,
            certificate=made.digest,
            **facts,
        )
    return done
