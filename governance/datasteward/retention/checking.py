"""Whether a plan may (still) be carried out: it must be what was shown, of these policies and this database, and hold.

Each refusal is a sentence that says what changed and what to do. Who approves a plan is not who carries it out.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.errors import ApprovalNeeded, ClockJumped, StalePlan
from datasteward.retention import states
from datasteward.retention.held import Held
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Plan
from datasteward.retention.planning import database_id, present
from datasteward.retention.result import Result, so_far
from datasteward.steward import Steward


def check(
    session: Session,
    steward: Steward,
    stored: RetentionPlan,
    given: Plan,
    held: Held,
    *,
    by: str,
    now: datetime,
) -> None:
    """Raises StalePlan unless the plan may be carried out now by `by`, or taken up again after what it has done.

    Raises ApprovalNeeded, and the plan stays open, when it is above the cap of policies/limits.yaml and no second person
    has approved it; ClockJumped when the clock it was made by, or is now carried out by, cannot be trusted.
    """
    if stored.state == states.APPLIED:
        raise StalePlan("This plan was carried out before; its result stands beside it.")
    if stored.state == states.REFUSED:
        raise StalePlan("This plan was found not to hold any more: make a new one.")
    check_origin(session, steward, given.database, given.policy_hash)
    _check_time(steward, stored, given, now)
    if stored.state != states.RUNNING:
        _check_approval(steward, stored, given, by)
    _check_counts(session, steward, given, so_far(stored, given), held)


def check_origin(session: Session, steward: Steward, database: str, policy_hash: str) -> None:
    """Raises StalePlan for a plan of another database or of another policy set."""
    if database != database_id(session):
        raise StalePlan("This plan was made from another database: make a new plan here.")
    if policy_hash != steward.policies.hash:
        raise StalePlan("The policies have changed since this plan was made: make a new plan and look at it again.")


def needs_approval(steward: Steward, given: Plan) -> str | None:
    """Why a second person has to approve the plan, in a sentence; None when nobody has to."""
    most = steward.policies.limits.retention_most_per_run.value
    if given.rows > most:
        return (
            f"This plan takes {given.rows:,} rows, more than the {most:,} that policies/limits.yaml leaves to one person: "
            "somebody else has to approve it first."
        )
    if given.jump:
        return (
            "Before this plan nothing was written down for longer than policies/limits.yaml allows, as if the clock had "
            "jumped: somebody who knows that the clock is right has to approve it first."
        )
    return None


def _check_time(steward: Steward, stored: RetentionPlan, given: Plan, now: datetime) -> None:
    if given.made_at > now:
        raise ClockJumped("This plan comes from the future: set the clock right, then make a new plan.")
    waiting = stored.state in (states.OPEN, states.ORDERED)
    if waiting and now - given.made_at > steward.policies.limits.retention_plan_age.span:
        raise StalePlan("This plan is older than policies/limits.yaml allows: make a new plan.")


def _check_approval(steward: Steward, stored: RetentionPlan, given: Plan, by: str) -> None:
    why = needs_approval(steward, given)
    if why is None:
        return
    if stored.approved_by is None:
        raise ClockJumped(why) if given.jump else ApprovalNeeded(why)
    if stored.approved_by == by:
        raise ApprovalNeeded("Who approved this plan does not carry it out: somebody else has to.")


def _check_counts(session: Session, steward: Steward, given: Plan, done: Result, held: Held) -> None:
    there = present(session, steward, given.items, held)
    for item, (own, _), taken in zip(given.items, there, done.taken, strict=True):
        if own + taken > item.goes:
            raise StalePlan(
                f"By now {own + taken} rows of {item.table} would go, and the plan names {item.goes}: "
                "make a new plan and look at it again."
            )
    if sum(map(sum, there)) + done.rows > given.rows:
        raise StalePlan("By now more rows would go than the plan names: make a new plan and look at it again.")
