"""API tokens: keys for programs that act for a person, within scopes and until they expire or are ended.

A token is never as good as a person who just signed in (decisions/0010). Using one is going on with the service, under
whatever policy is in force (promise policy.acceptance).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.consent import restriction
from datasteward.statements import changed
from gptimages.accounts.models import Account, ApiToken
from gptimages.accounts.roles import roles_of
from gptimages.accounts.secrets import hash_of, new_secret
from gptimages.accounts.sessions import DOORKEEPER
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.publishing import versions
from gptimages.web.visitor import NOBODY, Visitor

PREFIX = "gi_"
TOUCH_EVERY = timedelta(minutes=1)  # not a policy: how exact `last_used_at` is, against one write for every request
SCOPES = {
    "images": "Make, see, share and delete pictures",
    "privacy": "See, correct, export and erase what is held about you",
    "staff": "Do what your staff roles allow",
}
ALLOWS = {
    "images": ("own:image:", "own:notice:"),
    "privacy": ("own:account:", "own:choice:", "own:session:", "own:ticket:", "own:notice:"),
    "staff": ("staff:",),
}


def create(
    session: Session, here: Installation, account_id: str, label: str, scopes: Sequence[str], *, now: datetime
) -> tuple[str, ApiToken]:
    """Makes a token; the secret is returned once and stored nowhere. Raises InputError for a bad label or scope."""
    label = label.strip()
    most = here.policies.limits.token_name_characters
    if not 0 < len(label) <= most.value:
        raise InputError(f"Give the token a name of 1 to {most.words}, so that you know later what it is for.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InputError(f"Choose what the token may do: {', '.join(SCOPES)}.")
    secret = new_secret(PREFIX)
    token = ApiToken(
        id=new_id(),
        account_id=account_id,
        label=label,
        secret_hash=hash_of(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=now + here.policies.limits.api_token.span,
    )
    session.add(token)
    audit.append(session, "token.created", actor=account_id, subject=account_id, now=now, token=token.id)
    return secret, token


def end(session: Session, account_id: str, token_id: str, *, now: datetime) -> None:
    """Ends a token of the person. Raises NotFound when it is not theirs."""
    token = session.get(ApiToken, token_id)
    if token is None or token.account_id != account_id:
        raise NotFound("There is no such token of yours.")
    if token.ended_at is None:
        token.ended_at = now
        token.expires_at = min(token.expires_at, now)  # the retention rule runs from here
        audit.append(session, "token.ended", actor=account_id, subject=account_id, now=now, token=token.id)


def end_all(session: Session, account_id: str, *, now: datetime, keep: str | None = None) -> None:
    """Ends every token of the person that still works but `keep`."""
    query = select(ApiToken.id).where(
        ApiToken.account_id == account_id,
        ApiToken.ended_at.is_(None),
        ApiToken.expires_at > now,
        ApiToken.id != (keep or ""),
    )
    for token_id in session.scalars(query).all():
        end(session, account_id, token_id, now=now)


def visitor(here: Installation, secret: str, now: datetime) -> Visitor:
    """The person for whom a token acts, with the permissions that roles and scopes share; NOBODY when it is not valid."""
    with here.reading("law", DOORKEEPER) as session:  # an unknown token costs no write
        alive = (ApiToken.secret_hash == hash_of(secret)) & ApiToken.ended_at.is_(None) & (ApiToken.expires_at > now)
        found = session.execute(select(ApiToken, Account.state).join(Account).where(alive)).one_or_none()
        if found is None:
            return NOBODY
        token, state = found
        roles = roles_of(session, token.account_id)
        restricted = restriction.restricted(session, token.account_id)
    if token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY:
        _touch(here, token, now)
    prefixes = tuple(prefix for scope in token.scopes for prefix in ALLOWS[scope])
    allowed = frozenset(p for p in here.policies.permissions(roles) if p.startswith(prefixes))
    return Visitor(
        account_id=token.account_id,
        via="token",
        roles=roles,
        permissions=allowed,
        token_id=token.id,
        closing=state == "closing",
        restricted=restricted,
    )


def _touch(here: Installation, token: ApiToken, now: datetime) -> None:
    with here.writing("law", DOORKEEPER) as session:
        alive = (ApiToken.id == token.id) & ApiToken.ended_at.is_(None)
        if not changed(session, update(ApiToken).where(alive).values(last_used_at=now)):
            return
        session.execute(update(Account).where(Account.id == token.account_id).values(last_seen_at=now))
        versions.go_on(session, here, token.account_id, now=now)
