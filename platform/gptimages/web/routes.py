"""The list of the service's routes; each noun keeps its own in `routes.py` of its folder."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from litestar.types import ControllerRouterHandler

from gptimages.accounts import api as accounts_api
from gptimages.accounts import routes as accounts
from gptimages.consoles import api as consoles_api
from gptimages.consoles import compliance, keys, legal, operations
from gptimages.messaging import routes as messaging
from gptimages.privacy import api as privacy_api
from gptimages.privacy import routes as privacy
from gptimages.publishing import routes as publishing
from gptimages.studio import api as studio_api
from gptimages.studio import history_routes, image_routes, shared_routes
from gptimages.studio import routes as studio
from gptimages.support import routes as support
from gptimages.web import api_page, pages, well_known
from gptimages.web.visitor import Visitor

OPEN_TO_OTHER_SITES: tuple[str, ...] = ()
"""Paths whose POST may come from elsewhere, because what they do needs no session and is safe to be asked by anyone."""

ALL: list[ControllerRouterHandler] = [
    *pages.ROUTES,
    *well_known.ROUTES,
    *api_page.ROUTES,
    *publishing.ROUTES,
    *messaging.ROUTES,
    *support.ROUTES,
    *legal.ROUTES,
    *compliance.ROUTES,
    *operations.ROUTES,
    *keys.ROUTES,
    *consoles_api.API,
    *accounts.ROUTES,
    *accounts_api.API,
    *studio.ROUTES,
    *history_routes.ROUTES,
    *image_routes.ROUTES,
    *shared_routes.ROUTES,
    *studio_api.API,
    *privacy.ROUTES,
    *privacy_api.API,
]


def visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Who asks; provided to every handler as `visitor`."""
    found: Visitor = request.scope["user"]
    return found
