"""The JSON API of accounts: who one is here, where one is signed in, and the keys for programs."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED
from litestar.types import ControllerRouterHandler

from gptimages.accounts import overview, people, sessions, tokens
from gptimages.accounts.overview import Profile, SessionView, TokenView
from gptimages.installation import Installation
from gptimages.web.permissions import Permission, needs
from gptimages.web.visitor import Visitor

TAG = "Account"


class ProfileChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be corrected in a profile; mail address and portrait come from the identity provider."""

    name: str


class TokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made: a name for it, and what it may do (`images`, `privacy`, `staff`)."""

    label: str
    scopes: list[str]


class NewToken(msgspec.Struct, frozen=True):
    """A token that was made. `secret` is shown in this answer alone and stored nowhere."""

    secret: str
    token: TokenView


@get("/api/v1/me", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, tags=[TAG])
def me(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Profile:
    """Your profile, plan, and the pictures made this month."""
    with here.reading("deliver", visitor.id) as session:
        return overview.profile(session, here, visitor.id, here.clock())


@patch("/api/v1/me", opt=needs(Permission.ACCOUNT_UPDATE), sync_to_thread=True, tags=[TAG])
def change_me(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[ProfileChange]
) -> Profile:
    """Corrects your display name (GDPR art. 16)."""
    with here.writing("deliver", visitor.id) as session:
        people.rename(session, here, visitor.id, data.name, here.clock())
        return overview.profile(session, here, visitor.id, here.clock())


@get("/api/v1/sessions", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, tags=[TAG])
def list_sessions(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[SessionView]:
    """Where you are signed in; `here` is the browser that asks."""
    with here.reading("deliver", visitor.id) as session:
        found = overview.sessions(session, here, visitor.id, here.clock())
    with here.reading("integrity", visitor.id) as session:
        return overview.on_devices(session, here, found, visitor.session_id)


@delete("/api/v1/sessions/{session_id:str}", opt=needs(Permission.SESSION_END), sync_to_thread=True, tags=[TAG])
def end_session(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], session_id: FromPath[str]
) -> None:
    """Signs one browser out, for good."""
    with here.writing("deliver", visitor.id) as session:
        sessions.end(session, visitor.id, session_id, now=here.clock())


@get("/api/v1/tokens", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, tags=[TAG])
def list_tokens(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[TokenView]:
    """Your tokens, without their secrets."""
    with here.reading("deliver", visitor.id) as session:
        return overview.tokens(session, visitor.id, here.clock())


@post(
    "/api/v1/tokens",
    opt=needs(Permission.TOKEN_MANAGE, fresh=True),
    sync_to_thread=True,
    status_code=HTTP_201_CREATED,
    tags=[TAG],
)
def create_token(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[TokenWish]
) -> NewToken:
    """Makes a token. Only a signed-in browser may: no token makes another."""
    with here.writing("deliver", visitor.id) as session:
        secret, row = tokens.create(session, here, visitor.id, data.label, data.scopes, now=here.clock())
    return NewToken(secret, overview.token(row))


@delete("/api/v1/tokens/{token_id:str}", opt=needs(Permission.SESSION_END), sync_to_thread=True, tags=[TAG])
def end_token(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], token_id: FromPath[str]) -> None:
    """Ends a token at once."""
    with here.writing("deliver", visitor.id) as session:
        tokens.end(session, visitor.id, token_id, now=here.clock())


API: list[ControllerRouterHandler] = [
    me,
    change_me,
    list_sessions,
    end_session,
    list_tokens,
    create_token,
    end_token,
]
