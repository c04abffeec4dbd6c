"""The demo provider as an app: OpenID Connect Core 1.0 (code flow), Discovery 1.0, RFC 7636 and RFC 9207.

A real provider in what it checks; what makes it a demo is that it asks for no password. It knows one client.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import unquote, urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import RSAKey
from litestar import Litestar, Request, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response

from gptimages_demo import page
from gptimages_demo.config import Config
from gptimages_demo.errors import DemoRefused
from gptimages_demo.grants import TOKEN_SECONDS, Grant, Grants, Subject
from gptimages_demo.people import DEMO_PEOPLE
from gptimages_demo.portraits import portrait

KEY_BITS = 2048
ID_TOKEN_SECONDS = 300
NO_STORE = {"cache-control": "no-store"}


class Asked(msgspec.Struct, frozen=True):
    """An authorization request, and in the form the choice that was made."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    scope: str = ""
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    prompt: str = ""
    max_age: str = ""
    who: str = ""
    name: str = ""
    email: str = ""


class Exchange(msgspec.Struct, frozen=True):
    """A token request."""

    grant_type: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    client_id: str = ""
    client_secret: str = ""


class DemoProvider:
    """The provider: its key, made at start, and what it has given out. Raises DemoRefused outside demo mode."""

    def __init__(self, config: Config) -> None:
        if not config.demo:
            raise DemoRefused("The demo provider runs in demo mode alone: set GPTIMAGES_DEMO=true.")
        self.config = config
        self.key = RSAKey.generate_key(KEY_BITS, {"use": "sig", "alg": "RS256"})
        self.key.ensure_kid()
        self.grants = Grants()

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        issuer = self.config.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "claims_supported": ["sub", "name", "email", "email_verified", "picture", "auth_time"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "authorization_response_iss_parameter_supported": True,
        }

    def fault(self, asked: Asked) -> str | None:
        """The error code of RFC 6749 section 4.1.2.1 for a request that cannot be served, or None."""
        if asked.response_type != "code":
            return "unsupported_response_type"
        if "openid" not in asked.scope.split():
            return "invalid_scope"
        if asked.code_challenge_method != "S256" or not asked.code_challenge:
            return "invalid_request"
        return "login_required" if asked.prompt == "none" else None

    def back(self, asked: Asked, **answer: str) -> Redirect:
        """Sends the browser back to the client with an answer, the state and the issuer."""
        query = urlencode({**answer, "state": asked.state, "iss": self.config.issuer})
        return Redirect(f"{asked.redirect_uri}?{query}", status_code=303, headers=NO_STORE)

    def grant(self, asked: Asked, who: Subject) -> Redirect:
        """Sends the browser back with a code for this person."""
        made = Grant(who, asked.redirect_uri, asked.code_challenge, asked.nonce or None, int(time.time()))
        return self.back(asked, code=self.grants.code_for(made))

    def claims(self, who: Subject) -> dict[str, Any]:
        """What the provider says of a person."""
        return {
            "sub": who.subject,
            "name": who.name,
            "email": who.email,
            "email_verified": True,
            "picture": f"{self.config.issuer}/portraits/{who.subject}.png",
        }

    def tokens(self, grant: Grant) -> dict[str, Any]:
        """The token response for a grant."""
        now, access = int(time.time()), self.grants.token_for(grant.who)
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            **self.claims(grant.who),
            "iss": self.config.issuer,
            "aud": self.config.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": grant.signed_in_at,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **({"nonce": grant.nonce} if grant.nonce else {}),
        }
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key, algorithms=["RS256"])
        return {"access_token": access, "token_type": "Bearer", "expires_in": int(TOKEN_SECONDS), "id_token": token}

    def knows_client(self, request: Request[Any, Any, Any], sent: Exchange) -> bool:
        """Whether the client proved to be ours, by HTTP Basic or in the body (RFC 6749 section 2.3.1)."""
        name, secret = _basic(request.headers.get("authorization", "")) or (sent.client_id, sent.client_secret)
        mine = f"{self.config.client_id}:{self.config.client_secret}"
        return hmac.compare_digest(f"{name}:{secret}".encode(), mine.encode())


