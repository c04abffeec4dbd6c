"""Who may use which route: default deny, and every route against every role, from the app's own list of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import func, select

from gptimages.accounts import roles
from gptimages.errors import StartError
from gptimages.installation import Installation
from gptimages.web.permissions import ALLOW, PUBLIC, Permission

REFUSED = 403
JSON = {"accept": "application/json"}


def guarded(app: Litestar) -> Iterator[tuple[str, str, Permission]]:
    """Method, address and permission of every route that needs one; parameters of addresses are filled in."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if not isinstance(handler, HTTPRouteHandler) or handler.opt.get(ALLOW, "public") == "public":
                continue
            for method in sorted(handler.http_methods):
                if method in ("OPTIONS", "HEAD"):
                    continue
                path = re.sub(r"{\w+:int}", "1", re.sub(r"{\w+:\w*str}", "nothing", route.path))
                yield method, path, handler.opt[ALLOW]


def everything(here: Installation) -> dict[str, int]:
    """How many rows each table has."""
    with here.db.read() as session:
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in here.catalog.tables}


def test_every_permission_guards_a_route(web) -> None:
    """No permission is in the list for nothing: each is needed by at least one route of the whole app."""
    assert {permission for _, _, permission in guarded(web.app)} == set(Permission)


@pytest.mark.parametrize("role", ["nobody", "user", "support", "compliance", "operator", "legal", "administrator"])
def test_a_route_refuses_everyone_whose_role_lacks_its_permission(web, person, role: str) -> None:
    """Each route that needs a permission answers 401 to nobody and 403 to a role without it, and does nothing (V8.2.1)."""
    if role == "nobody":
        client, held, refusal = web.browser(**JSON), frozenset(), 401
    else:
        account = person(given=() if role == "user" else (role,))
        client, held, refusal = web.signed_in(account, **JSON), web.here.policies.permissions({"user", role}), REFUSED
    before = everything(web.here)
    lacking = [(method, path) for method, path, permission in guarded(web.app) if permission not in held]
    answers = {(method, path): client.request(method, path, json={}).status_code for method, path in lacking}
    assert {place: status for place, status in answers.items() if status != refusal} == {}
    assert everything(web.here) == before
    assert len(answers) >= 10


@pytest.mark.parametrize("role", ["user", "support", "compliance", "operator", "legal", "administrator"])
def test_a_role_opens_what_it_is_for(web, person, role: str) -> None:
    """A role that has a page's permission is not refused there: the matrix does not hold by refusing everybody."""
    client = web.signed_in(person(given=() if role == "user" else (role,)))
    own = web.here.policies.roles[role].permissions
    pages = [path for method, path, permission in guarded(web.app) if method == "GET" and permission in own]
    assert {path for path in pages if client.get(path).status_code in (401, REFUSED)} == set()
    assert pages


def test_a_role_that_was_taken_back_opens_nothing(web, person, clock) -> None:
    """Roles are asked for each request: what was open a moment ago is closed once the role has ended."""
    account = person(given=("operator",))
    client = web.signed_in(account, **JSON)
    operators = [path for m, path, p in guarded(web.app) if m == "GET" and p is Permission.RETENTION_PLAN]
    with web.here.db.write() as session:
        roles.end(session, account.id, "operator", by="tests", now=clock())
    assert {client.get(path).status_code for path in operators} == {REFUSED}


def test_a_route_that_says_nothing_stops_the_start(build_app) -> None:
    """A handler without `needs(…)` or PUBLIC is named, and there is no app."""

    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> None:
        """Says nothing of who may use it."""

    with pytest.raises(StartError, match=r"do not say who may use them: .*forgotten"):
        build_app([forgotten])


def test_a_public_route_is_open(serve) -> None:
    """A handler that is PUBLIC answers anybody."""

    @get("/open", opt=PUBLIC, sync_to_thread=False)
    def open_to_all() -> dict[str, Any]:
        """Open."""
        return {"open": True}

    assert serve([open_to_all]).browser().get("/open").json() == {"open": True}


def test_every_permission_stands_in_the_policy(here: Installation) -> None:
    """The permissions of the code are those of policies/roles.yaml, and some role has each."""
    given = set().union(*(role.permissions for role in here.policies.roles.values()))
    assert {str(permission) for permission in Permission} == set(here.policies.role_file.permissions) == given
