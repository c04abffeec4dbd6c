"""What the privacy centre shows: the holdings, summed up, and the state of requests in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.rights.holdings import Holding
from datasteward.rights.models import SubjectRequest
from gptimages.studio.models import Image

SHOWN_PICTURES = 8

ACTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "account": (("See and correct it", "/account"),),
    "generation": (("See them", "/history"),),
    "image": (("See them", "/history"),),
    "reference_image": (("See them", "/studio"),),
    "usage_event": (("Object…", "/privacy/choices"),),
    "engagement_event": (("Object…", "/privacy/choices"),),
    "web_session": (("See them", "/account"), ("Sign out all…", "/account")),
    "device_record": (("See them", "/account"),),
    "notification": (("Notices", "/notices"),),
    "mail_message": (("Notices", "/notices"),),
    "support_ticket": (("Your questions", "/support"),),
    "acceptance": (("Policy versions", "/policy"),),
    "steward_consent_record": (("Your choices", "/privacy/choices"),),
    "steward_subject_request": (("Your requests", "/privacy/requests"),),
    "steward_disclosure": (("Who received", "/privacy/recipients"),),
}
"""Where a person sees or changes what one table holds. A table without a page of its own stands in the archive."""

STATES: Mapping[str, tuple[str, str]] = {
    "asked": ("waiting", "Waiting its turn"),
    "waiting": ("waiting", "Waiting"),
    "running": ("waiting", "Being done"),
    "ready": ("kept", "Ready"),
    "done": ("kept", "Done"),
    "cancelled": ("held", "Taken back"),
    "blocked": ("held", "Held by law"),
    "failed": ("broken", "Broke on our side"),
}
"""The glyph and the word for each state of a request."""

KINDS: Mapping[str, str] = {
    "export": "An archive of your data",
    "erasure": "The erasure of your account",
}


class Sum(msgspec.Struct, frozen=True):
    """All holdings in four figures; `pictures` are the bytes of the largest kind, `rest` those of the others."""

    rows: int
    kinds: int
    bytes: int
    oldest: datetime | None
    largest: Holding | None

    @property
    def rest(self) -> int:
        """The bytes that are not of the largest kind."""
        return self.bytes - (self.largest.bytes if self.largest else 0)


def total(held: Sequence[Holding]) -> Sum:
    """The holdings summed up."""
    filled = [holding for holding in held if holding.rows]
    largest = max((h for h in filled if h.bytes), key=lambda h: h.bytes, default=None)
    return Sum(
        rows=sum(h.rows for h in filled),
        kinds=len(filled),
        bytes=sum(h.bytes for h in filled),
        oldest=min((h.oldest for h in filled if h.oldest), default=None),
        largest=largest,
    )


def thumbnails(session: Session, account_id: str) -> list[tuple[str, int, int]]:
    """The newest pictures, as many as fit in a row: id, width and height in pixels."""
    query = select(Image.id, Image.width, Image.height).where(Image.account_id == account_id)
    found = session.execute(query.order_by(Image.created_at.desc(), Image.id).limit(SHOWN_PICTURES))
    return [(row.id, row.width, row.height) for row in found]


def acts(holding: Holding) -> list[tuple[str, str]]:
    """What the person can do about a kind of data: words and address, without repetition."""
    return list(dict.fromkeys(act for table in holding.tables if table.rows for act in ACTS.get(table.table, ())))


def kept(holding: Holding) -> str | None:
    """Whether law keeps what is held under a heading: all of it, some, or nothing (None)."""
    if not holding.staying:
        return None
    return "Some is kept by law" if holding.leaving else "Kept by law"


def state(request: SubjectRequest) -> tuple[str, str]:
    """Glyph and word for the state of a request; an archive that expired is told as that."""
    if request.kind == "export" and request.state == "done":
        return "held", "Gone again"
    return STATES.get(request.state, ("waiting", request.state))
