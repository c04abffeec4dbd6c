"""Whether a plan may (still) be carried out: it must be what was shown, of these policies and this database, and hold.

Each refusal is a StalePlan whose sentence says what changed and what to do.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.errors import PlanTooLarge, StalePlan
from datasteward.retention import plans
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Plan
from datasteward.retention.planning import database_id, present
from datasteward.retention.result import Result
from datasteward.steward import Steward


def check(
    session: Session,
    steward: Steward,
    stored: RetentionPlan,
    given: Plan,
    done: Result,
    *,
    now: datetime,
    looked_at: bool = False,
) -> None:
    """Raises StalePlan unless the plan may be carried out now, or taken up again after what is `done`.

    `looked_at`: a person wants this very plan carried out. Without, a plan above the size that policies/limits.yaml allows
    to a run raises PlanTooLarge, and stays open for somebody to look at.
    """
    if stored.state == plans.APPLIED:
        raise StalePlan("This plan was carried out before; its result stands beside it.")
    if stored.state == plans.REFUSED:
        raise StalePlan("This plan was found not to hold any more: make a new one.")
    if given.database != database_id(session):
        raise StalePlan("This plan was made from another database: make a new plan here.")
    if given.policy_hash != steward.policies.hash:
        raise StalePlan("The policies have changed since this plan was made: make a new plan and look at it again.")
    _check_time(steward, stored, given, now)
    if not looked_at:
        _check_size(steward, given)
    _check_counts(session, steward, given, done)


def _check_time(steward: Steward, stored: RetentionPlan, given: Plan, now: datetime) -> None:
    if given.made_at > now:
        raise StalePlan("This plan comes from the future: set the clock right, then make a new plan.")
    if (
        stored.state in (plans.OPEN, plans.ORDERED)
        and now - given.made_at > steward.policies.limits.retention_plan_age.span
    ):
        raise StalePlan("This plan is older than policies/limits.yaml allows: make a new plan.")


def _check_size(steward: Steward, given: Plan) -> None:
    most = steward.policies.limits.retention_most_per_run.value
    if given.rows > most:
        raise PlanTooLarge(
            f"This plan takes {given.rows} rows, more than the {most} that policies/limits.yaml leaves to a run "
            "that nobody looked at: look at the plan, and carry it out by hand if it is right."
        )


def _check_counts(session: Session, steward: Steward, given: Plan, done: Result) -> None:
    there = present(session, steward.catalog, given.items)
    for item, (own, _), taken in zip(given.items, there, done.taken, strict=True):
        if own + taken > item.goes:
            raise StalePlan(
                f"By now {own + taken} rows of {item.table} would go, and the plan names {item.goes}: "
                "make a new plan and look at it again."
            )
    if sum(map(sum, there)) + done.rows > given.rows:
        raise StalePlan("By now more rows would go than the plan names: make a new plan and look at it again.")
