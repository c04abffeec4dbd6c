"""Retention and holds for programs: the operator's and compliance's acts as JSON under /api/v1."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from datasteward.retention import applying, certificate, holds, plans
from datasteward.retention.certificate import Certificate
from datasteward.retention.models import LegalHold, RetentionPlan
from datasteward.retention.plan import Plan
from datasteward.retention.result import Result, outcome, problem
from gptimages.consoles import oversight
from gptimages.consoles.operations import RETENTION
from gptimages.consoles.oversight import Asking
from gptimages.consoles.planpage import plan_row, unapproved
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.web.permissions import Permission, needs
from gptimages.web.visitor import Visitor

TAGS = ("retention",)


class PlanState(msgspec.Struct, frozen=True):
    """A stored plan. `state`: open, ordered, running, applied, refused; `problem` says why it was refused.

    `needs_approval` says why a second person has to approve it first; `approved_by` is who did.
    """

    plan: Plan
    state: str
    due: int
    held: int
    rows: int
    bytes: int
    applied_at: datetime | None
    result: Result | None
    problem: str | None
    needs_approval: str | None
    approved_by: str | None


class HoldState(msgspec.Struct, frozen=True):
    """A hold and what it is about (see what is sent to place one), without its file."""

    id: str
    account: str | None
    table: str | None
    rows: list[list[str]]
    category: str | None
    since: datetime | None
    before: datetime | None
    placed_at: datetime
    review_at: datetime
    lifted_at: datetime | None


@post("/api/v1/retention/plans", opt=needs(Permission.RETENTION_PLAN), sync_to_thread=True, tags=TAGS)
def make_plan(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> PlanState:
    """Make a plan as of now: by rule, what would go and why. Nothing else changes."""
    with here.writing("law", visitor.id) as session:
        made = plans.make(session, here.steward, by=visitor.id, now=here.clock())
        return _told(here, plans.row(session, made.id))


@get("/api/v1/retention/plans", opt=needs(Permission.RETENTION_PLAN), sync_to_thread=True, tags=TAGS)
def list_plans(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[PlanState]:
    """The plans that were made last, the newest first."""
    with here.reading("law", visitor.id) as session:
        return [_told(here, row) for row in plans.newest(session, limit=here.policies.limits.page_size.value)]


@get("/api/v1/retention/plans/{plan_id:str}", opt=needs(Permission.RETENTION_PLAN), sync_to_thread=True, tags=TAGS)
def show_plan(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> PlanState:
    """One plan, and how far it is carried out."""
    with here.reading("law", visitor.id) as session:
        return _told(here, plan_row(session, plan_id))


@get(
    "/api/v1/retention/plans/{plan_id:str}/certificate",
    opt=needs(Permission.RETENTION_PLAN),
    sync_to_thread=True,
    tags=TAGS,
)
def show_certificate(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> Certificate:
    """What the run of a plan disposed of, by which method, and the count afterwards; 404 until it was carried out."""
    with here.reading("law", visitor.id) as session:
        made = certificate.of(plan_row(session, plan_id))
    if made is None:
        raise NotFound("This plan has not been carried out: there is no certificate yet.")
    return made


@post(
    "/api/v1/retention/plans/{plan_id:str}/approve",
    opt=needs(Permission.RETENTION_APPROVE, fresh=True),
    sync_to_thread=True,
    status_code=HTTP_200_OK,
    tags=TAGS,
)
def approve_plan(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> PlanState:
    """Let a plan pass that needs a second person. Who made or ordered it cannot; who approves it does not carry it out."""
    with here.writing("law", visitor.id) as session:
        stored = plan_row(session, plan_id)
        plans.approve(session, plan_id, by=visitor.id, now=here.clock())
        return _told(here, stored)


@post(
    "/api/v1/retention/plans/{plan_id:str}/apply",
    opt=needs(Permission.RETENTION_APPLY, fresh=True),
    sync_to_thread=True,
    status_code=HTTP_202_ACCEPTED,
    tags=TAGS,
)
def apply_plan(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> PlanState:
    """Have exactly this plan carried out in the background; ask for it again to see how far it is."""
    with here.writing("law", visitor.id) as session:
        plan_row(session, plan_id)
        applying.order(session, here.steward, plan_id, by=visitor.id, now=here.clock())
        queue.promise(session, RETENTION, plan_id, now=here.clock())
        return _told(here, plan_row(session, plan_id))


@get("/api/v1/holds", opt=needs(Permission.HOLD_PLACE), sync_to_thread=True, tags=("holds",))
def list_holds(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[HoldState]:
    """The holds in force, the one to be looked at next first."""
    with here.reading("law", visitor.id) as session:
        return [_hold(hold) for hold in holds.active(session)]


@post("/api/v1/holds", opt=needs(Permission.HOLD_PLACE), sync_to_thread=True, tags=("holds",))
def place_hold(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[Asking]
) -> HoldState:
    """Place a hold: neither retention nor an erasure touches what it is about until it is lifted."""
    with here.writing("law", visitor.id) as session:
        return _hold(oversight.place(session, here, data, by=visitor.id))


@post(
    "/api/v1/holds/{hold_id:str}/lift",
    opt=needs(Permission.HOLD_PLACE, fresh=True),
    sync_to_thread=True,
    tags=("holds",),
)
def lift_hold(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], hold_id: FromPath[str]
) -> HoldState:
    """Lift a hold; what it kept back is due again."""
    with here.writing("law", visitor.id) as session:
        return _hold(holds.lift(session, hold_id, by=visitor.id, now=here.clock()))


def _told(here: Installation, row: RetentionPlan) -> PlanState:
    plan = plans.load(row)
    return PlanState(
        plan=plan,
        state=row.state,
        due=plan.due,
        held=plan.held,
        rows=plan.rows,
        bytes=plan.bytes,
        applied_at=row.applied_at,
        result=outcome(row),
        problem=problem(row),
        needs_approval=unapproved(here.steward, row, plan),
        approved_by=row.approved_by,
    )


def _hold(hold: LegalHold) -> HoldState:
    return HoldState(
        id=hold.id,
        account=hold.subject_id,
        table=hold.table,
        rows=hold.rows or [],
        category=hold.category,
        since=hold.since,
        before=hold.before,
        placed_at=hold.placed_at,
        review_at=hold.review_at,
        lifted_at=hold.lifted_at,
    )


API = [make_plan, list_plans, show_plan, show_certificate, approve_plan, apply_plan, list_holds, place_hold, lift_hold]
