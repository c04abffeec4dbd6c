"""What the operator's page about one plan shows: its rows in the order asked for, its course, and the plans before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy.orm import Session

from datasteward.retention import certificate, holds, plans, states
from datasteward.retention.certificate import Certificate
from datasteward.retention.checking import needs_approval
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Item, Plan
from datasteward.retention.result import Result, outcome, problem
from datasteward.steward import Steward
from gptimages.consoles.charts import bars
from gptimages.errors import NotFound
from gptimages.queue import queue
from gptimages.queue.models import Job

EARLIER = 29
"""How many plans before this one the chart shows at most."""
Order = Literal["name", "kept", "due", "held", "goes", "bytes", "age"]


class Line(msgspec.Struct, frozen=True):
    """One row of the table: an item, the width of its bar out of 96, and the age of its oldest thing in days."""

    item: Item
    bar: float
    days: int
    along: int


class PlanPage(msgspec.Struct, frozen=True):
    """Everything the page shows."""

    stored: RetentionPlan
    plan: Plan
    lines: list[Line]
    idle: int
    sort: str
    down: bool
    result: Result | None
    problem: str | None
    holds: int
    chart: Any
    earlier: list[RetentionPlan]
    needs_approval: str | None
    certificate: Certificate | None

    @property
    def state(self) -> str:
        """The plan's own state, or `stuck` when the job that was to carry it out has failed."""
        waits = self.stored.state in (states.ORDERED, states.RUNNING)
        return "stuck" if waits and self.problem else self.stored.state


KEYS: dict[str, Callable[[Line], Any]] = {
    "name": lambda line: line.item.name,
    "kept": lambda line: line.item.kept,
    "due": lambda line: line.item.due,
    "held": lambda line: line.item.held,
    "goes": lambda line: line.item.goes,
    "bytes": lambda line: line.item.bytes,
    "age": lambda line: line.days,
}


def plan_row(session: Session, plan_id: str) -> RetentionPlan:
    """The stored plan. Raises NotFound."""
    found = plans.find(session, plan_id)
    if found is None:
        raise NotFound("There is no such plan.")
    return found


def plan_page(session: Session, steward: Steward, plan_id: str, *, sort: str = "due", down: bool = True) -> PlanPage:
    """The page of a stored plan. Raises NotFound for an unknown one."""
    stored = plan_row(session, plan_id)
    plan = plans.load(stored)
    sort = sort if sort in KEYS else "due"
    lines = sorted(_lines(plan), key=KEYS[sort], reverse=down)
    earlier = [row for row in plans.newest(session, limit=200) if row.made_at <= stored.made_at][: EARLIER + 1][::-1]
    return PlanPage(
        stored=stored,
        plan=plan,
        lines=lines,
        idle=len(plan.items) - len(lines),
        sort=sort,
        down=down,
        result=outcome(stored),
        problem=problem(stored) or _failure(session, stored),
        holds=len(holds.active(session)),
        chart=bars([row.due for row in earlier]),
        earlier=earlier,
        needs_approval=unapproved(steward, stored, plan),
        certificate=certificate.of(stored),
    )


def unapproved(steward: Steward, stored: RetentionPlan, plan: Plan) -> str | None:
    """Why a second person has to approve the plan, until one has; None when nobody has to any more."""
    return needs_approval(steward, plan) if stored.approved_by is None else None


def _lines(plan: Plan) -> list[Line]:
    most = max((item.due for item in plan.items), default=0)
    return [
        Line(item, round(96 * item.due / most, 1), _days(item.oldest, plan.made_at), sum(item.along.values()))
        for item in plan.items
        if item.due
    ]


def _days(oldest: datetime | None, now: datetime) -> int:
    return (now - oldest).days if oldest else 0


def _failure(session: Session, stored: RetentionPlan) -> str | None:
    """Why the job that was to carry the plan out has failed, if it has."""
    job: Job | None = queue.newest(session, "retention", stored.id)
    return job.problem if job is not None and job.state == "failed" else None
