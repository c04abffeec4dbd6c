"""Compliance's console: requests with their clocks, holds, approvals, the audit log. Its first page stands with the reports."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER

from datasteward.audit import log as audit
from datasteward.retention import holds, plans
from gptimages.consoles import oversight
from gptimages.consoles.oversight import Asking
from gptimages.consoles.planpage import plan_page
from gptimages.errors import Conflict
from gptimages.installation import Installation
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


@get("/compliance/requests", opt=needs(Permission.REQUEST_READ), sync_to_thread=True, include_in_schema=False)
def all_requests(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Open requests, the shortest clock first, and those answered last."""
    with here.reading("law", visitor.id) as session:
        waiting = oversight.open_requests(session, here.clock())
        closed = oversight.closed_requests(session, here.clock())
    return pages.page("consoles/requests.html", visitor, waiting=waiting, closed=closed)


@get(
    "/compliance/requests/{request_id:str}",
    opt=needs(Permission.REQUEST_READ),
    sync_to_thread=True,
    include_in_schema=False,
)
def one_request(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    request_id: FromPath[str],
) -> Response[Any]:
    """One request and its course."""
    with here.writing("law", visitor.id) as session:
        asked, course = oversight.open_request(session, request_id, by=visitor.id, now=here.clock())
    return pages.page("consoles/request.html", visitor, asked=asked, course=course[::-1], facts=audit.facts)


@get("/compliance/holds", opt=needs(Permission.HOLD_PLACE), sync_to_thread=True, include_in_schema=False)
def all_holds(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The holds in force, the form that places one, and those lifted last."""
    with here.reading("law", visitor.id) as session:
        active, lifted = holds.active(session), holds.lifted(session)
    return pages.page(
        "consoles/holds.html",
        visitor,
        active=active,
        lifted=lifted,
        tables=sorted(str(table.name) for table in here.catalog.tables),
        categories=here.policies.taxonomy.categories.values(),
    )


@post("/compliance/holds", opt=needs(Permission.HOLD_PLACE), sync_to_thread=True, include_in_schema=False)
def place(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[Asking]
) -> Redirect:
    """Places a hold."""
    with here.writing("law", visitor.id) as session:
        oversight.place(session, here, data, by=visitor.id)
    return Redirect("/compliance/holds", status_code=HTTP_303_SEE_OTHER)


@get("/compliance/holds/{hold_id:str}", opt=needs(Permission.HOLD_PLACE), sync_to_thread=True, include_in_schema=False)
def one_hold(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    hold_id: FromPath[str],
) -> Response[Any]:
    """One hold with its file and what it keeps back."""
    with here.writing("law", visitor.id) as session:
        hold = oversight.open_hold(session, hold_id, by=visitor.id, now=here.clock())
        kept = oversight.back(session, here, hold)
    return pages.page("consoles/hold.html", visitor, hold=hold, kept=kept)


@get(
    "/compliance/holds/{hold_id:str}/lift",
    opt=needs(Permission.HOLD_PLACE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def confirm_lift(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    hold_id: FromPath[str],
) -> Response[Any]:
    """The last look before a hold is lifted, in numbers."""
    with here.writing("law", visitor.id) as session:
        hold = oversight.open_hold(session, hold_id, by=visitor.id, now=here.clock())
        kept = oversight.back(session, here, hold)
    if hold.lifted_at is not None:
        raise Conflict("This hold was lifted before; nothing is left to lift.")
    return pages.page("consoles/lift.html", visitor, hold=hold, kept=kept)


@post(
    "/compliance/holds/{hold_id:str}/lift",
    opt=needs(Permission.HOLD_PLACE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def lift(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], hold_id: FromPath[str]) -> Redirect:
    """Lifts the hold."""
    with here.writing("law", visitor.id) as session:
        holds.lift(session, hold_id, by=visitor.id, now=here.clock())
    return Redirect("/compliance/holds", status_code=HTTP_303_SEE_OTHER)


@get("/compliance/audit", opt=needs(Permission.AUDIT_READ), sync_to_thread=True, include_in_schema=False)
def log(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    before: FromQuery[int | None] = None,
    act: FromQuery[str] = "",
    verify: FromQuery[bool] = False,
) -> Response[Any]:
    """The audit log, the newest entries first; with `verify`, every hash of it recomputed now."""
    size = here.policies.limits.page_size.value
    with here.reading("law", visitor.id) as session:
        wanted = [act] if act else []
        found = audit.entries(session, acts=wanted, limit=size + 1, before=before)
        count = audit.count(session)
        verdict = audit.verify(session) if verify else None
    return pages.page(
        "consoles/audit.html",
        visitor,
        entries=found[:size],
        older=found[size - 1].number if len(found) > size else None,
        count=count,
        act=act,
        before=before,
        verdict=verdict,
        facts=audit.facts,
    )


@get(
    "/compliance/retention/{plan_id:str}",
    opt=needs(Permission.RETENTION_APPROVE),
    sync_to_thread=True,
    include_in_schema=False,
)
def plan_to_approve(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    plan_id: FromPath[str],
) -> Response[Any]:
    """A retention plan that a second person has to approve, in numbers."""
    with here.reading("law", visitor.id) as session:
        shown = plan_page(session, here.steward, plan_id)
    return pages.page("consoles/approve.html", visitor, shown=shown, plan=shown.plan)


@post(
    "/compliance/retention/{plan_id:str}",
    opt=needs(Permission.RETENTION_APPROVE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def approve_plan(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], plan_id: FromPath[str]
) -> Redirect:
    """Lets the plan pass; carrying it out stays with an operator."""
    with here.writing("law", visitor.id) as session:
        plans.approve(session, plan_id, by=visitor.id, now=here.clock())
    return Redirect(f"/compliance/retention/{plan_id}", status_code=HTTP_303_SEE_OTHER)


ROUTES = [plan_to_approve, approve_plan, all_requests, one_request, all_holds, place, one_hold, confirm_lift, lift, log]
