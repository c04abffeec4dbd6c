"""The pages that anyone may read and that belong to no noun: the beginning, cookies, well-known files."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Response

from gptimages.installation import Installation
from gptimages.studio import showcase
from gptimages.studio.beginning import promised, traces
from gptimages.studio.facts import EngineFacts
from gptimages.studio.views import ratio
from gptimages.web.permissions import FETCHED, PUBLIC
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


@get("/", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def beginning(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    engine: NamedDependency[EngineFacts],
) -> Response[Any]:
    """What the service is, with pictures that it made and what it writes down about one."""
    return pages.page(
        "beginning.html",
        visitor,
        hero=showcase.HERO,
        wall=showcase.WALL,
        anatomy=showcase.ANATOMY,
        ratio=ratio,
        minors=here.policies.minors,
        traces=traces(here.policies, engine),
        promises=promised(here.policies, here.clock().date()),
    )


@get("/cookies", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def cookies(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Which cookies there are, from policies/cookies.yaml."""
    return pages.page("cookies.html", visitor, cookies=here.policies.cookies)


@get("/healthz", opt=PUBLIC | FETCHED, sync_to_thread=False, include_in_schema=False)
def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"state": "up"}


ROUTES = [beginning, cookies, healthz]
