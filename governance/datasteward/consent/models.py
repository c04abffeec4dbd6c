"""The tables of consents and objections: the history, of which nothing is overwritten, and what stands now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import Id, StewardBase
from datasteward.catalog import owned_by, record, tag
from datasteward.types import UtcDateTime


class ConsentRecord(StewardBase):
    """One answer about one purpose: `consent` given or withdrawn, `objection` made or taken back; the latest counts.

    `wording` is the hash of the policy set whose words the person saw (GDPR 7(1): the controller can show it).
    """

    __tablename__ = "steward_consent_record"
    __table_args__ = (
        Index("ix_steward_consent_record_subject_id_purpose_at", "subject_id", "purpose", "at"),
        {"info": record("user.legal.consent", owned_by("subject_id"), clocks={"created": "at"})},
    )

    id: Mapped[Id]
    subject_id: Mapped[str] = mapped_column(String(40), info=tag("user.unique_id"))
    purpose: Mapped[str] = mapped_column(String(40), info=tag("user.legal.consent"))
    kind: Mapped[str] = mapped_column(String(10), info=tag("user.legal.consent"))
    granted: Mapped[bool] = mapped_column(info=tag("user.legal.consent"))
    how: Mapped[str] = mapped_column(String(40), info=tag("user.legal.consent"))
    wording: Mapped[str] = mapped_column(String(64), info=tag("user.legal.consent"))
    at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.consent"))


class Standing(StewardBase):
    """What stands now: a `consent` or an `objection` to one purpose, or a `restriction` of all (`purpose` is `*`).

    Kept beside the history so that a purpose's filter is one look into an index; written by `records` and `restriction`.
    """

    __tablename__ = "steward_standing"
    __table_args__ = {"info": record("user.legal.consent", owned_by("subject_id"))}

    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("user.unique_id"))
    purpose: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("user.legal.consent"))
    kind: Mapped[str] = mapped_column(String(12), primary_key=True, info=tag("user.legal.consent"))
