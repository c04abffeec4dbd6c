"""Sign-ins under way: random values that the provider's answer must match, found by a cookie's hash, used once.

Those that nobody finishes go with retention.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gptimages.accounts.models import SignInAttempt
from gptimages.accounts.secrets import hash_of, new_secret
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.settings import Settings

VERIFIER_BYTES = 64  # 86 characters of the 43 to 128 that RFC 7636 section 4.1 allows


def cookie_name(settings: Settings) -> str:
    """See sessions.cookie_name."""
    return "__Host-sign-in" if settings.secure else "sign-in"


def begin(
    session: Session,
    here: Installation,
    *,
    next_path: str,
    country: str = "",
    minimum_age: int | None = None,
    fresh: bool = False,
    now: datetime,
) -> tuple[str, SignInAttempt]:
    """Writes an attempt down and returns the secret for its cookie. `minimum_age` None: the age was not asked for."""
    secret = new_secret()
    attempt = SignInAttempt(
        id=new_id(),
        secret_hash=hash_of(secret),
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(VERIFIER_BYTES),
        next_path=next_path,
        country=country,
        minimum_age=minimum_age,
        fresh=fresh,
        created_at=now,
        expires_at=now + here.policies.limits.sign_in_attempt.span,
    )
    session.add(attempt)
    return secret, attempt


def take(session: Session, secret: str, now: datetime) -> SignInAttempt | None:
    """The attempt behind a cookie, taken away with this: nobody gets it twice. None when unknown, used or too old."""
    found = session.scalars(
        delete(SignInAttempt).where(SignInAttempt.secret_hash == hash_of(secret)).returning(SignInAttempt)
    ).one_or_none()
    return found if found is not None and found.expires_at > now else None
