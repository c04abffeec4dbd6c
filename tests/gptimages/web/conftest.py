"""The whole app, reports included, over real HTTP, with people who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from litestar import Litestar
from litestar.types import ControllerRouterHandler
from support.engines import PlainEngine
from support.serving import free_port, serving

from gptimages.accounts import sessions
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app
from gptimages_reports import routes as reports


@dataclass
class Web:
    """A served app; requests come from its own pages unless a test says otherwise."""

    here: Installation
    app: Litestar
    base: str
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, **headers: str) -> httpx.Client:
        """A browser in which nobody is signed in."""
        own = {"origin": self.here.settings.public_url, "accept": "text/html"}
        client = httpx.Client(base_url=self.base, headers=own | headers, timeout=30)
        self.browsers.append(client)
        return client

    def signed_in(self, account: Account, **headers: str) -> httpx.Client:
        """A browser in which the person is signed in."""
        with self.here.db.write() as session:
            secret, _ = sessions.begin(session, self.here, account.id, now=self.here.clock())
        client = self.browser(**headers)
        client.cookies.set(sessions.cookie_name(self.here.settings), secret)
        return client


Serve = Callable[..., Web]


@pytest.fixture
def serve(here: Installation) -> Iterator[Serve]:
    """Serves the app with more routes than it has: `serve([handler])`."""
    opened: list[Web] = []
    with ExitStack() as stack:

        def start(more: list[ControllerRouterHandler] | None = None) -> Web:
            app = build(here, more)
            opened.append(Web(here, app, stack.enter_context(serving(app, free_port()))))
            return opened[-1]

        yield start
        for web in opened:
            for client in web.browsers:
                client.close()


@pytest.fixture
def web(serve: Serve) -> Web:
    """The app as it is."""
    return serve()


def build(here: Installation, more: list[ControllerRouterHandler] | None = None) -> Litestar:
    """The app, not served."""
    return create_app(
        here,
        engine=EngineFacts.of(PlainEngine()),
        hub=Hub(),
        more_routes=[*reports.ROUTES, *(more or [])],
        templates=[reports.TEMPLATES],
    )


Build = Callable[..., Litestar]


@pytest.fixture
def build_app(here: Installation) -> Build:
    """Builds the app with more routes, without serving it."""
    return lambda more=None: build(here, more)
