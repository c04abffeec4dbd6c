"""The table of disclosures: every time personal data went to somebody outside, to whom, what kind and on what ground."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import Id, StewardBase
from datasteward.catalog import owned_by, record, tag
from datasteward.types import UtcDateTime

AUTHORITY = "authority"
"""What a disclosure calls whoever is no processor but has a right by law."""

LONGEST_AUTHORITY = 80
LONGEST_GROUND = 200


class Disclosure(StewardBase):
    """One disclosure of one person's data: the recipient's id in policies/processors.yaml (or AUTHORITY), the
    categories and never the data, the purpose, the ground, and where it went.

    An `authority` is named (it is no person) and has no `region`; a processor has a region and needs no name here.
    """

    __tablename__ = "steward_disclosure"
    __table_args__ = (
        Index("ix_steward_disclosure_subject_id_at", "subject_id", "at"),
        {"info": record("user.legal.disclosure", owned_by("subject_id"), clocks={"created": "at"})},
    )

    id: Mapped[Id]
    subject_id: Mapped[str] = mapped_column(String(40), info=tag("user.unique_id"))
    recipient: Mapped[str] = mapped_column(String(40), index=True, info=tag("user.legal.disclosure"))
    purpose: Mapped[str] = mapped_column(String(40), info=tag("user.legal.disclosure"))
    categories: Mapped[list[str]] = mapped_column(JSON, info=tag("user.legal.disclosure", holds="list"))
    authority: Mapped[str | None] = mapped_column(String(LONGEST_AUTHORITY), info=tag("user.legal.disclosure"))
    region: Mapped[str | None] = mapped_column(String(40), info=tag("user.legal.disclosure"))
    ground: Mapped[str] = mapped_column(String(LONGEST_GROUND), info=tag("user.legal.disclosure"))
    reference: Mapped[str | None] = mapped_column(String(40), info=tag("system.operations"))
    at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.disclosure"))
