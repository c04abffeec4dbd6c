"""Reading an ID token: signature, then every claim that OpenID Connect Core 1.0 section 3.1.3.7 wants checked.

The algorithm is RS256 whatever the token's header says, so neither `none` nor an HMAC under the public key passes. An
audience beside us is not trusted. Each refusal has a word for the log; the person reads one sentence.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gptimages.accounts.errors import SignInRefused
from gptimages.accounts.provider import Provider

ALGORITHM = "RS256"
LEEWAY = timedelta(seconds=60)  # how far two well-kept clocks may be apart
LONGEST = 255
MISFIT = "The answer from {name} does not belong to this sign-in, so nobody was signed in: begin once more."
UNVERIFIED = "Your mail address is not verified at {name}: verify it there, then sign in here once more."
NO_MAIL = (
    "We did not get your mail address from {name}, and an account needs one: allow it there, then sign in once more."
)


class Expected(msgspec.Struct, frozen=True):
    """What the token has to fit: our client id, the nonce we sent, when we sent it, what came with the token, and now."""

    client_id: str
    nonce: str
    since: datetime
    now: datetime
    access_token: str | None = None
    fresh: bool = False


class Claims(msgspec.Struct, frozen=True):
    """Who the provider says it is. The identity is (issuer, subject); the rest is profile. `picture` is an address."""

    issuer: str
    subject: str
    email: str
    name: str
    picture: str | None

    def __repr__(self) -> str:
        return "<Claims>"


def read(token: str, provider: Provider, expected: Expected) -> Claims:
    """The claims of a token that holds. Raises SignInRefused, or ProviderUnavailable when its keys cannot be had."""
    try:
        claims = _verified(token, provider)
        _check(claims, provider.settings.oidc_issuer, expected)
    except _Misfit as misfit:
        raise SignInRefused(MISFIT.format(name=provider.name), why=misfit.why) from None
    return _profile(claims, provider.name)


class _Misfit(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _verified(token: str, provider: Provider) -> dict[str, Any]:
    keys: KeySet = provider.keys(_key_id(token))
    if not keys:
        raise _Misfit("no-keys")
    try:
        return jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError) as error:
        raise _Misfit(type(error).__name__) from None


def _key_id(token: str) -> str | None:
    head = token.split(".", 1)[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), type=dict[str, Any])
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise _Misfit("header") from None
    found = header.get("kid")
    if header.get("alg") != ALGORITHM or not (found is None or isinstance(found, str)):
        raise _Misfit("algorithm")
    return found


def _check(claims: dict[str, Any], issuer: str, expected: Expected) -> None:
    now, since = expected.now.timestamp(), expected.since.timestamp()
    leeway = LEEWAY.total_seconds()
    holds = {
        "iss": claims.get("iss") == issuer,
        "aud": claims.get("aud") in (expected.client_id, [expected.client_id]),
        "azp": claims.get("azp", expected.client_id) == expected.client_id,
        "exp": _number(claims, "exp") > now - leeway,
        "iat": since - leeway <= _number(claims, "iat") <= now + leeway,
        "nbf": _number(claims, "nbf", now) <= now + leeway,
        "nonce": hmac.compare_digest(str(claims.get("nonce", "")).encode(), expected.nonce.encode()),
        "auth_time": not expected.fresh or _number(claims, "auth_time", since) >= since - leeway,
        "at_hash": _at_hash_fits(claims.get("at_hash"), expected.access_token),
        "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= LONGEST,
    }
    for claim, fits in holds.items():
        if not fits:
            raise _Misfit(claim)


def _number(claims: dict[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Misfit(name)
    return float(value)


def _at_hash_fits(claimed: object, access_token: str | None) -> bool:
    """OpenID Connect Core 1.0 section 3.1.3.6; the claim is optional in the code flow."""
    if claimed is None:
        return True
    half = hashlib.sha256((access_token or "").encode()).digest()[:16]
    return hmac.compare_digest(str(claimed).encode(), base64.urlsafe_b64encode(half).rstrip(b"="))


def _profile(claims: dict[str, Any], provider: str) -> Claims:
    email, name, picture = claims.get("email"), claims.get("name"), claims.get("picture")
    if not isinstance(email, str) or "@" not in email or len(email) > LONGEST:
        raise SignInRefused(NO_MAIL.format(name=provider), why="email")
    if claims.get("email_verified") is not True:
        raise SignInRefused(UNVERIFIED.format(name=provider), why="email_verified")
    return Claims(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email,
        name=name if isinstance(name, str) else "",
        picture=picture if isinstance(picture, str) else None,
    )
