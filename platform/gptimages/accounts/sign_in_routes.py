"""Signing in and out: the page with its two ways, the way to the provider, the way back, and leaving.

The age question is answered in the POST that begins a sign-up, before anything is stored; what was typed stands in no
address, row, cookie or log. Every failure is one sentence on a page, with its cause as a word in the log. Who arrives is looked
up for `law`: who asked that their data be only stored still comes in, to what they ask for under the law.
"""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from litestar import get, post
from litestar.connection import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_400_BAD_REQUEST, HTTP_503_SERVICE_UNAVAILABLE

from gptimages.accounts import age, attempts, avatar, devices, oidc, sessions, signing_in
from gptimages.accounts.errors import ProviderUnavailable, SignInOver, SignInRefused
from gptimages.accounts.models import SignInAttempt
from gptimages.accounts.provider import Provider
from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.web.doorkeeper import cookie
from gptimages.web.permissions import PUBLIC
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

log = structlog.get_logger()

PROVIDER = "identity_provider"
ACTOR = "sign-in"


class SignInForm(msgspec.Struct, frozen=True):
    """What the page sends: the way (`known`, `new`), where to go afterwards, and for the new the age question."""

    way: str = "known"
    next: str = ""
    again: str = ""
    country: str = ""
    day: str = ""
    month: str = ""
    year: str = ""

    def __repr__(self) -> str:
        return "<SignInForm>"

    @property
    def birth(self) -> age.Birth:
        """The answer to the age question."""
        return age.Birth(self.country, self.day, self.month, self.year)


def provider_of(request: Request[Any, Any, Any], here: Installation) -> Provider:
    """The app's one Provider, which keeps the provider's metadata and keys."""
    found: Provider = request.app.state.setdefault(PROVIDER, Provider(here.settings))
    return found


