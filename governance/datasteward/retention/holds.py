"""Legal holds: while one is in force, nothing of the person is disposed of, by retention or by erasure.

Placing and lifting are audited by the hold's id; why is told by the number of a file, in the hold's own row and never
in the log. Retention and erasure ask here and nowhere else; what was due under a hold goes with the first plan after it
is lifted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.errors import HoldError, HoldInTheWay
from datasteward.retention.models import LegalHold

FILE = re.compile(r"(?=.*\d)[\w./:-]{1,40}")
"""The number of a file: letters, digits and signs, a digit among them, no blank; so no words and no name of anybody."""


def place(session: Session, subject: str, file: str, *, review_at: datetime, by: str, now: datetime) -> LegalHold:
    """Places a hold on everything of one data subject, to be looked at again at `review_at`.

    `file` is the number of the file in which the reason stands (see FILE), `by` the opaque id of who decided. Raises
    HoldError when it is none, or the review does not lie in the future: a hold without an end is none.
    """
    file = file.strip()
    if not FILE.fullmatch(file):
        raise HoldError("Give the number of the file in which the reason stands, such as 24-117: no words, no names.")
    if review_at <= now:
        raise HoldError("Give a day in the future on which the hold is looked at again: none may last unseen.")
    hold = LegalHold(
        id=new_id(), subject_id=subject, file=file, placed_by=by, placed_at=now, review_at=review_at, lifted_at=None
    )
    session.add(hold)
    session.flush()
    audit.append(session, "hold.placed", actor=by, subject=subject, now=now, hold=hold.id)
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


def held(session: Session, subject: str) -> bool:
    """Whether a hold is in force on this data subject."""
    query = select(LegalHold.id).where(LegalHold.subject_id == subject, LegalHold.lifted_at.is_(None))
    return session.scalars(query.limit(1)).first() is not None


def refuse_held(session: Session, subject: str) -> None:
    """Raises HoldInTheWay when a hold is in force on this data subject."""
    if held(session, subject):
        raise HoldInTheWay("A legal hold keeps this data: it can be disposed of once the hold is lifted.")


def active(session: Session) -> list[LegalHold]:
    """The holds in force, the one to be looked at next first."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.review_at, LegalHold.id)
    return list(session.scalars(query))


def lifted(session: Session, *, limit: int = 50) -> list[LegalHold]:
    """The holds lifted last, the newest first."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_not(None)).order_by(LegalHold.lifted_at.desc()).limit(limit)
    return list(session.scalars(query))


def subjects() -> Select[str]:
    """A statement for the ids of the data subjects under a hold."""
    return select(LegalHold.subject_id).where(LegalHold.lifted_at.is_(None))


def by_subject(session: Session, wanted: Iterable[str]) -> dict[str, LegalHold]:
    """For each of the data subjects the hold in force that is to be looked at first, where there is one."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_(None), LegalHold.subject_id.in_(list(wanted)))
    return {hold.subject_id: hold for hold in session.scalars(query.order_by(LegalHold.review_at.desc()))}


def guard(session: Session) -> None:
    """Sees to it that no hold is placed until this transaction ends; called before anything is disposed of."""
