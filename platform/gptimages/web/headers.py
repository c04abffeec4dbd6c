"""The security headers of every answer (OWASP ASVS 5.0 V3.4): nothing from elsewhere, nothing framed, nothing cached."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from gptimages.settings import Settings

HSTS_SECONDS = 63_072_000


def policy(settings: Settings) -> dict[str, str]:
    """The headers for these settings. Forms may lead to our own pages and to the identity provider, nowhere else."""
    issuer = urlsplit(settings.oidc_issuer)
    directives = {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": f"'self' {issuer.scheme}://{issuer.netloc}",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in directives.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings.secure:
        headers["strict-transport-security"] = f"max-age={HSTS_SECONDS}; includeSubDomains"
    return headers


def adder(settings: Settings) -> Callable[[Message, Scope], Coroutine[Any, Any, None]]:
    """A `before_send` hook that adds the headers; answers that say nothing of caching are not to be kept."""
    fixed = policy(settings)

    async def add(message: Message, _scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        for name, value in fixed.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        headers.setdefault("vary", "cookie")

    return add
