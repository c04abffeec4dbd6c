"""The plans that were made: each stored as it was shown, with what became of it (see states).

A plan made again is another plan.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.errors import ApprovalNeeded, StalePlan
from datasteward.retention import certificate, states
from datasteward.retention.clockwatch import PLANNED
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Plan, to_json
from datasteward.retention.planning import plan
from datasteward.retention.result import so_far
from datasteward.steward import Steward


def make(session: Session, steward: Steward, *, by: str, now: datetime) -> Plan:
    """Makes a plan and stores it, with an audit entry. `by` is an opaque id or the name of a job."""
    if audit.count(session) == 0:
        audit.append(session, "audit.begun", actor=by, now=now)  # a database is told by its first entry
    made = plan(session, steward, now=now)
    store(session, made, by=by)
    counts: dict[str, Any] = {"due": made.due, "held": made.held, "goes": made.goes, "rows": made.rows}
    audit.append(session, PLANNED, actor=by, now=now, plan=made.id, policy=made.policy_hash, **counts)
    return made


def store(session: Session, made: Plan, *, by: str) -> RetentionPlan:
    """Stores a plan that was just made."""
    row = RetentionPlan(
        id=made.id,
        made_at=made.made_at,
        made_by=by,
        policy_hash=made.policy_hash,
        body=msgspec.json.decode(to_json(made)),
        due=made.due,
        state=states.OPEN,
    )
    session.add(row)
    session.flush()
    return row


def approve(session: Session, plan_id: str, *, by: str, now: datetime) -> None:
    """Lets an open plan pass that needs a second person, with an audit entry; `by` must not be who made or ordered it.

    Raises StalePlan for a plan that is unknown or not open, ApprovalNeeded when the first person would be the second.
    """
    stored = row(session, plan_id, lock=True)
    if stored.state != states.OPEN:
        raise StalePlan("This plan is not open any more: there is nothing to approve.")
    if by in (stored.made_by, stored.applied_by):
        raise ApprovalNeeded("Who made a plan does not approve it: somebody else has to.")
    stored.approved_by, stored.approved_at = by, now
    session.flush()
    audit.append(session, "retention.approved", actor=by, now=now, plan=plan_id, policy=stored.policy_hash)


def find(session: Session, plan_id: str, *, lock: bool = False) -> RetentionPlan | None:
    """The stored plan of that id, if there is one; with `lock`, nobody else changes it until the transaction ends."""
    query = select(RetentionPlan).where(RetentionPlan.id == plan_id).execution_options(populate_existing=True)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def row(session: Session, plan_id: str, *, lock: bool = False) -> RetentionPlan:
    """As `find`. Raises StalePlan for an unknown one."""
    found = find(session, plan_id, lock=lock)
    if found is None:
        raise StalePlan("This plan was not made from this database: make a new plan here.")
    return found


def load(stored: RetentionPlan) -> Plan:
    """The plan as it was shown."""
    return msgspec.convert(stored.body, Plan)


def same(stored: RetentionPlan, given: Plan) -> None:
    """Raises StalePlan unless the plan given, perhaps from a file, is the stored one to the last figure."""
    if load(stored).digest != given.digest:
        raise StalePlan("This plan was changed after it was made: apply it as it was written, or make a new one.")


def newest(session: Session, *, limit: int = 50) -> list[RetentionPlan]:
    """The plans made last, the newest first."""
    query = select(RetentionPlan).order_by(RetentionPlan.made_at.desc(), RetentionPlan.id).limit(limit)
    return list(session.scalars(query))


def interrupted(session: Session) -> list[RetentionPlan]:
    """The plans whose run began and has not ended, the oldest first."""
    query = select(RetentionPlan).where(RetentionPlan.state == states.RUNNING).order_by(RetentionPlan.made_at)
    return list(session.scalars(query))


def refuse(session: Session, plan_id: str, sentence: str, *, by: str, now: datetime) -> None:
    """Notes that the plan cannot be carried out (any more), with the sentence that says why, and an audit entry.

    Of a run that stopped half-way a certificate tells what went by then.
    """
    stored = row(session, plan_id, lock=True)
    given, facts = load(stored), dict[str, Any]()
    done = so_far(stored, given)
    if done.rows:
        made = certificate.unfinished(stored, given, done, now=now)
        stored.certificate, facts = certificate.to_builtins(made), certificate.facts(made, done)
    stored.state = states.REFUSED
    stored.result = {**(stored.result or {}), "problem": sentence}
    session.flush()
    audit.append(session, "retention.refused", actor=by, now=now, plan=plan_id, policy=stored.policy_hash, **facts)
