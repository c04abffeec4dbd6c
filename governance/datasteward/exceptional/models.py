"""The table of exceptional accesses: who asked for what, who approved it, and when it was carried out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import Id, StewardBase
from datasteward.catalog import owned_by, record, tag
from datasteward.types import UtcDateTime


class Kind(StrEnum):
    """What is asked for: one person's sealed words, a table's words of everybody, or the keysets of one person."""

    BREAK_GLASS = "break_glass"
    BULK = "bulk"
    KEYSET_EXPORT = "keyset_export"


class ExceptionalAccess(StewardBase):
    """One access that was asked for. `file` is the number of the file in which the reason stands, as with legal holds.

    `policy_hash` is the policy set under which it was asked for: under another one it does not hold any more.
    """

    __tablename__ = "steward_exceptional_access"
    __table_args__ = (
        Index("ix_steward_exceptional_access_subject_id", "subject_id"),
        {
            "info": record(
                "user.legal.access",
                owned_by("subject_id", or_nobody="A reading of a whole table is about nobody by name."),
                clocks={"created": "asked_at"},
            )
        },
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20), info=tag("user.legal.access"))
    subject_id: Mapped[str | None] = mapped_column(String(40), info=tag("user.unique_id"))
    table: Mapped[str | None] = mapped_column(String(80), info=tag("user.legal.access"))
    file: Mapped[str] = mapped_column(
        String(40),
        info=tag(
            "user.legal.access",
            export=False,
            why_not="Told on request; may concern a proceeding that is not yet public.",
        ),
    )
    policy_hash: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    asked_by: Mapped[str] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("user.legal.access"))
    approved_by: Mapped[str | None] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.access"))
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.access"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.access"))