def create_app(config: Config) -> Litestar:
    """The provider's app. Raises DemoRefused outside demo mode."""
    provider = DemoProvider(config)

    @get("/.well-known/openid-configuration", sync_to_thread=False)
    def discovery() -> dict[str, Any]:
        return provider.metadata()

    @get("/jwks", sync_to_thread=False)
    def jwks() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    @get("/authorize", sync_to_thread=False)
    def authorize(request: Request[Any, Any, Any]) -> Response[Any]:
        return _authorize(provider, msgspec.convert(dict(request.query_params), Asked))

    @post("/authorize", sync_to_thread=False)
    def chosen(data: URLEncodedBody[Asked]) -> Response[Any]:
        return _chosen(provider, data)

    @post("/token", sync_to_thread=True, status_code=200)
    def token(request: Request[Any, Any, Any], data: URLEncodedBody[Exchange]) -> Response[dict[str, Any]]:
        return _token(provider, request, data)

    @get("/userinfo", sync_to_thread=False)
    def userinfo(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        who = provider.grants.bearer(request.headers.get("authorization", "").removeprefix("Bearer "))
        if who is None:
            return Response({"error": "invalid_token"}, status_code=401, headers={"www-authenticate": "Bearer"})
        return Response(provider.claims(who), headers=NO_STORE)

    return Litestar(
        [discovery, jwks, authorize, chosen, token, userinfo, style, picture],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=10_000,
    )


@get("/style.css", sync_to_thread=False)
def style() -> Response[str]:
    """The page's style sheet."""
    return Response(page.STYLE.read_text("utf-8"), media_type=MediaType.CSS)


@get("/portraits/{name:str}", sync_to_thread=True)
def picture(name: FromPath[str]) -> Response[bytes]:
    """The portrait of a subject."""
    return Response(portrait(name.removesuffix(".png")), media_type="image/png")


def _authorize(provider: DemoProvider, asked: Asked) -> Response[Any]:
    wrong = _unknown_client(provider, asked)
    if wrong is not None:
        return wrong
    fault = provider.fault(asked)
    if fault is not None:
        return provider.back(asked, error=fault)
    return page.choose({k: v for k, v in msgspec.to_builtins(asked).items() if v}, asked.redirect_uri)


def _chosen(provider: DemoProvider, asked: Asked) -> Response[Any]:
    wrong = _unknown_client(provider, asked)
    if wrong is not None:
        return wrong
    fault = provider.fault(asked)
    if fault is not None:
        return provider.back(asked, error=fault)
    who = _who(asked)
    return provider.back(asked, error="access_denied") if who is None else provider.grant(asked, who)


def _unknown_client(provider: DemoProvider, asked: Asked) -> Response[Any] | None:
    """A page instead of a redirect for a client or an address that is not ours (RFC 6749 section 4.1.2.1)."""
    if (asked.client_id, asked.redirect_uri) == (provider.config.client_id, provider.config.redirect_uri):
        return None
    return page.sorry("This provider serves GPT Images on this machine alone; the request came from another client.")


def _who(asked: Asked) -> Subject | None:
    if asked.who == "new":
        word = secrets.token_hex(4)
        return Subject(f"new-{word}", "Somebody New", f"new-{word}@example.org")
    if asked.who == "typed" and "@" in asked.email and asked.name.strip():
        email = asked.email.strip()
        return Subject(f"typed-{hashlib.sha256(email.lower().encode()).hexdigest()[:16]}", asked.name.strip(), email)
    person = next((person for person in DEMO_PEOPLE if person.subject == asked.who), None)
    return Subject(person.subject, person.name, person.email) if person else None


def _token(provider: DemoProvider, request: Request[Any, Any, Any], sent: Exchange) -> Response[dict[str, Any]]:
    if not provider.knows_client(request, sent):
        return Response({"error": "invalid_client"}, status_code=401, headers={"www-authenticate": "Basic"})
    if sent.grant_type != "authorization_code":
        return Response({"error": "unsupported_grant_type"}, status_code=400)
    grant = provider.grants.redeem(sent.code, redirect_uri=sent.redirect_uri, verifier=sent.code_verifier)
    if grant is None:
        return Response({"error": "invalid_grant"}, status_code=400, headers=NO_STORE)
    return Response(provider.tokens(grant), headers=NO_STORE)


def _basic(header: str) -> tuple[str, str] | None:
    if not header.startswith("Basic "):
        return None
    try:
        name, _, secret = base64.b64decode(header.removeprefix("Basic "), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)
