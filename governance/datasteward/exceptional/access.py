"""An exceptional access on its way: asked for, approved by somebody else where the policies say so, carried out or over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.catalog import Catalog
from datasteward.errors import AccessRefused
from datasteward.exceptional.models import ExceptionalAccess, Kind
from datasteward.keys import Use, Vault
from datasteward.keys.tables import STANDING
from datasteward.policy import PolicySet
from datasteward.policy.roles import Exceptional
from datasteward.retention.holds import FILE
from datasteward.rights.rows import is_words
from datasteward.steward import Steward

State = Literal["asked", "approved", "refused", "done", "over"]
"""`approved`: may be carried out now; `over`: its time ran out, or the policies changed, before it was."""


def rule(policies: PolicySet, kind: str) -> Exceptional:
    """What policies/roles.yaml says of this kind. Raises AccessRefused when it does not allow it at all."""
    found = policies.role_file.exceptional_access.of(kind)
    if found is None:
        raise AccessRefused("policies/roles.yaml allows no such access: it has to be described there first.")
    return found


def ask(
    session: Session,
    steward: Steward,
    kind: Kind,
    *,
    file: str,
    by: str,
    now: datetime,
    subject: str | None = None,
    table: str | None = None,
) -> ExceptionalAccess:
    """Asks for an access. `subject` is whose words or keys, `table` where the words stand; both narrow a break-glass reading.

    Raises AccessRefused when it is not told what is to be opened or by which file, or a person has no keys.
    """
    rule(steward.policies, kind)
    file = file.strip()
    if not FILE.fullmatch(file):
        raise AccessRefused(
            "Give the number of the file in which the reason stands, such as 24-117: no words, no names."
        )
    if (subject is None) != (kind is Kind.BULK):
        raise AccessRefused("Say whose: a bulk reading is of everybody, every other access of one account's id.")
    if kind is Kind.BULK and table is None:
        raise AccessRefused("Say in which table the words stand: a bulk reading is of one.")
    if kind is Kind.KEYSET_EXPORT and table is not None:
        raise AccessRefused("Keysets stand in no table: leave it out.")
    if table is not None and table not in readable(steward.catalog):
        raise AccessRefused("There are no sealed words in a table of this name: take one from the catalog.")
    if subject is not None and not is_person(steward.vault, subject):
        raise AccessRefused("No keys of such a person are there: check the account's id.")
    asked = ExceptionalAccess(
        id=new_id(),
        kind=kind,
        subject_id=subject,
        table=table,
        file=file,
        policy_hash=steward.policies.hash,
        asked_by=by,
        asked_at=now,
    )
    session.add(asked)
    session.flush()
    audit.append(session, "access.asked", actor=by, subject=subject, now=now, access=asked.id, kind=kind)
    return asked


def approve(session: Session, policies: PolicySet, access_id: str, *, by: str, now: datetime) -> None:
    """Lets an access pass. Raises AccessRefused when it is unknown, waits for nobody, or who asked would approve it."""
    found = find(session, access_id, lock=True)
    if state(policies, found, now) != "asked":
        raise AccessRefused("This access does not wait for a second person any more: there is nothing to approve.")
    if by == found.asked_by:
        raise AccessRefused("Who asked for an access does not approve it: somebody else has to.")
    found.approved_by, found.approved_at = by, now
    session.flush()
    audit.append(
        session, "access.approved", actor=by, subject=found.subject_id, now=now, access=found.id, kind=found.kind
    )


def refuse(session: Session, policies: PolicySet, access_id: str, *, by: str, now: datetime) -> None:
    """Ends an access that was not carried out yet, approved or not. Raises AccessRefused when there is nothing to refuse."""
    found = find(session, access_id, lock=True)
    if state(policies, found, now) not in ("asked", "approved"):
        raise AccessRefused("This access was carried out, or is over: there is nothing to refuse.")
    found.refused_at = now
    session.flush()
    audit.append(
        session, "access.refused", actor=by, subject=found.subject_id, now=now, access=found.id, kind=found.kind
    )


def state(policies: PolicySet, access: ExceptionalAccess, now: datetime) -> State:
    """How far it is. One that was asked for under another policy set is over: nobody changes the rules on the way."""
    if access.done_at is not None:
        return "done"
    if access.refused_at is not None:
        return "refused"
    allowed = policies.role_file.exceptional_access.of(access.kind)
    if allowed is None or access.policy_hash != policies.hash:
        return "over"
    if now >= allowed.lasts.after(access.approved_at or access.asked_at):
        return "over"
    return "approved" if access.approved_at is not None or not allowed.second_person else "asked"


def find(session: Session, access_id: str, *, lock: bool = False) -> ExceptionalAccess:
    """The access; with `lock` nobody else changes it until the transaction ends. Raises AccessRefused when unknown."""
    query = select(ExceptionalAccess).where(ExceptionalAccess.id == access_id)
    query = query.execution_options(populate_existing=True)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise AccessRefused("There is no such access: check its id in the list under Operations, Keys.")
    return found


def newest(session: Session, *, limit: int = 50) -> list[ExceptionalAccess]:
    """The accesses asked for last, the newest first."""
    query = select(ExceptionalAccess).order_by(ExceptionalAccess.asked_at.desc(), ExceptionalAccess.id).limit(limit)
    return list(session.scalars(query))


def exported(session: Session, subject: str) -> datetime | None:
    """When keysets of this person were handed out last, if ever."""
    of = (ExceptionalAccess.subject_id == subject) & (ExceptionalAccess.kind == Kind.KEYSET_EXPORT)
    return session.scalar(select(func.max(ExceptionalAccess.done_at)).where(of))


def is_person(vault: Vault, subject: str) -> bool:
    """Whether these are a person's keys, those for records alone among them; standing keysets are nobody's."""
    return not subject.startswith(STANDING) and any(vault.has(subject, use) for use in Use)


def readable(catalog: Catalog) -> list[str]:
    """The names of the tables of people that have sealed words."""
    return sorted(str(table.name) for table in catalog.personal() if any(map(is_words, table.columns)))
