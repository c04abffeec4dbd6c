"""Applying: executes exactly one plan, in batches as large as policies/limits.yaml says, each a transaction.

A run that is killed is taken up again by applying the same plan: how far it came is written in the transaction of each
batch. Two runs of one plan at once share the work and do nothing twice. No batch takes more rows than the plan named,
none outside its boundaries, and none that a hold keeps by then. The last transaction writes certificate and audit entry.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.errors import StalePlan
from datasteward.retention import certificate, holds, plans, states
from datasteward.retention.batches import Batches
from datasteward.retention.checking import check
from datasteward.retention.clockwatch import Clock, ClockWatch
from datasteward.retention.held import Held
from datasteward.retention.models import RetentionPlan
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
    run = _Run(steward, given, by)
    while True:
        with write() as session:
            done, over = run.step(session, watch.now())
        if progress:
            progress(done.rows, given.rows)
        if over:
            return done


def order(session: Session, steward: Steward, plan_id: str, *, by: str, now: datetime) -> Plan:
    """Notes, with an audit entry, that somebody wants the plan carried out; the caller sees to it that it is.

    Raises what `apply` would raise now, or StalePlan when it was ordered before.
    """
    stored = plans.row(session, plan_id, lock=True)
    given = plans.load(stored)
    check(session, steward, stored, given, Held(session, steward.catalog), by=by, now=now)
    if stored.state != states.OPEN:
        raise StalePlan("This plan is being carried out already: look at how far it is.")
    stored.state, stored.applied_by = states.ORDERED, by
    session.flush()
    audit.append(
        session, "retention.ordered", actor=by, now=now, plan=plan_id, policy=given.policy_hash, rows=given.rows
    )
    return given


class _Run:
    """One run of a plan: each step is what one transaction does, the first with the check, the last with the certificate."""

    def __init__(self, steward: Steward, given: Plan, by: str) -> None:
        self._steward, self._given, self._by = steward, given, by
        self._ahead: list[Batches] = []
        self._begun = False

    def step(self, session: Session, now: datetime) -> tuple[Result, bool]:
        """Takes the next batch; what is done by then, and whether the run is over, by this or by another of the plan."""
        holds.guard(session)
        held = Held(session, self._steward.catalog)
        stored = plans.row(session, self._given.id, lock=True)
        done = so_far(stored, self._given)
        if not self._begun:
            self._begin(session, stored, held, now)
        if stored.state != states.RUNNING:
            return done, True
        done = self._take(session, held, done, now)
        note(stored, done)
        if self._ahead:
            return done, False
        self._finish(session, stored, done, held, now)
        return done, True

    def _begin(self, session: Session, stored: RetentionPlan, held: Held, now: datetime) -> None:
        plans.same(stored, self._given)
        check(session, self._steward, stored, self._given, held, by=self._by, now=now)
        stored.begun_at = stored.begun_at or now
        stored.state, stored.applied_by = states.RUNNING, self._by
        self._ahead = [Batches(self._steward, self._given, n) for n, item in enumerate(self._given.items) if item.goes]
        self._begun = True

    def _take(self, session: Session, held: Held, done: Result, now: datetime) -> Result:
        """One batch of the first item of which there is one."""
        before = done.rows
        while self._ahead and done.rows == before:
            done, more = self._ahead[0].take(session, held, done, now)
            if not more:
                self._ahead.pop(0)
        return done

    def _finish(self, session: Session, stored: RetentionPlan, done: Result, held: Held, now: datetime) -> None:
        stored.state, stored.applied_at = states.APPLIED, now
        with session.no_autoflush:  # the row is written once
            made = certificate.make(session, self._steward, stored, self._given, done, held, by=self._by, now=now)
        stored.certificate = certificate.to_builtins(made)
        session.flush()
        audit.append(
            session,
            "retention.applied",
            actor=self._by,
            now=now,
            plan=self._given.id,
            policy=self._given.policy_hash,
            **certificate.facts(made, done),
        )
