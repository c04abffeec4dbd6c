"""The operator's console: the queue and what it waits for, and retention from the plan to its result."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER

from datasteward.retention import applying, certificate, plans
from gptimages.consoles import jobs
from gptimages.consoles.planpage import plan_page, plan_row
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

RETENTION = "retention"


@get("/operations", opt=needs(Permission.JOB_READ), sync_to_thread=True, include_in_schema=False)
def overview(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Jobs by kind and state, what failed and why, what runs next."""
    with here.reading("deliver", visitor.id) as session:
        found = jobs.overview(session, here)
    return pages.page("consoles/jobs.html", visitor, found=found)


@get("/operations/retention", opt=needs(Permission.RETENTION_PLAN), sync_to_thread=True, include_in_schema=False)
def retention(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The plans that were made, the newest first."""
    with here.reading("law", visitor.id) as session:
        stored = plans.newest(session, limit=here.policies.limits.page_size.value)
    made = [(row, plans.load(row)) for row in stored]
    return pages.page("consoles/plans.html", visitor, made=made, following=jobs.following(here, RETENTION))


@post("/operations/retention", opt=needs(Permission.RETENTION_PLAN), sync_to_thread=True, include_in_schema=False)
def make(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Makes a plan as of now."""
    with here.writing("law", visitor.id) as session:
        made = plans.make(session, here.steward, by=visitor.id, now=here.clock())
    return Redirect(f"/operations/retention/{made.id}", status_code=HTTP_303_SEE_OTHER)


@get(
    "/operations/retention/{plan_id:str}",
    opt=needs(Permission.RETENTION_PLAN),
    sync_to_thread=True,
    include_in_schema=False,
)
def plan(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    plan_id: FromPath[str],
    sort: FromQuery[str] = "due",
    up: FromQuery[bool] = False,
) -> Response[Any]:
    """One plan: what would go, by rule; while it is carried out how far it is, and then what went."""
    with here.reading("law", visitor.id) as session:
        shown = plan_page(session, here.steward, plan_id, sort=sort, down=not up)
    return pages.page("consoles/plan.html", visitor, shown=shown, plan=shown.plan)


@get(
    "/operations/retention/{plan_id:str}/run",
    opt=needs(Permission.RETENTION_APPLY, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def confirm(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    plan_id: FromPath[str],
) -> Response[Any]:
    """The last look before a plan is carried out, in numbers."""
    with here.reading("law", visitor.id) as session:
        shown = plan_page(session, here.steward, plan_id)
    return pages.page("consoles/run.html", visitor, shown=shown, plan=shown.plan)


@post(
    "/operations/retention/{plan_id:str}/run",
    opt=needs(Permission.RETENTION_APPLY, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def run(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]) -> Redirect:
    """Has the plan carried out in the background; one that stopped half-way is taken up again."""
    with here.writing("law", visitor.id) as session:
        if plan_page(session, here.steward, plan_id).state != "stuck":
            applying.order(session, here.steward, plan_id, by=visitor.id, now=here.clock())
        queue.promise(session, RETENTION, plan_id, now=here.clock())
    return Redirect(f"/operations/retention/{plan_id}", status_code=HTTP_303_SEE_OTHER)


@get(
    "/operations/retention/{plan_id:str}/certificate",
    opt=needs(Permission.RETENTION_PLAN),
    sync_to_thread=True,
    include_in_schema=False,
)
def show_certificate(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> Response[bytes]:
    """The certificate of a run as a file: JSON, whose SHA-256 stands in the audit log."""
    with here.reading("law", visitor.id) as session:
        made = certificate.of(plan_row(session, plan_id))
    if made is None:
        raise NotFound("This plan has not been carried out: there is no certificate yet.")
    name = {"Content-Disposition": f'attachment; filename="certificate-{plan_id}.json"'}
    return Response(certificate.to_json(made), media_type="application/json", headers=name)


ROUTES = [overview, retention, make, plan, confirm, run, show_certificate]
