"""The account page: profile, how it looks, where one is signed in, API tokens, plan."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response, Stream
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_400_BAD_REQUEST

from gptimages.accounts import age, overview, people, sessions, tokens
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation
from gptimages.web.downloads import FileRequest, file_route, send
from gptimages.web.permissions import FETCHED, Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


class NameForm(msgspec.Struct, frozen=True):
    """What the name form sends."""

    name: str = ""

    def __repr__(self) -> str:
        return "<NameForm>"


class SchemeForm(msgspec.Struct, frozen=True):
    """What the form for light and dark sends."""

    scheme: str = ""


class TokenForm(msgspec.Struct, frozen=True):
    """What the token form sends; a single ticked box comes as one word."""

    label: str = ""
    scopes: list[str] | str = ""

    @property
    def chosen(self) -> list[str]:
        """The scopes that were ticked."""
        return self.scopes if isinstance(self.scopes, list) else [self.scopes] if self.scopes else []


@get("/account", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, include_in_schema=False)
def account(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The account page."""
    return _page(here, pages, visitor)


@post("/account/name", opt=needs(Permission.ACCOUNT_UPDATE), sync_to_thread=True, include_in_schema=False)
def rename(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    data: URLEncodedBody[NameForm],
) -> Response[Any]:
    """Corrects the display name."""
    try:
        with here.writing("deliver", visitor.id) as session:
            people.rename(session, here, visitor.id, data.name, here.clock())
    except InputError as error:
        return _page(here, pages, visitor, name_problem=str(error), typed_name=data.name, status=HTTP_400_BAD_REQUEST)
    return Redirect("/account", status_code=HTTP_303_SEE_OTHER)


@post("/account/scheme", opt=needs(Permission.ACCOUNT_UPDATE), sync_to_thread=True, include_in_schema=False)
def choose_scheme(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[SchemeForm]
) -> Redirect:
    """Light, dark, or as the system has it."""
    with here.writing("deliver", visitor.id) as session:
        people.choose_scheme(session, visitor.id, data.scheme)
    return Redirect("/account#scheme", status_code=HTTP_303_SEE_OTHER)


@file_route("/account/avatar", opt=needs(Permission.ACCOUNT_READ) | FETCHED, include_in_schema=False)
def avatar(request: FileRequest, here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Stream:
    """The person's own portrait."""
    with here.reading("deliver", visitor.id) as session:
        key = people.get(session, visitor.id).avatar
    missing = "There is no portrait."
    if key is None:
        raise NotFound(missing)
    return send(here, request, visitor.id, key, "image/png", missing=missing)


@post(
    "/account/sessions/{session_id:str}/end",
    opt=needs(Permission.SESSION_END),
    sync_to_thread=True,
    include_in_schema=False,
)
def end_session(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], session_id: FromPath[str]
) -> Redirect:
    """Signs one browser out."""
    with here.writing("deliver", visitor.id) as session:
        sessions.end(session, visitor.id, session_id, now=here.clock())
    return Redirect("/account#sessions", status_code=HTTP_303_SEE_OTHER)


@post("/account/sessions/end-others", opt=needs(Permission.SESSION_END), sync_to_thread=True, include_in_schema=False)
def end_others(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Signs every other browser out."""
    with here.writing("deliver", visitor.id) as session:
        sessions.end_all(session, visitor.id, now=here.clock(), keep=visitor.session_id)
    return Redirect("/account#sessions", status_code=HTTP_303_SEE_OTHER)


@post("/account/tokens", opt=needs(Permission.TOKEN_MANAGE, fresh=True), sync_to_thread=True, include_in_schema=False)
def create_token(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    data: URLEncodedBody[TokenForm],
) -> Response[Any]:
    """Makes a token and shows its secret, this once."""
    try:
        with here.writing("deliver", visitor.id) as session:
            secret, _ = tokens.create(session, here, visitor.id, data.label, data.chosen, now=here.clock())
    except InputError as error:
        return _page(here, pages, visitor, token_problem=str(error), status=HTTP_400_BAD_REQUEST)
    return _page(here, pages, visitor, secret=secret)


@post(
    "/account/tokens/{token_id:str}/end",
    opt=needs(Permission.TOKEN_MANAGE),
    sync_to_thread=True,
    include_in_schema=False,
)
def end_token(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], token_id: FromPath[str]
) -> Redirect:
    """Ends a token."""
    with here.writing("deliver", visitor.id) as session:
        tokens.end(session, visitor.id, token_id, now=here.clock())
    return Redirect("/account#tokens", status_code=HTTP_303_SEE_OTHER)


def _page(
    here: Installation, pages: Renderer, visitor: Visitor, *, status: int = HTTP_200_OK, **shown: str
) -> Response[Any]:
    now = here.clock()
    with here.reading("deliver", visitor.id) as session:
        me = overview.profile(session, here, visitor.id, now)
        found = overview.sessions(session, here, visitor.id, now)
        keys = overview.tokens(session, visitor.id, now)
    with here.reading("integrity", visitor.id) as session:
        signed_in = overview.on_devices(session, here, found, visitor.session_id)
    nothing = {"name_problem": "", "typed_name": me.name, "token_problem": "", "secret": ""}
    return pages.page(
        "accounts/account.html",
        visitor,
        status=status,
        me=me,
        country=age.countries().get(me.country, me.country),
        sessions=signed_in,
        tokens=keys,
        scopes=tokens.SCOPES,
        token_life=here.policies.limits.api_token.words,
        name_limit=here.policies.limits.name_characters.value,
        token_name_limit=here.policies.limits.token_name_characters.value,
        roles=here.policies.roles,
        **{**nothing, **shown},
    )


ROUTES = [
    account,
    rename,
    choose_scheme,
    avatar,
    end_session,
    end_others,
    create_token,
    end_token,
]
