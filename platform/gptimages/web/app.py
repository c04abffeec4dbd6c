"""The app factory: routes of every noun, the doorkeeper before them, headers after them, errors as pages or JSON.

It builds from an open installation and knows no job, report or demo: the composition root hands their routers in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler, LifespanHook
from litestar.utils.sync import AsyncCallable

from gptimages.installation import Installation
from gptimages.studio.events import Lines
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web import errors, headers, routes
from gptimages.web.api_document import DocumentPlugin
from gptimages.web.doorkeeper import Doorkeeper
from gptimages.web.pace import Pace
from gptimages.web.permissions import FETCHED, PUBLIC, check_routes, guard
from gptimages.web.rendering import Renderer
from gptimages.web.templating import STATIC

ASSET_SECONDS = 31_536_000  # assets are addressed by their contents, so they may be kept for a year


def create_app(
    here: Installation,
    *,
    engine: EngineFacts,
    hub: Hub,
    more_routes: Sequence[ControllerRouterHandler] = (),
    templates: Sequence[Path] = (),
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
) -> Litestar:
    """The web app of an installation; of the engine it knows the facts and, by `hub`, the unfinished pictures.

    Raises StartError when a route does not say who may use it.
    """
    renderer = Renderer(here, *templates)
    app = Litestar(
        route_handlers=[*routes.ALL, *more_routes, _assets()],
        dependencies={
            "here": _given(here),
            "pages": _given(renderer),
            "engine": _given(engine),
            "hub": _given(hub),
            "lines": _given(Lines(here.policies.limits.lines_at_once.value)),
            "visitor": Provide(routes.visitor, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(Doorkeeper, here=here)],
        guards=[Pace(here.policies.limits.requests_per_minute.value), guard],
        before_send=[headers.adder(here.settings)],
        exception_handlers=errors.handlers(renderer),
        on_startup=list(on_startup),
        on_shutdown=[*on_shutdown, here.close],
        request_max_body_size=here.policies.limits.request_bytes.value,
        openapi_config=OpenAPIConfig(
            title="GPT Images", version="1", openapi_router=_description(), render_plugins=[DocumentPlugin()]
        ),
        state=State({"open_to_other_sites": frozenset(routes.OPEN_TO_OTHER_SITES)}),
        logging_config=None,
    )
    check_routes(_handlers(app))
    _call_once(_handlers(app))
    return app


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False, use_cache=True)


def _assets() -> ControllerRouterHandler:
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        opt=PUBLIC | FETCHED,
        cache_control=CacheControlHeader(max_age=ASSET_SECONDS, public=True, immutable=True),
    )


def _description() -> Router:
    """Where the description of the API stands, for anyone to read."""
    return Router("/api/v1/schema", route_handlers=[], opt=PUBLIC, include_in_schema=False)


def _call_once(handlers: list[BaseRouteHandler]) -> None:
    """Undoes a double wrapping by Litestar 2.25.

    When two handlers share a path, it makes the first one ready a second time and wraps its thread call once more; that
    call then returns a coroutine instead of a response.
    """
    for handler in handlers:
        while isinstance(handler.fn, AsyncCallable) and isinstance(handler.fn.func, AsyncCallable):
            handler._fn = handler.fn.func


def _handlers(app: Litestar) -> list[BaseRouteHandler]:
    return [handler for route in app.routes for handler in getattr(route, "route_handlers", [])]
