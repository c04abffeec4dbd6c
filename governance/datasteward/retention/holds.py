"""Legal holds: while one is in force, nothing that it is about is disposed of, by retention or by erasure.

Placing and lifting are audited by the hold's id; why is told by the number of a file, in the hold's own row and never
in the log. Which rows a hold keeps is asked of `held`; what was due under a hold goes with the first plan after it is
lifted. A hold does not lapse: on its day somebody looks again.

No disposal slips past a hold: each calls `guard` before it looks, `place` waits for those under way, and those that come
later wait for the hold. PostgreSQL does so by an advisory lock; SQLite has one writer at a time anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, not_, select, true
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.errors import HoldError, HoldInTheWay
from datasteward.retention.models import LegalHold
from datasteward.retention.scope import Scope, check
from datasteward.steward import Steward

FILE = re.compile(r"(?=.*\d)[\w./:-]{1,40}")
"""The number of a file: letters, digits and signs, a digit among them, no blank; so no words and no name of anybody."""
LOCK = 0x686F_6C64
"""One number for holds on PostgreSQL: shared by all who dispose, exclusive for who places one."""
IN_FORCE = LegalHold.lifted_at.is_(None)
PERSON_ALONE = and_(
    LegalHold.subject_id.is_not(None),
    LegalHold.table.is_(None),
    LegalHold.category.is_(None),
    LegalHold.since.is_(None),
    LegalHold.before.is_(None),
)
"""Holds on everything of one person."""


def place(
    session: Session, steward: Steward, scope: Scope, file: str, *, review_at: datetime, by: str, now: datetime
) -> LegalHold:
    """Places a hold on what the scope names, to be looked at again at `review_at`.

    `file` is the number of the file in which the reason stands (see FILE), `by` the opaque id of who decided. Raises
    HoldError when it is none, when the scope names nothing or what there is not, or when the review does not lie in the
    future: a hold without an end is none. Waits until the disposals under way are committed.
    """
    file = file.strip()
    if not FILE.fullmatch(file):
        raise HoldError("Give the number of the file in which the reason stands, such as 24-117: no words, no names.")
    if review_at <= now:
        raise HoldError("Give a day in the future on which the hold is looked at again: none may last unseen.")
    _lock(session, "pg_advisory_xact_lock")
    check(session, steward, scope)
    hold = LegalHold(
        id=new_id(),
        subject_id=scope.subject,
        table=scope.table,
        rows=[list(row) for row in scope.rows] or None,
        category=scope.category,
        since=scope.since,
        before=scope.before,
        file=file,
        placed_by=by,
        placed_at=now,
        review_at=review_at,
        lifted_at=None,
    )
    session.add(hold)
    session.flush()
    audit.append(session, "hold.placed", actor=by, subject=scope.subject, now=now, hold=hold.id)
    return hold


def lift(session: Session, hold_id: str, *, by: str, now: datetime) -> LegalHold:
    """Lifts a hold; what it kept back is due again from now on. Raises HoldError when it is unknown or lifted already."""
    hold = session.get(LegalHold, hold_id)
    if hold is None:
        raise HoldError("There is no such hold: check its id in the list of holds.")
    if hold.lifted_at is not None:
        raise HoldError("This hold was lifted before; nothing is left to lift.")
    hold.lifted_at = now
    session.flush()
    audit.append(session, "hold.lifted", actor=by, subject=hold.subject_id, now=now, hold=hold.id)
    return hold


def guard(session: Session) -> None:
    """Sees to it that no hold is placed until this transaction ends; called before it looks for what it disposes of.

    The transaction has to read what is committed meanwhile (READ COMMITTED), and not have written to the audit log yet.
    """
    _lock(session, "pg_advisory_xact_lock_shared")


def guard_at_once(session: Session) -> bool:
    """As `guard`, without waiting, so that it may be called anywhere: False when a hold is being placed just now."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock_shared(LOCK))))


def scope_of(hold: LegalHold) -> Scope:
    """What the hold is about."""
    rows = tuple(tuple(row) for row in hold.rows or ())
    return Scope(
        subject=hold.subject_id,
        table=hold.table,
        rows=rows,
        category=hold.category,
        since=hold.since,
        before=hold.before,
    )


def held(session: Session, subject: str) -> bool:
    """Whether a hold is in force on everything of this data subject."""
    return session.scalars(subjects().where(LegalHold.subject_id == subject).limit(1)).first() is not None


def refuse_held(session: Session, subject: str) -> None:
    """Raises HoldInTheWay when a hold is in force on everything of this data subject."""
    if held(session, subject):
        raise HoldInTheWay("A legal hold keeps this data: it can be disposed of once the hold is lifted.")


def active(session: Session) -> list[LegalHold]:
    """The holds in force, the one to be looked at next first."""
    return list(session.scalars(select(LegalHold).where(IN_FORCE).order_by(LegalHold.review_at, LegalHold.id)))


def overdue(session: Session, now: datetime) -> list[LegalHold]:
    """The holds in force that should have been looked at again by now, the one that waits longest first."""
    return [hold for hold in active(session) if hold.review_at < now]


def lifted(session: Session, *, limit: int = 50) -> list[LegalHold]:
    """The holds lifted last, the newest first."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_not(None)).order_by(LegalHold.lifted_at.desc()).limit(limit)
    return list(session.scalars(query))


def subjects() -> Select[str | None]:
    """A statement for the ids of the data subjects of whom everything is under a hold."""
    return select(LegalHold.subject_id).where(IN_FORCE, PERSON_ALONE)


def any_in_force(session: Session) -> bool:
    """Whether there is a hold at all."""
    return session.scalars(select(LegalHold.id).where(IN_FORCE).limit(1)).first() is not None


def scopes(session: Session, which: ColumnElement[bool] | None = None) -> list[Scope]:
    """What the other holds in force are about; only those that meet the condition `which`, where given."""
    query = select(LegalHold).where(IN_FORCE, not_(PERSON_ALONE), true() if which is None else which)
    return [scope_of(hold) for hold in session.scalars(query.order_by(LegalHold.id))]


def by_subject(session: Session, wanted: Iterable[str]) -> dict[str, LegalHold]:
    """For each of the data subjects whom a hold in force names, the one that is to be looked at first."""
    query = select(LegalHold).where(IN_FORCE, LegalHold.subject_id.in_(list(wanted)))
    found = session.scalars(query.order_by(LegalHold.review_at.desc()))
    return {hold.subject_id: hold for hold in found if hold.subject_id is not None}


def _lock(session: Session, function: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(getattr(func, function)(LOCK)))
