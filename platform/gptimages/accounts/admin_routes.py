"""The administrator's console: people with roles, one person by account id, giving and ending roles.

Who may see data is watched over for `law` (GDPR Art. 32(4)): a restriction of somebody's data takes no role out of sight.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_404_NOT_FOUND

from gptimages.accounts import staff
from gptimages.accounts.roles import EVERYBODY
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


class RoleForm(msgspec.Struct, frozen=True):
    """What the form that gives a role sends."""

    role: str = ""


@get("/admin", opt=needs(Permission.ROLE_GRANT), sync_to_thread=True, include_in_schema=False)
def admin(
    request: Request[Any, Any, Any],
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
) -> Response[Any]:
    """People with staff roles, and the field that finds anybody by account id."""
    wanted = request.query_params.get("id", "").strip()
    with here.reading("law", visitor.id) as session:
        found = staff.with_roles(session)
        try:
            known = bool(wanted) and bool(staff.person(session, wanted))
        except NotFound:
            known = False
    if known:
        return Redirect(f"/admin/people/{wanted}", status_code=HTTP_303_SEE_OTHER)
    status = HTTP_404_NOT_FOUND if wanted else HTTP_200_OK
    return pages.page(
        "accounts/admin.html", visitor, status=status, people=found, roles=here.policies.roles, wanted=wanted[:40]
    )


@get("/admin/people/{account_id:str}", opt=needs(Permission.ROLE_GRANT), sync_to_thread=True, include_in_schema=False)
def person(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    account_id: FromPath[str],
) -> Response[Any]:
    """One person as staff see them."""
    return _person(here, pages, visitor, account_id)


@post(
    "/admin/people/{account_id:str}/view",
    opt=needs(Permission.PERSON_READ),
    sync_to_thread=True,
    include_in_schema=False,
)
def view(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    account_id: FromPath[str],
) -> Response[Any]:
    """Shows name and mail address, and writes down who looked."""
    with here.writing("law", visitor.id) as session:
        shown = staff.view(session, here, account_id, by=visitor.id, now=here.clock())
    return _person(here, pages, visitor, account_id, shown)


@post(
    "/admin/people/{account_id:str}/roles",
    opt=needs(Permission.ROLE_GRANT, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def grant(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    account_id: FromPath[str],
    data: URLEncodedBody[RoleForm],
) -> Redirect:
    """Gives a role."""
    with here.writing("law", visitor.id) as session:
        staff.grant(session, here, account_id, data.role, by=visitor.id, now=here.clock())
    return Redirect(f"/admin/people/{account_id}", status_code=HTTP_303_SEE_OTHER)


@post(
    "/admin/people/{account_id:str}/roles/{role:str}/end",
    opt=needs(Permission.ROLE_GRANT, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def end(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    account_id: FromPath[str],
    role: FromPath[str],
) -> Redirect:
    """Ends a role."""
    with here.writing("law", visitor.id) as session:
        staff.end(session, account_id, role, by=visitor.id, now=here.clock())
    return Redirect(f"/admin/people/{account_id}", status_code=HTTP_303_SEE_OTHER)


def _person(
    here: Installation, pages: Renderer, visitor: Visitor, account_id: str, shown: staff.Particulars | None = None
) -> Response[Any]:
    with here.reading("law", visitor.id) as session:
        found = staff.person(session, account_id)
    had = {grant.role for grant in found.grants}
    free = {key: role for key, role in here.policies.roles.items() if key not in had and key != EVERYBODY}
    return pages.page(
        "accounts/person.html",
        visitor,
        status=HTTP_200_OK,
        person=found,
        shown=shown,
        roles=here.policies.roles,
        free=free,
        oneself=found.id == visitor.id,
        may_look=Permission.PERSON_READ in visitor.permissions,
    )


ROUTES = [admin, person, view, grant, end]
