"""Web sessions: begun at sign-in under a fresh secret, ended for good by one row, over when idle or old.

Who asks is looked up for `law`: a person whose data is only stored still comes in, to what they ask for under the law.
An unknown cookie is never adopted, and no request writes a session back: `last_seen_at` moves by an UPDATE that asks that
the session has not ended, so a late request cannot revive it (the two defects of cookie sessions that this replaces).
Signing in and being seen again is going on with the service, under whatever policy is in force (promise policy.acceptance).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.consent import restriction
from datasteward.statements import changed
from gptimages.accounts.models import Account, WebSession
from gptimages.accounts.roles import roles_of
from gptimages.accounts.secrets import hash_of, new_secret
from gptimages.activity.models import DeviceRecord
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.publishing import versions
from gptimages.settings import Settings
from gptimages.web.visitor import NOBODY, Visitor

DOORKEEPER = "doorkeeper"
"""Who looks a visitor up, and writes down that they were seen."""
TOUCH_EVERY = timedelta(minutes=1)  # not a policy: how exact `last_seen_at` is, against one write for every request


def cookie_name(settings: Settings) -> str:
    """`__Host-` pins the cookie to this host and to https (RFC 6265bis); plain http on loopback cannot have it."""
    return "__Host-session" if settings.secure else "session"


def begin(session: Session, here: Installation, account_id: str, *, now: datetime) -> tuple[str, WebSession]:
    """Begins a session and returns the secret for its cookie, which is stored nowhere, and its row."""
    secret = new_secret()
    row = WebSession(
        id=new_id(),
        account_id=account_id,
        secret_hash=hash_of(secret),
        created_at=now,
        authenticated_at=now,
        last_seen_at=now,
        expires_at=now + here.policies.limits.session_absolute.span,
    )
    session.add(row)
    versions.go_on(session, here, account_id, now=now)
    audit.append(session, "session.begun", actor=account_id, subject=account_id, now=now)
    return secret, row


def visitor(here: Installation, secret: str, now: datetime) -> Visitor:
    """The person behind a cookie's secret; NOBODY when the session is unknown, ended, idle too long or too old."""
    limits = here.policies.limits
    with here.reading("law", DOORKEEPER) as session:
        query = (
            select(WebSession, Account.state, Account.scheme)
            .join(Account, Account.id == WebSession.account_id)
            .where(WebSession.secret_hash == hash_of(secret), *_alive(here, now))
        )
        found = session.execute(query).one_or_none()
        if found is None:
            return NOBODY
        row, state, scheme = found
        roles = roles_of(session, row.account_id)
        restricted = restriction.restricted(session, row.account_id)
    if now - row.last_seen_at > TOUCH_EVERY:
        _touch(here, row, now)
    return Visitor(
        account_id=row.account_id,
        via="session",
        roles=roles,
        permissions=here.policies.permissions(roles),
        session_id=row.id,
        fresh=now - row.authenticated_at <= limits.session_fresh.span,
        closing=state == "closing",
        restricted=restricted,
        scheme=scheme,
    )


def stands(session: Session, here: Installation, session_id: str | None, now: datetime) -> bool:
    """Whether a session still vouches for somebody whose account is not closing; being asked is no use of it."""
    query = (
        select(Account.state)
        .join(WebSession, WebSession.account_id == Account.id)
        .where(WebSession.id == session_id, *_alive(here, now))
    )
    return session.scalar(query) == "active"


def end(session: Session, account_id: str, session_id: str, *, now: datetime) -> None:
    """Ends one session of the person. Raises NotFound when it is not theirs."""
    row = session.get(WebSession, session_id)
    if row is None or row.account_id != account_id:
        raise NotFound("There is no such session of yours.")
    if row.ended_at is None:
        row.ended_at = now
        audit.append(session, "session.ended", actor=account_id, subject=account_id, now=now)


def end_all(session: Session, account_id: str, *, now: datetime, keep: str | None = None) -> int:
    """Ends every session of the person but `keep`; returns how many."""
    query = (
        update(WebSession)
        .where(WebSession.account_id == account_id, WebSession.ended_at.is_(None), WebSession.id != (keep or ""))
        .values(ended_at=now)
    )
    ended = changed(session, query)
    if ended:
        audit.append(session, "session.ended-all", actor=account_id, subject=account_id, now=now, sessions=ended)
    return ended


def _alive(here: Installation, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        WebSession.ended_at.is_(None),
        WebSession.expires_at > now,
        WebSession.last_seen_at > now - here.policies.limits.session_idle.span,
    )


def _touch(here: Installation, row: WebSession, now: datetime) -> None:
    with here.writing("law", DOORKEEPER) as session:
        alive = (WebSession.id == row.id) & WebSession.ended_at.is_(None)
        if not changed(session, update(WebSession).where(alive).values(last_seen_at=now)):
            return
        session.execute(update(Account).where(Account.id == row.account_id).values(last_seen_at=now))
        session.execute(update(DeviceRecord).where(DeviceRecord.id == row.device_id).values(last_seen_at=now))
        versions.go_on(session, here, row.account_id, now=now)
