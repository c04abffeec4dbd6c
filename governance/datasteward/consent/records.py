"""Consents and objections: what a person answered about each purpose, and whether a purpose may use their data.

Every answer is a row of its own and an audit entry; the latest of a kind counts, and `standing` keeps it at hand. Which
purposes need a consent and which may be objected to stands in policies/purposes.yaml. No answer is never a consent (GDPR
4(11), 7) and never an objection.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.consent import standing
from datasteward.consent.models import ConsentRecord
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet, Purpose

Kind = Literal["consent", "objection"]


class Answer(msgspec.Struct, frozen=True):
    """The answer that counts: a consent given (or withdrawn), an objection made (or taken back), how and when.

    `how` is a word for the place it was given in, such as `privacy-centre` or `browser-signal`; `at` is UTC.
    """

    kind: Kind
    granted: bool
    how: str
    at: datetime


def answer(
    session: Session,
    subject: str,
    purpose: str,
    kind: Kind,
    granted: bool,
    how: str,
    policies: PolicySet,
    now: datetime,
) -> bool:
    """Records an answer and an audit entry; `granted` means a consent given or an objection made.

    The same answer as before, or taking back an objection never made, is not recorded (returns False): nothing changed.
    A first refusal of a consent is. Raises PurposeError for a purpose that is not in the policies or takes no such answer.
    """
    _check(policies, purpose, kind)
    before = latest(session, subject, purpose, kind)
    unchanged = before.granted == granted if before else kind == "objection" and not granted
    if unchanged:
        return False
    if before is not None:
        now = max(now, before.at + timedelta(microseconds=1))  # a clock that stands still or goes back hides no answer
    session.add(
        ConsentRecord(
            id=new_id(),
            subject_id=subject,
            purpose=purpose,
            kind=kind,
            granted=granted,
            how=how,
            wording=policies.hash,
            at=now,
        )
    )
    session.flush()
    standing.put(session, subject, purpose, kind, stands=granted)
    act = {"consent": ("withdrawn", "given"), "objection": ("taken-back", "made")}[kind][granted]
    audit.append(session, f"{kind}.{act}", actor=subject, subject=subject, now=now, purpose=purpose, how=how)
    return True


def latest(session: Session, subject: str, purpose: str, kind: Kind) -> Answer | None:
    """The answer of this kind that counts, or None when the person never gave one."""
    query = (
        select(ConsentRecord)
        .where(ConsentRecord.subject_id == subject, ConsentRecord.purpose == purpose, ConsentRecord.kind == kind)
        .order_by(ConsentRecord.at.desc(), ConsentRecord.id.desc())
        .limit(1)
    )
    row = session.scalars(query).one_or_none()
    return _as_answer(row) if row else None


def consents(session: Session, subject: str, purpose: str) -> bool:
    """Whether the person's consent to this purpose stands."""
    return standing.standing(session, subject, purpose, "consent")


def objects(session: Session, subject: str, purpose: str) -> bool:
    """Whether the person's objection to this purpose stands."""
    return standing.standing(session, subject, purpose, "objection")


def allowed(session: Session, policies: PolicySet, subject: str, purpose: str) -> bool:
    """Whether the person's data may be used for this purpose: consented where needed, not objected to where that counts,
    and not restricted where that counts (the same rule that filters the rows of a purpose's session).

    Raises PurposeError for a purpose that is not in the policies.
    """
    return not session.scalar(select(standing.excluded(named(policies, purpose), literal(subject))))


def history(session: Session, subject: str) -> list[ConsentRecord]:
    """Every answer of the person, the newest first."""
    query = select(ConsentRecord).where(ConsentRecord.subject_id == subject)
    return list(session.scalars(query.order_by(ConsentRecord.at.desc(), ConsentRecord.id.desc())))


def named(policies: PolicySet, purpose: str) -> Purpose:
    """The purpose of that name. Raises PurposeError when the policies have none."""
    try:
        return policies.purposes[purpose]
    except KeyError:
        raise PurposeError(f"There is no purpose {purpose!r} in policies/purposes.yaml.") from None


def _check(policies: PolicySet, purpose: str, kind: Kind) -> None:
    known = named(policies, purpose)
    if kind not in get_args(Kind):
        raise PurposeError("An answer is a consent or an objection.")
    if kind == "consent" and not known.needs_consent:
        raise PurposeError(f"The purpose {purpose} asks for no consent.")
    if kind == "objection" and not known.objectable:
        raise PurposeError(f"The purpose {purpose} rests on a ground that takes no objection.")


def _as_answer(row: ConsentRecord) -> Answer:
    return Answer("consent" if row.kind == "consent" else "objection", row.granted, row.how, row.at)
