"""Which roles a person has. What a role allows stands in policies/roles.yaml; where it is asked is web.permissions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from gptimages.accounts.models import Account, RoleGrant
from gptimages.errors import Conflict, InputError, NotFound
from gptimages.installation import Installation
from gptimages.models import new_id

EVERYBODY = "user"


def roles_of(session: Session, account_id: str) -> frozenset[str]:
    """The roles that the person has now; everybody with an account is a user."""
    query = select(RoleGrant.role).where(RoleGrant.account_id == account_id, RoleGrant.ended_at.is_(None))
    return frozenset({EVERYBODY, *session.scalars(query)})


def grant(session: Session, here: Installation, account_id: str, role: str, *, by: str, now: datetime) -> None:
    """Gives the person a role. Raises InputError for an unknown role, NotFound, or Conflict when they have it."""
    known = set(here.policies.roles)
    if role not in known or role == EVERYBODY:
        raise InputError(f"There is no role {role!r} to give: choose one of {', '.join(sorted(known - {EVERYBODY}))}.")
    if session.get(Account, account_id) is None:
        raise NotFound("There is no such account: check the id.")
    if role in roles_of(session, account_id):
        raise Conflict("This person has that role already.")
    session.add(RoleGrant(id=new_id(), account_id=account_id, role=role, granted_by=by, granted_at=now))
    audit.append(session, "role.granted", actor=by, subject=account_id, now=now, role=role)


def end(session: Session, account_id: str, role: str, *, by: str, now: datetime) -> None:
    """Takes a role back. Raises NotFound when the person does not have it."""
    query = select(RoleGrant).where(
        RoleGrant.account_id == account_id, RoleGrant.role == role, RoleGrant.ended_at.is_(None)
    )
    given = session.scalars(query).first()
    if given is None:
        raise NotFound("This person does not have that role.")
    given.ended_at = now
    audit.append(session, "role.ended", actor=by, subject=account_id, now=now, role=role)
