"""Who receives personal data: the register of processors, and how often each received this person's."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.policy import Processor
from datasteward.processors.models import Disclosure
from gptimages.installation import Installation


class Recipient(msgspec.Struct, frozen=True):
    """Somebody of the register, with the purposes by name and what the record of disclosures says of this person."""

    processor: Processor
    purposes: tuple[str, ...]
    times: int
    last_at: datetime | None


class Other(msgspec.Struct, frozen=True):
    """A disclosure to somebody who is no processor, such as an authority, by name (`to`): each one is told."""

    recipient: str
    ground: str
    to: str
    at: datetime


class Recipients(msgspec.Struct, frozen=True):
    """All of them; `embedded` processors are parts of this installation, to whom nothing leaves."""

    outside: tuple[Recipient, ...]
    embedded: tuple[Recipient, ...]
    others: tuple[Other, ...]


def of(session: Session, here: Installation, account_id: str) -> Recipients:
    """The recipients of the person's data."""
    times: Counter[str] = Counter()
    last: dict[str, datetime] = {}
    query = select(Disclosure.recipient, func.count(), func.max(Disclosure.at, type_=Disclosure.at.type))
    for who, number, at in session.execute(
        query.where(Disclosure.subject_id == account_id).group_by(Disclosure.recipient)
    ):
        times[who], last[who] = number, at
    known = here.policies.processors
    told = [
        Recipient(p, tuple(here.policies.purposes[one].name for one in p.purposes), times[p.id], last.get(p.id))
        for p in known.values()
    ]
    others = (
        select(Disclosure)
        .where(Disclosure.subject_id == account_id, Disclosure.recipient.not_in(list(known)))
        .order_by(Disclosure.at.desc())
    )
    return Recipients(
        outside=tuple(r for r in told if not r.processor.embedded),
        embedded=tuple(r for r in told if r.processor.embedded),
        others=tuple(
            Other(d.recipient, d.ground, d.authority or d.region or "", d.at) for d in session.scalars(others)
        ),
    )
