"""OpenID Connect, code flow: the way to the provider, and what to make of its answer.

PKCE is always S256 (RFC 7636); state, nonce and the issuer of the answer (RFC 9207) are checked; an answer without an ID
token is none. Neighbours: attempts (what we sent), provider (metadata, keys), id_token (claims).
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

import httpx2
import msgspec
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]

from gptimages.accounts import id_token, outside
from gptimages.accounts.errors import SignInRefused
from gptimages.accounts.models import SignInAttempt
from gptimages.accounts.provider import Provider

SCOPE = "openid email profile"
CANCELLED = "You stopped at {name}, so nobody was signed in."


class Answer(msgspec.Struct, frozen=True):
    """The parameters with which the provider sends a browser back."""

    code: str | None = None
    state: str | None = None
    iss: str | None = None
    error: str | None = None


def way(provider: Provider, attempt: SignInAttempt) -> str:
    """The address at the provider that the browser is sent to. Raises ProviderUnavailable."""
    more = _asking(provider.metadata().prompts, fresh=attempt.fresh)
    with _client(provider) as client:
        address, _ = client.create_authorization_url(
            provider.metadata().authorization_endpoint,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
            **more,
        )
    return str(address)


def redeem(provider: Provider, attempt: SignInAttempt, answer: Answer, now: datetime) -> id_token.Claims:
    """Who came back. Raises SignInRefused, or ProviderUnavailable when the provider does not answer us."""
    code = _checked(provider, attempt, answer)
    tokens = _exchanged(provider, attempt, code)
    token, access = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(token, str):
        raise _misfit(provider, "no-id-token")
    client_id = provider.settings.oidc_client_id
    assert client_id is not None  # noqa: S101 - the settings were checked
    expected = id_token.Expected(
        client_id=client_id,
        nonce=attempt.nonce,
        since=attempt.created_at,
        now=now,
        access_token=access if isinstance(access, str) else None,
        fresh=attempt.fresh,
    )
    return id_token.read(token, provider, expected)


def _asking(prompts: frozenset[str], *, fresh: bool) -> dict[str, str | int]:
    """How the provider is to ask the person: which account; and when it has to be `fresh`, by authenticating anew.

    Google knows no `login` and no `max_age`: there the person chooses the account once more, and Google's own session
    vouches for them.
    """
    wanted = ("login", "select_account") if fresh else ("select_account",)
    prompt = next((value for value in wanted if value in prompts), None)
    return ({"prompt": prompt} if prompt else {}) | ({"max_age": 0} if fresh else {})


def _checked(provider: Provider, attempt: SignInAttempt, answer: Answer) -> str:
    """The code of an answer that came from this provider to this sign-in."""
    if not hmac.compare_digest((answer.state or "").encode(), attempt.state.encode()):
        raise _misfit(provider, "state")
    promised = provider.metadata().authorization_response_iss_parameter_supported
    if (promised or answer.iss is not None) and answer.iss != provider.settings.oidc_issuer:
        raise _misfit(provider, "callback-iss")
    if answer.error is not None:
        raise SignInRefused(CANCELLED.format(name=provider.name), why="cancelled")
    if not answer.code:
        raise _misfit(provider, "no-code")
    return answer.code


def _exchanged(provider: Provider, attempt: SignInAttempt, code: str) -> dict[str, Any]:
    try:
        with _client(provider) as client:
            tokens: dict[str, Any] = client.fetch_token(
                provider.metadata().token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
            )
    except httpx2.HTTPError as error:
        raise provider.unavailable(type(error).__name__) from None
    except (AuthlibBaseError, ValueError) as error:
        raise _misfit(provider, type(error).__name__) from None
    return tokens


def _client(provider: Provider) -> Any:
    settings = provider.settings
    return OAuth2Client(
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        token_endpoint_auth_method=provider.metadata().client_authentication,
        scope=SCOPE,
        redirect_uri=settings.redirect_uri,
        code_challenge_method="S256",
        transport=outside.BoundedTransport(),
        timeout=outside.WAIT_SECONDS,
        follow_redirects=False,
        trust_env=False,
    )


def _misfit(provider: Provider, why: str) -> SignInRefused:
    return SignInRefused(id_token.MISFIT.format(name=provider.name), why=why)
