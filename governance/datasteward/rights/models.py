"""The table of data-subject requests: what a person asked for, by when it must be answered, and how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import Id, StewardBase
from datasteward.catalog import owned_by, record, tag
from datasteward.disposal.models import ObjectKey
from datasteward.types import UtcDateTime

RESULT = dict.fromkeys(
    (
        *("files", "records", "unreadable"),
        *("policy", "rows", "objects", "kept", "ledger"),
        *("unreadable_at", "unreadable_in_backups_at", "keyset_exported_at"),
        *("farewell", "rows_at", "key_at"),
    ),
    tag("user.legal.request"),
)
"""What stands in the result of an archive, of an erasure and of one under way, by key path: counts, times and hashes."""


class SubjectRequest(StewardBase):
    """One request of one person: kind `export` or `erasure`.

    It outlives an erasure (the proof that it was answered), so it holds the opaque id, counts and times and no content.
    States: see rights.requests.
    """

    __tablename__ = "steward_subject_request"
    __table_args__ = (
        Index("ix_steward_subject_request_subject_id", "subject_id"),
        Index("ix_steward_subject_request_state_due", "state", "run_after"),
        {
            "info": record(
                "user.legal.request", owned_by("subject_id"), clocks={"created": "asked_at", "closed": "closed_at"}
            )
        },
    )

    id: Mapped[Id]
    subject_id: Mapped[str] = mapped_column(String(40), info=tag("user.unique_id"))
    kind: Mapped[str] = mapped_column(String(16), info=tag("user.legal.request"))
    state: Mapped[str] = mapped_column(String(16), info=tag("user.legal.request"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
    answer_by: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
    run_after: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
    done: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    total: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    problem: Mapped[str | None] = mapped_column(String(200), info=tag("user.legal.request"))
    archive: Mapped[str | None] = mapped_column(
        ObjectKey,
        info=tag(
            "user.legal.request",
            export=False,
            why_not="The key of an earlier archive, which holds this same data.",
            holds="object",
        ),
    )
    archive_bytes: Mapped[int | None] = mapped_column(info=tag("user.legal.request"))
    archive_until: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=tag("user.legal.request", paths=RESULT))
