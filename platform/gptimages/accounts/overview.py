"""What the account page and the API show of a person: profile, plan, sessions, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from gptimages.accounts import devices, people
from gptimages.accounts.models import ApiToken, WebSession
from gptimages.accounts.roles import EVERYBODY, roles_of
from gptimages.activity import usage
from gptimages.installation import Installation


class Profile(msgspec.Struct, frozen=True):
    """A person as they see themselves. `pictures_this_month` counts by calendar month (UTC)."""

    id: str
    name: str
    email: str
    country: str
    has_avatar: bool
    scheme: str
    plan: str
    plan_name: str
    pictures_this_month: int
    pictures_per_month: int
    roles: list[str]
    since: datetime
    closing: bool


class SessionView(msgspec.Struct, frozen=True):
    """One signed-in browser; `here` is the one that asks. `address` is a network address."""

    id: str
    device: str
    address: str | None
    since: datetime
    last_used: datetime
    ends: datetime
    here: bool


class TokenView(msgspec.Struct, frozen=True):
    """An API token without its secret, which is stored nowhere."""

    id: str
    label: str
    scopes: list[str]
    created: datetime
    last_used: datetime | None
    expires: datetime


def profile(session: Session, here: Installation, account_id: str, now: datetime) -> Profile:
    """The profile, plan and use of a person. Raises NotFound."""
    account = people.get(session, account_id)
    plan = here.policies.limits.plans[account.plan]
    return Profile(
        id=account.id,
        name=people.name_of(here, account),
        email=people.email_of(here, account),
        country=account.country,
        has_avatar=account.avatar is not None,
        scheme=account.scheme or "system",
        plan=account.plan,
        plan_name=plan.name,
        pictures_this_month=usage.pictures_this_month(session, account_id, now),
        pictures_per_month=plan.pictures_per_month,
        roles=sorted(roles_of(session, account_id) - {EVERYBODY}),
        since=account.created_at,
        closing=account.state == "closing",
    )


def sessions(session: Session, here: Installation, account_id: str, now: datetime) -> list[WebSession]:
    """The person's sessions that still open something, the last used first."""
    idle = here.policies.limits.session_idle.span
    query = (
        select(WebSession)
        .where(
            WebSession.account_id == account_id,
            WebSession.ended_at.is_(None),
            WebSession.expires_at > now,
            WebSession.last_seen_at > now - idle,
        )
        .order_by(WebSession.last_seen_at.desc())
    )
    return list(session.scalars(query))


def on_devices(
    session: Session, here: Installation, rows: Sequence[WebSession], current: str | None
) -> list[SessionView]:
    """Sessions with the devices that they were begun on, this browser's first; the session is one for `integrity`."""
    found = [_session(session, here, row, current) for row in rows]
    return sorted(found, key=lambda view: not view.here)


def tokens(session: Session, account_id: str, now: datetime) -> list[TokenView]:
    """The person's tokens that still open something, the newest first."""
    query = (
        select(ApiToken)
        .where(ApiToken.account_id == account_id, ApiToken.ended_at.is_(None), ApiToken.expires_at > now)
        .order_by(ApiToken.created_at.desc())
    )
    return [token(row) for row in session.scalars(query)]


def token(row: ApiToken) -> TokenView:
    """A token as its owner sees it."""
    return TokenView(row.id, row.label, list(row.scopes), row.created_at, row.last_used_at, row.expires_at)


def _session(session: Session, here: Installation, row: WebSession, current: str | None) -> SessionView:
    device = devices.of_session(session, here, row)
    return SessionView(
        id=row.id,
        device=devices.words(device.user_agent),
        address=device.ip_address,
        since=row.created_at,
        last_used=row.last_seen_at,
        ends=row.expires_at,
        here=row.id == current,
    )
