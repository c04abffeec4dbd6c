"""What a person has said about the use of their data, as it stands now, and as a condition for the rows of a table."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, exists, false, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from datasteward.consent.models import Standing
from datasteward.policy import Purpose
from datasteward.statements import changed

Kind = Literal["consent", "objection", "restriction"]

EVERY_PURPOSE = "*"
"""The purpose of a restriction, which is of all processing."""

TABLE = Standing.__table__


def put(session: Session, subject: str, purpose: str, kind: Kind, *, stands: bool) -> bool:
    """Lets it stand, or stand no longer; returns whether that changed anything."""
    if not stands:
        return changed(session, delete(Standing).where(*_this(subject, purpose, kind))) > 0
    added = insert(Standing).values(subject_id=subject, purpose=purpose, kind=kind)
    unless = added.on_conflict_do_nothing().returning(Standing.kind)  # two may say the same at once
    return session.scalar(unless) is not None


def standing(session: Session, subject: str, purpose: str, kind: Kind) -> bool:
    """Whether it stands."""
    return session.scalar(select(Standing.kind).where(*_this(subject, purpose, kind))) is not None


def excludes(purpose: Purpose) -> bool:
    """Whether there is anything by which a person can close their data to the purpose."""
    return purpose.despite_restriction is None or purpose.objectable or purpose.needs_consent


def excluded(purpose: Purpose, person: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that this person's data is closed to the purpose.

    Closed are the restricted (GDPR Art. 18(1)), those who objected (Art. 21) and, where a consent is needed, all others
    than those whose consent stands (Art. 6(1)(a)).
    """
    against: list[ColumnElement[bool]] = []
    if purpose.despite_restriction is None:
        against.append(and_(TABLE.c.purpose == EVERY_PURPOSE, TABLE.c.kind == "restriction"))
    if purpose.objectable:
        against.append(and_(TABLE.c.purpose == purpose.id, TABLE.c.kind == "objection"))
    reasons = [_said(person, or_(*against))] if against else []
    if purpose.needs_consent:
        reasons.append(~_said(person, and_(TABLE.c.purpose == purpose.id, TABLE.c.kind == "consent")))
    return or_(false(), *reasons)


def _said(person: ColumnElement[Any], what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(TABLE.c.subject_id == person, what).correlate_except(TABLE)


def _this(subject: str, purpose: str, kind: Kind) -> tuple[ColumnElement[bool], ...]:
    return Standing.subject_id == subject, Standing.purpose == purpose, Standing.kind == kind
