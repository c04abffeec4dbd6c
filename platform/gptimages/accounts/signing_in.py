"""Arriving: from what the provider vouches for to an account and a fresh session.

A first arrival makes the account, with the policy in force accepted by it; that needs the age question answered. An
identity is (issuer, subject), never a mail address, so an account that was erased does not come back by its address.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from gptimages.accounts import people, sessions
from gptimages.accounts.id_token import Claims
from gptimages.accounts.models import Account, Identity, SignInAttempt
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.publishing import versions

HOME = "/studio"
LONGEST_PATH = 200


class Arrived(msgspec.Struct, frozen=True):
    """A finished sign-in: the account, the session and its secret for the cookie, and whether the account is new."""

    account_id: str
    session_id: str
    secret: str
    new: bool

    def __repr__(self) -> str:
        return "<Arrived>"


def arrive(
    session: Session,
    here: Installation,
    claims: Claims,
    attempt: SignInAttempt,
    *,
    replaces: tuple[str, str] | None,
    now: datetime,
) -> Arrived | None:
    """Signs the person in. None when they have no account and were not asked for their age: ask, then begin again.

    `replaces` is the (account id, session id) that the browser came with; that session ends, whoever's it was.
    """
    account = find(session, claims.issuer, claims.subject)
    new = account is None
    if account is None:
        if attempt.minimum_age is None:
            return None
        account = sign_up(session, here, claims, attempt.country, attempt.minimum_age, now)
    else:
        people.follow_email(session, here, account, claims.email, now)
    if replaces is not None:
        sessions.end(session, *replaces, now=now)
    secret, begun = sessions.begin(session, here, account.id, now=now)
    account.last_seen_at = now
    return Arrived(account.id, begun.id, secret, new)


def find(session: Session, issuer: str, subject: str) -> Account | None:
    """The account that this identity opens."""
    query = select(Account).join(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    return session.scalars(query).one_or_none()


def sign_up(
    session: Session, here: Installation, claims: Claims, country: str, minimum_age: int, now: datetime
) -> Account:
    """A new account with its identity; signing up is accepting the policy in force, and is recorded as that."""
    account = people.create(
        session, here, name=claims.name, email=claims.email, country=country, minimum_age=minimum_age, now=now
    )
    session.add(
        Identity(id=new_id(), account_id=account.id, issuer=claims.issuer, subject=claims.subject, created_at=now)
    )
    version = versions.in_force(session, now)
    if version is not None:
        versions.accept(session, account.id, version, how="sign-up", now=now)
    session.flush()
    return account


def local_path(wanted: str | None) -> str:
    """`wanted` when it is a path of ours, else the studio: nobody is sent elsewhere after signing in.

    Browsers read a backslash as a slash and drop tabs and line breaks, so none of them is let through.
    """
    safe = (
        wanted is not None
        and wanted.startswith("/")
        and not wanted.startswith("//")
        and len(wanted) <= LONGEST_PATH
        and "\\" not in wanted
        and wanted.isascii()
        and wanted.isprintable()
        and not wanted.startswith(("/sign-in", "/sign-out"))
    )
    return wanted if safe and wanted is not None else HOME
