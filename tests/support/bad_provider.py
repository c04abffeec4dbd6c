"""An identity provider that can be told to misbehave in one way at a time; it sends browsers straight back, unasked."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from litestar import Litestar, Request, get, post
from litestar.response import Redirect, Response

from gptimages.settings import Settings

Change = dict[str, Any]


@dataclass
class BadProvider:
    """What it says; each field changes the right answer into another. None in a change takes a claim away."""

    settings: Settings
    key: RSAKey = field(default_factory=lambda: signing_key("first"))
    claims: Change = field(default_factory=dict)
    metadata: Change = field(default_factory=dict)
    callback: Change = field(default_factory=dict)
    tokens: Change = field(default_factory=dict)
    sign: Callable[[dict[str, Any], RSAKey], str] | None = None
    discovery_status: int = 200
    token_status: int = 200
    served_keys: list[dict[str, Any]] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    exchanges: list[dict[str, str]] = field(default_factory=list)
    key_fetches: int = 0
    discoveries: int = 0

    def discovery(self) -> dict[str, Any]:
        """The metadata."""
        issuer = self.settings.oidc_issuer
        right = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login"],
            "authorization_response_iss_parameter_supported": True,
        }
        return _changed(right, self.metadata)

    def id_token(self) -> str:
        """The ID token for the last browser that came."""
        now = int(time.time())
        right = {
            "iss": self.settings.oidc_issuer,
            "sub": "subject-of-the-test",
            "aud": self.settings.oidc_client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": self.asked[-1]["nonce"],
            "email": "rosa@people.example",
            "email_verified": True,
            "name": "Rosa Lindqvist",
        }
        claims = _changed(right, self.claims)
        return (self.sign or signed)(claims, self.key)

    def app(self) -> Litestar:
        """The app to serve."""

        @get("/.well-known/openid-configuration", sync_to_thread=False)
        def discovery() -> Response[Any]:
            self.discoveries += 1
            return Response(self.discovery(), status_code=self.discovery_status)

        @get("/jwks", sync_to_thread=False)
        def jwks() -> dict[str, Any]:
            self.key_fetches += 1
            return {"keys": self.served_keys if self.served_keys is not None else [self.key.as_dict(private=False)]}

        @get("/authorize", sync_to_thread=False)
        def authorize(request: Request[Any, Any, Any]) -> Redirect:
            self.asked.append(dict(request.query_params))
            right = {"code": "the-code", "state": self.asked[-1]["state"], "iss": self.settings.oidc_issuer}
            query = urlencode(_changed(right, self.callback))
            return Redirect(f"{self.asked[-1]['redirect_uri']}?{query}", status_code=303)

        @post("/token", status_code=200)
        async def token(request: Request[Any, Any, Any]) -> Response[Any]:
            self.exchanges.append({key: str(value) for key, value in (await request.form()).items()})
            right = {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.id_token()}
            return Response(_changed(right, self.tokens), status_code=self.token_status)

        return Litestar([discovery, jwks, authorize, token], openapi_config=None, logging_config=None)


def signed(claims: dict[str, Any], key: RSAKey) -> str:
    """RS256 under the provider's key, as it should be."""
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"])


def unsigned(claims: dict[str, Any], key: RSAKey) -> str:
    """`alg: none` and no signature."""
    parts = ({"alg": "none", "typ": "JWT", "kid": key.kid}, claims)
    return ".".join(_b64(json.dumps(part).encode()) for part in parts) + "."


def hmac_under_public_key(claims: dict[str, Any], key: RSAKey) -> str:
    """HS256 with the public key's PEM as its secret: the classic confusion of algorithms."""
    parts = ({"alg": "HS256", "typ": "JWT", "kid": key.kid}, claims)
    head = ".".join(_b64(json.dumps(part).encode()) for part in parts)
    return f"{head}.{_b64(hmac.digest(key.as_pem(private=False), head.encode(), 'sha256'))}"


def signed_by_another(claims: dict[str, Any], key: RSAKey) -> str:
    """RS256 under a key that only claims to be the provider's."""
    other = signing_key("another").as_dict(private=True) | {"kid": key.kid}
    return signed(claims, RSAKey.import_key(other))


def swapped(claims: dict[str, Any], key: RSAKey) -> str:
    """A good signature over other claims."""
    head, _, signature = signed(claims, key).split(".")
    return f"{head}.{_b64(json.dumps({**claims, 'sub': 'somebody-else'}).encode())}.{signature}"


@cache
def signing_key(kid: str) -> RSAKey:
    """A key of the provider; made once, because making one takes long."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": kid})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _changed(right: dict[str, Any], change: Change) -> dict[str, Any]:
    return {key: value for key, value in {**right, **change}.items() if value is not None}
