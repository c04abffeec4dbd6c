"""Restriction of processing (GDPR Art. 18): the person's data is stored, and used for nothing but what Art. 18(2) allows.

Which purposes go on despite a restriction stands in policies/purposes.yaml (`despite_restriction`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.consent import standing
from datasteward.consent.standing import EVERY_PURPOSE

Ground = Literal["accuracy", "unlawful", "claims", "objection"]
"""GDPR Art. 18(1)(a) to (d): its accuracy is contested; its use was unlawful and the person wants it kept; the person needs it
for legal claims; an objection is being weighed."""


def restrict(session: Session, subject: str, ground: Ground, *, by: str, now: datetime) -> bool:
    """Restricts the processing of the person's data, with an audit entry; False when it already is restricted."""
    if not standing.put(session, subject, EVERY_PURPOSE, "restriction", stands=True):
        return False
    audit.append(session, "restriction.made", actor=by, subject=subject, now=now, ground=ground)
    return True


def lift(session: Session, subject: str, *, by: str, now: datetime) -> bool:
    """Lifts the restriction, with an audit entry; False when there is none. Tell the person before (GDPR Art. 18(3))."""
    if not standing.put(session, subject, EVERY_PURPOSE, "restriction", stands=False):
        return False
    audit.append(session, "restriction.lifted", actor=by, subject=subject, now=now)
    return True


def restricted(session: Session, subject: str) -> bool:
    """Whether the processing of the person's data is restricted."""
    return standing.standing(session, subject, EVERY_PURPOSE, "restriction")
