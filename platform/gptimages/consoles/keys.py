"""The console of keys: how they stand against the policies, and exceptional access, asked for here and approved by compliance."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER

from datasteward.errors import AccessRefused
from datasteward.exceptional import access
from datasteward.exceptional.models import ExceptionalAccess, Kind
from datasteward.keys.ages import ages
from datasteward.policy.roles import Exceptional
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exceptional access to ask for: its kind, whose words or keys, and where the words stand (empty: everywhere)."""

    kind: str = ""
    file: str = ""
    account: str = ""
    table: str = ""


class Shown(msgspec.Struct, frozen=True):
    """An access with what the policies say of its kind (None: they allow it no more) and how far it is."""

    row: ExceptionalAccess
    rule: Exceptional | None
    state: access.State


@get("/operations/keys", opt=needs(Permission.KEY_READ), sync_to_thread=True, include_in_schema=False)
def keys(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Ages against policies/encryption.yaml, what is due, and the accesses that were asked for."""
    schedule, now = here.policies.encryption.schedule, here.clock()
    state = here.vault.state(made_before=schedule.persons.before(now))
    with here.reading("law", visitor.id) as session:
        asked = [_shown(here, row) for row in access.newest(session)]
    allowed = here.policies.role_file.exceptional_access
    return pages.page(
        "consoles/keys.html",
        visitor,
        state=state,
        people=here.vault.count(),
        ages=list(ages(state, schedule, now)),
        asked=asked,
        kinds=[(kind, found) for kind in Kind if (found := allowed.of(kind)) is not None],
        tables=access.readable(here.catalog),
    )


@post("/operations/keys", opt=needs(Permission.KEY_ASK, fresh=True), sync_to_thread=True, include_in_schema=False)
def ask(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[Asking]
) -> Redirect:
    """Asks for an access."""
    if data.kind not in set(Kind):
        raise InputError("Say what is to be opened: choose one of the kinds.")
    account, table = data.account.strip() or None, data.table.strip() or None
    try:
        with here.writing("law", visitor.id) as session:
            access.ask(
                session,
                here.steward,
                Kind(data.kind),
                file=data.file,
                subject=account,
                table=table,
                by=visitor.id,
                now=here.clock(),
            )
    except AccessRefused as refused:
        raise InputError(str(refused)) from None
    return Redirect("/operations/keys", status_code=HTTP_303_SEE_OTHER)


@get(
    "/compliance/access/{access_id:str}",
    opt=needs(Permission.KEY_APPROVE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def access_to_approve(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    access_id: FromPath[str],
) -> Response[Any]:
    """The last look before an access passes."""
    with here.reading("law", visitor.id) as session:
        try:
            shown = _shown(here, access.find(session, access_id))
        except AccessRefused:
            raise NotFound("There is no such access.") from None
    return pages.page("consoles/access.html", visitor, shown=shown, own=shown.row.asked_by == visitor.id)


@post(
    "/compliance/access/{access_id:str}",
    opt=needs(Permission.KEY_APPROVE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def approve(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], access_id: FromPath[str]
) -> Redirect:
    """Lets the access pass; carrying it out stays with an operator."""
    with here.writing("law", visitor.id) as session:
        access.approve(session, here.policies, access_id, by=visitor.id, now=here.clock())
    return Redirect(f"/compliance/access/{access_id}", status_code=HTTP_303_SEE_OTHER)


@post(
    "/compliance/access/{access_id:str}/refuse",
    opt=needs(Permission.KEY_APPROVE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def refuse(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], access_id: FromPath[str]
) -> Redirect:
    """Ends the access before anything is opened."""
    with here.writing("law", visitor.id) as session:
        access.refuse(session, here.policies, access_id, by=visitor.id, now=here.clock())
    return Redirect(f"/compliance/access/{access_id}", status_code=HTTP_303_SEE_OTHER)


def _shown(here: Installation, row: ExceptionalAccess) -> Shown:
    rule = here.policies.role_file.exceptional_access.of(row.kind)
    return Shown(row, rule, access.state(here.policies, row, here.clock()))


ROUTES = [keys, ask, access_to_approve, approve, refuse]
