"""What a person reads when something is wrong: a page, or for programs a problem document (RFC 9457).

Known errors that have a status carry their own sentence. All others are logged by their class and place alone, and told
as our fault.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import structlog
from litestar.connection import Request
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response
from litestar.status_codes import (
    HTTP_303_SEE_OTHER,
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from datasteward.errors import (
    AccessRefused,
    HoldError,
    HoldInTheWay,
    KeyMissing,
    ObjectMissing,
    PlanError,
    PurposeError,
    RequestStateError,
    StewardError,
    UploadEnded,
)
from gptimages.errors import (
    AccountClosing,
    Conflict,
    GptImagesError,
    InputError,
    LimitReached,
    NotAllowed,
    NotFound,
    SignInNeeded,
)
from gptimages.studio.engine import EngineUnavailable
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import NOBODY

log = structlog.get_logger()

STATUS: dict[type[Exception], int] = {
    LimitReached: HTTP_429_TOO_MANY_REQUESTS,
    InputError: HTTP_400_BAD_REQUEST,
    SignInNeeded: HTTP_401_UNAUTHORIZED,
    NotAllowed: HTTP_403_FORBIDDEN,
    NotFound: HTTP_404_NOT_FOUND,
    ObjectMissing: HTTP_404_NOT_FOUND,
    KeyMissing: HTTP_404_NOT_FOUND,
    Conflict: HTTP_409_CONFLICT,
    HoldInTheWay: HTTP_409_CONFLICT,
    RequestStateError: HTTP_409_CONFLICT,
    AccessRefused: HTTP_409_CONFLICT,
    UploadEnded: HTTP_409_CONFLICT,
    HoldError: HTTP_409_CONFLICT,
    PurposeError: HTTP_400_BAD_REQUEST,
    PlanError: HTTP_409_CONFLICT,
    EngineUnavailable: HTTP_503_SERVICE_UNAVAILABLE,
}
TITLES = {
    HTTP_400_BAD_REQUEST: "That cannot be taken as it is",
    HTTP_401_UNAUTHORIZED: "Sign in to go on",
    HTTP_403_FORBIDDEN: "This is not open to you",
    HTTP_404_NOT_FOUND: "There is nothing here",
    HTTP_409_CONFLICT: "Not in this state",
    HTTP_413_REQUEST_ENTITY_TOO_LARGE: "That is too large",
    HTTP_429_TOO_MANY_REQUESTS: "One moment",
    HTTP_503_SERVICE_UNAVAILABLE: "The engine does not answer",
}
GENERIC = {
    HTTP_404_NOT_FOUND: "There is nothing at this address, or it is not yours to see.",
    HTTP_413_REQUEST_ENTITY_TOO_LARGE: "What you sent is too large; choose a smaller file and try again.",
    HTTP_400_BAD_REQUEST: "A field is missing or cannot be read; check what you sent and try again.",
}
OURS = "Something broke on our side; nothing of yours is lost. Try again, and tell us if it stays."

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def handlers(renderer: Renderer) -> dict[int | type[Exception], Any]:
    """The exception handlers of the app."""

    def known(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if isinstance(error, SignInNeeded) and _wants_page(request) and request.method == "GET":
            again = "&again=1" if error.fresh else ""
            return Redirect(f"/sign-in?next={request.url.path}{again}", status_code=HTTP_303_SEE_OTHER)
        if isinstance(error, AccountClosing) and _wants_page(request) and request.method == "GET":
            return Redirect("/privacy/erase", status_code=HTTP_303_SEE_OTHER)
        if status_of(error) == HTTP_500_INTERNAL_SERVER_ERROR:  # about our keys, our store: for us, not for visitors
            return unknown(request, error)
        answer = _answer(renderer, request, status_of(error), str(error))
        if isinstance(error, LimitReached) and error.retry_after is not None:
            answer.headers["retry-after"] = str(error.retry_after)
        return answer

    def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        if error.status_code >= HTTP_500_INTERNAL_SERVER_ERROR:
            return unknown(request, error)
        return _answer(renderer, request, error.status_code, GENERIC.get(error.status_code, error.detail))

    def unknown(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        log.error("request failed", **describe(error), route=_route(request))
        return _answer(renderer, request, HTTP_500_INTERNAL_SERVER_ERROR, OURS)

    return {GptImagesError: known, StewardError: known, HTTPException: http, Exception: unknown}


def status_of(error: Exception) -> int:
    """The HTTP status of one of our errors: that of the nearest class that STATUS names."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTP_500_INTERNAL_SERVER_ERROR)


def describe(error: BaseException) -> dict[str, Any]:
    """What may be logged of any error: its class and the places it came through, never its text or values."""
    places = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}:{f.name}" for f in traceback.extract_tb(error.__traceback__)]
    return {"error": type(error).__name__, "places": places[-8:]}


def _answer(renderer: Renderer, request: Request[Any, Any, Any], status: int, sentence: str) -> Response[Any]:
    title = TITLES.get(
        status, "Something broke on our side" if status >= HTTP_500_INTERNAL_SERVER_ERROR else "That did not work"
    )
    if _wants_page(request):
        visitor = request.scope.get("user") or NOBODY
        return renderer.page("error.html", visitor, status=status, title=title, sentence=sentence)
    body = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
    return Response(body, status_code=status, media_type="application/problem+json")


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/v1/"))


def _route(request: Request[Any, Any, Any]) -> str:
    handler = request.scope.get("route_handler")
    return str(handler) if handler else "none"
