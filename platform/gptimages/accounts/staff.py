"""What an administrator sees and does: who has which role, giving and ending roles, and looking at a person.

Staff see opaque ids, roles, state and time. A name or mail address is shown only by `view`, which writes down that it was.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from gptimages.accounts import people, roles
from gptimages.accounts.models import Account, RoleGrant
from gptimages.errors import NotAllowed
from gptimages.installation import Installation

OWN = "Nobody gives or ends their own roles: ask another administrator."


class Grant(msgspec.Struct, frozen=True):
    """A role that somebody has, and since when."""

    role: str
    since: datetime
    granted_by: str


class Person(msgspec.Struct, frozen=True):
    """Somebody as staff see them: no name, no address."""

    id: str
    state: str
    since: datetime
    grants: list[Grant]


class Particulars(msgspec.Struct, frozen=True):
    """Name and mail address, shown after it was written down."""

    name: str
    email: str

    def __repr__(self) -> str:
        return "<Particulars>"


def with_roles(session: Session) -> list[Person]:
    """Everybody who has a staff role, the newest grant first."""
    query = (
        select(Account, RoleGrant)
        .join(RoleGrant, RoleGrant.account_id == Account.id)
        .where(RoleGrant.ended_at.is_(None))
        .order_by(RoleGrant.granted_at.desc())
    )
    found: dict[str, Person] = {}
    for account, grant in session.execute(query):
        person = found.setdefault(account.id, Person(account.id, account.state, account.created_at, []))
        person.grants.append(Grant(grant.role, grant.granted_at, grant.granted_by))
    return list(found.values())


def person(session: Session, account_id: str) -> Person:
    """One person. Raises NotFound."""
    account = people.get(session, account_id)
    query = select(RoleGrant).where(RoleGrant.account_id == account_id, RoleGrant.ended_at.is_(None))
    grants = [Grant(row.role, row.granted_at, row.granted_by) for row in session.scalars(query)]
    return Person(account.id, account.state, account.created_at, grants)


def view(session: Session, here: Installation, account_id: str, *, by: str, now: datetime) -> Particulars:
    """Name and mail address of a person; who looked is in the audit log, or nothing is shown. Raises NotFound."""
    account = people.get(session, account_id)
    audit.append(session, "person.viewed", actor=by, subject=account_id, now=now, fields="name-email")
    return Particulars(people.name_of(here, account), people.email_of(here, account))


def grant(session: Session, here: Installation, account_id: str, role: str, *, by: str, now: datetime) -> None:
    """Gives a role to somebody else. Raises NotAllowed for oneself, and what roles.grant raises."""
    if account_id == by:
        raise NotAllowed(OWN)
    roles.grant(session, here, account_id, role, by=by, now=now)


def end(session: Session, account_id: str, role: str, *, by: str, now: datetime) -> None:
    """Ends a role of somebody else. Raises NotAllowed for oneself, and what roles.end raises."""
    if account_id == by:
        raise NotAllowed(OWN)
    roles.end(session, account_id, role, by=by, now=now)
