"""The first code that sees a request: who asks, and whether a browser was tricked into asking.

State-changing requests from browsers must come from our own pages: Sec-Fetch-Site, or the Origin where that is missing
(OWASP ASVS 5.0 V3.5.1); a request that vouches for itself with a token needs neither. No CSRF token is used: none could
be bound to the session better than the browser's own word. Tokens speak to the API alone, never to a page.
"""

from __future__ import annotations

from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec
from anyio import to_thread
from litestar.connection import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gptimages.accounts import sessions, tokens
from gptimages.errors import NotAllowed
from gptimages.installation import Installation
from gptimages.web.proxies import Proxies
from gptimages.web.visitor import NOBODY, Visitor

SAFE = ("GET", "HEAD", "OPTIONS")
BEARER = "Bearer "
API = "/api/"


class Doorkeeper:
    """ASGI middleware: puts a Visitor into the scope, and refuses forged state changes (NotAllowed)."""

    def __init__(self, app: ASGIApp, here: Installation) -> None:
        self.app = app
        self.here = here
        self.proxies = Proxies(here.settings.proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == ScopeType.HTTP:
            self.proxies.settle(scope)
            request: Request[Any, Any, Any] = Request(scope)
            scope["user"] = NOBODY  # assets need no visitor, so none is looked for
            if not request.url.path.startswith("/static/"):
                scope["user"] = await to_thread.run_sync(partial(_visitor, self.here, request))
            if request.headers.get("sec-gpc") == "1":
                scope["user"] = msgspec.structs.replace(scope["user"], signal=True)
            _refuse_forgery(request, scope["user"], self.here.settings.public_url)
        await self.app(scope, receive, send)


def _visitor(here: Installation, request: Request[Any, Any, Any]) -> Visitor:
    bearer = request.headers.get("authorization", "")
    if bearer.startswith(BEARER):
        speaks = request.url.path.startswith(API)
        return tokens.visitor(here, bearer.removeprefix(BEARER), here.clock()) if speaks else NOBODY
    secret = cookie(request, sessions.cookie_name(here.settings))
    return sessions.visitor(here, secret, here.clock()) if secret is not None else NOBODY


def cookie(request: Request[Any, Any, Any], name: str) -> str | None:
    """The value of a cookie, or None; a malformed header counts as none."""
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _refuse_forgery(request: Request[Any, Any, Any], visitor: Visitor, public_url: str) -> None:
    if request.method in SAFE or visitor.via == "token":
        return
    site = request.headers.get("sec-fetch-site")
    same = site in ("same-origin", "none") if site else request.headers.get("origin") == public_url.rstrip("/")
    if not same and request.url.path not in request.app.state.open_to_other_sites:
        raise NotAllowed("This request did not come from our own pages; open the page here and try again.")
