"""The tables of retention: legal holds, and the plans that were made, with what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import Id, StewardBase
from datasteward.catalog import nobody, owned_by, record, tag
from datasteward.retention.plan import Plan
from datasteward.types import UtcDateTime

CERTIFICATE = {
    **dict.fromkeys(("by", "approved_by"), tag("user.unique_id")),
    **dict.fromkeys(
        (
            "plan",
            "policy_hash",
            "database",
            "as_of",
            "begun_at",
            "ended_at",
            "verified_by",
            "finished",
            "unreadable_in_backups_at",
            "lines",
        ),
        tag("system.operations"),
    ),
}
"""What stands in a certificate, by key path: who acted is somebody's id, everything else working data."""


BODY = dict.fromkeys(Plan.__struct_fields__, tag("system.operations"))
RESULT = dict.fromkeys(("taken", "rows_by_item", "deeds", "archives", "problem"), tag("system.operations"))
"""What stands in a plan and in what its run did, by key path: counts, boundaries and a sentence without personal data."""


class LegalHold(StewardBase):
    """Stops retention and erasure of what it is about (see scope.Scope): who placed it, for which file, when it is to be
    looked at again.

    `file` is the number of the file in which the reason stands, and no words: this row outlives an erasure in the clear.
    """

    __tablename__ = "steward_legal_hold"
    __table_args__ = (
        Index("ix_steward_legal_hold_subject_id", "subject_id"),
        {
            "info": record(
                "user.legal.hold",
                owned_by(
                    "subject_id", or_nobody="A hold may be about rows, a category or a time, and about nobody by name."
                ),
                clocks={"created": "placed_at", "ended": "lifted_at"},
            )
        },
    )

    id: Mapped[Id]
    subject_id: Mapped[str | None] = mapped_column(String(40), info=tag("user.unique_id"))
    table: Mapped[str | None] = mapped_column(String(80), info=tag("user.legal.hold"))
    rows: Mapped[list[list[str]] | None] = mapped_column(
        JSON(none_as_null=True),
        info=tag("user.legal.hold", export=False, why_not="May name rows that are about other people.", holds="list"),
    )
    category: Mapped[str | None] = mapped_column(String(80), info=tag("user.legal.hold"))
    since: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.hold"))
    before: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.hold"))
    file: Mapped[str] = mapped_column(
        String(40),
        info=tag(
            "user.legal.hold", export=False, why_not="Told on request; may concern a proceeding that is not yet public."
        ),
    )
    placed_by: Mapped[str] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    review_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))


class RetentionPlan(StewardBase):
    """A plan as it was shown, and the run that executed it; `body` is the plan's own JSON, counts and boundaries only."""

    __tablename__ = "steward_retention_plan"
    __table_args__ = {"info": record("system.operations", nobody("Counts and boundaries, no row of anybody."))}

    id: Mapped[Id]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("system.operations"))
    made_by: Mapped[str] = mapped_column(String(80), info=tag("user.unique_id"))
    policy_hash: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    body: Mapped[dict[str, Any]] = mapped_column(JSON, info=tag("system.operations", paths=BODY))
    due: Mapped[int] = mapped_column(info=tag("system.operations"))
    state: Mapped[str] = mapped_column(String(16), default="open", info=tag("system.operations"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    approved_by: Mapped[str | None] = mapped_column(String(80), info=tag("user.unique_id"))
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    applied_by: Mapped[str | None] = mapped_column(String(80), info=tag("user.unique_id"))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=tag("system.operations", paths=RESULT))
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=tag("system.operations", paths=CERTIFICATE))
