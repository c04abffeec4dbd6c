"""The record of disclosures: written when data goes out, counted for reports, asked by the person concerned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.errors import DisclosureRefused
from datasteward.policy import PolicySet
from datasteward.processors.gate import Gate
from datasteward.processors.models import AUTHORITY, LONGEST_AUTHORITY, LONGEST_GROUND, Disclosure


def disclose(
    session: Session,
    policies: PolicySet,
    subject: str,
    *,
    recipient: str,
    purpose: str,
    categories: Sequence[str],
    now: datetime,
    reference: str | None = None,
) -> Disclosure:
    """Passes the gate and writes the record, in the caller's transaction and before anything is sent.

    Raises DisclosureRefused when the recipient is not registered for these categories and this purpose.
    """
    Gate(policies).check(recipient, categories, purpose)
    row = Disclosure(
        id=new_id(),
        subject_id=subject,
        recipient=recipient,
        purpose=purpose,
        categories=list(categories),
        region=policies.processors[recipient].region,
        ground=policies.purposes[purpose].legal_basis,
        reference=reference,
        at=now,
    )
    session.add(row)
    return row


def to_authority(
    session: Session,
    policies: PolicySet,
    subject: str,
    *,
    authority: str,
    ground: str,
    categories: Sequence[str],
    by: str,
    now: datetime,
) -> Disclosure:
    """Records what an authority was given about a person, and on what ground (promise share.legal).

    Raises DisclosureRefused when authority, ground or categories are missing, too long, or not in the taxonomy.
    """
    for what, told, most in (("authority", authority, LONGEST_AUTHORITY), ("ground", ground, LONGEST_GROUND)):
        if not 0 < len(told) <= most:
            raise DisclosureRefused(f"Name the {what} in up to {most} characters: each disclosure is recorded with it.")
    if not categories or not set(categories) <= policies.taxonomy.categories.keys():
        raise DisclosureRefused("Say what was given by a category of taxonomy.yaml, such as user.account.")
    row = Disclosure(
        id=new_id(),
        subject_id=subject,
        recipient=AUTHORITY,
        purpose="legal",
        categories=list(categories),
        authority=authority,
        ground=ground,
        at=now,
    )
    session.add(row)
    audit.append(session, "disclosure.recorded", actor=by, subject=subject, now=now, disclosure=row.id)
    return row


def to_authorities(session: Session, limit: int = 200) -> list[Disclosure]:
    """The newest disclosures to authorities."""
    query = select(Disclosure).where(Disclosure.recipient == AUTHORITY).order_by(Disclosure.at.desc())
    return list(session.scalars(query.limit(limit)))


def counts(session: Session, subject: str | None = None) -> dict[str, int]:
    """How many disclosures each recipient received, about everybody or about one person."""
    query = select(Disclosure.recipient, func.count()).group_by(Disclosure.recipient)
    if subject is not None:
        query = query.where(Disclosure.subject_id == subject)
    return {key: value for key, value in session.execute(query)}  # noqa: C416 - rows are unpacked