@get("/sign-in", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def sign_in(
    request: Request[Any, Any, Any], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The page with the two ways in; who is signed in already goes on, unless a fresh sign-in is asked for."""
    asked = request.query_params
    target = signing_in.local_path(asked.get("next"))
    again = asked.get("again") == "1" and visitor.signed_in
    if visitor.signed_in and not again:
        return Redirect(target, status_code=HTTP_303_SEE_OTHER)
    return _page(pages, visitor, SignInForm(next=target, again="1" if again else ""), unknown="unknown" in asked)


@post("/sign-in", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def begin(
    request: Request[Any, Any, Any],
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    data: URLEncodedBody[SignInForm],
) -> Response[Any]:
    """Sends the browser to the provider; who is new answers the age question first, and who is younger goes no further."""
    country, minimum_age = "", None
    if data.way == "new":
        try:
            minimum_age = age.admitted(here.policies, data.birth, here.clock().date())
        except InputError as error:
            return _page(pages, visitor, data, problem=str(error), status=HTTP_400_BAD_REQUEST)
        if minimum_age is None:
            return pages.page("accounts/not_yet.html", visitor, status=HTTP_200_OK)
        country = data.country
    provider = provider_of(request, here)
    try:
        provider.metadata()
        return _sent_off(here, provider, data, country, minimum_age, fresh=data.again == "1" and visitor.signed_in)
    except ProviderUnavailable as error:
        return _refused(pages, visitor, error)


def _sent_off(
    here: Installation, provider: Provider, data: SignInForm, country: str, minimum_age: int | None, *, fresh: bool
) -> Redirect:
    with here.writing("deliver", ACTOR) as session:
        secret, attempt = attempts.begin(
            session,
            here,
            next_path=signing_in.local_path(data.next),
            country=country,
            minimum_age=minimum_age,
            fresh=fresh,
            now=here.clock(),
        )
    way = oidc.way(provider, attempt)
    seconds = int(here.policies.limits.sign_in_attempt.span.total_seconds())
    mark = _cookie(here, attempts.cookie_name(here.settings), secret, seconds)
    return Redirect(way, status_code=HTTP_303_SEE_OTHER, cookies=[mark])


@get("/sign-in/callback", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def callback(
    request: Request[Any, Any, Any],
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
) -> Response[Any]:
    """Where the provider sends people back to: the attempt is used up, the answer checked, and a session begun."""
    now = here.clock()
    provider = provider_of(request, here)
    try:
        attempt = _attempt(request, here)
        claims = oidc.redeem(provider, attempt, _answer(request), now)
    except (SignInRefused, ProviderUnavailable) as error:
        return _refused(pages, visitor, error)
    replaces = (visitor.id, visitor.session_id) if visitor.session_id else None
    with here.writing("law", ACTOR) as session:
        arrived = signing_in.arrive(session, here, claims, attempt, replaces=replaces, now=now)
    if arrived is None:
        return _asked_first(here, attempt)
    device = devices.Device(request.client.host if request.client else None, request.headers.get("user-agent"))
    with here.writing("integrity", arrived.account_id) as session:
        devices.record(session, here, arrived.account_id, arrived.session_id, device, now=now)
    if arrived.new and claims.picture:
        avatar.adopt(here, arrived.account_id, claims.picture, now)
    return _let_in(here, attempt, arrived)


def _answer(request: Request[Any, Any, Any]) -> oidc.Answer:
    query = request.query_params
    return oidc.Answer(query.get("code"), query.get("state"), query.get("iss"), query.get("error"))


def _attempt(request: Request[Any, Any, Any], here: Installation) -> SignInAttempt:
    secret = cookie(request, attempts.cookie_name(here.settings))
    if secret is None:
        raise SignInOver
    with here.writing("deliver", ACTOR) as session:
        found = attempts.take(session, secret, here.clock())
    if found is None:
        raise SignInOver
    return found


def _asked_first(here: Installation, attempt: SignInAttempt) -> Redirect:
    """Back to the page, which says that there is no account yet and asks the age question; nothing was kept."""
    gone = _cookie(here, attempts.cookie_name(here.settings), "", 0)
    return Redirect(
        "/sign-in",
        status_code=HTTP_303_SEE_OTHER,
        query_params={"unknown": "1", "next": attempt.next_path},
        cookies=[gone],
    )


def _let_in(here: Installation, attempt: SignInAttempt, arrived: signing_in.Arrived) -> Redirect:
    seconds = int(here.policies.limits.session_absolute.span.total_seconds())
    kept = _cookie(here, sessions.cookie_name(here.settings), arrived.secret, seconds)
    gone = _cookie(here, attempts.cookie_name(here.settings), "", 0)
    return Redirect(attempt.next_path, status_code=HTTP_303_SEE_OTHER, cookies=[kept, gone])


def _refused(pages: Renderer, visitor: Visitor, error: SignInRefused | ProviderUnavailable) -> Response[Any]:
    log.warning("sign-in refused", why=error.why)
    status = HTTP_400_BAD_REQUEST if isinstance(error, SignInRefused) else HTTP_503_SERVICE_UNAVAILABLE
    return pages.page("accounts/refused.html", visitor, status=status, sentence=str(error))


@post("/sign-out", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def sign_out(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Response[Any]:
    """Ends the session for good; a cookie that is still sent afterwards opens nothing."""
    if visitor.session_id is not None:
        with here.writing("law", visitor.id) as session:
            sessions.end(session, visitor.id, visitor.session_id, now=here.clock())
    gone = _cookie(here, sessions.cookie_name(here.settings), "", 0)
    return Redirect("/", status_code=HTTP_303_SEE_OTHER, cookies=[gone])


def _cookie(here: Installation, name: str, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=name, value=value, max_age=seconds, path="/", httponly=True, secure=here.settings.secure, samesite="lax"
    )


def _page(
    pages: Renderer,
    visitor: Visitor,
    form: SignInForm,
    *,
    unknown: bool = False,
    problem: str = "",
    status: int = HTTP_200_OK,
) -> Response[Any]:
    return pages.page(
        "accounts/sign_in.html",
        visitor,
        status=status,
        form=form,
        unknown=unknown,
        problem=problem,
        countries=age.countries(),
    )


ROUTES = [sign_in, begin, callback, sign_out]
