"""The table of the audit log. Written only by audit.log; no row is ever changed or deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import StewardBase
from datasteward.catalog import nobody, record, tag
from datasteward.types import UtcDateTime


class AuditEntry(StewardBase):
    """One thing that was done: who, what, to what, when; opaque ids and counts only.

    `entry` is the canonical JSON that was hashed; `leaf` is its RFC 6962 leaf hash; `chain` binds it to all before it.
    """

    __tablename__ = "steward_audit_entry"
    __table_args__ = {
        "info": record(
            "system.operations", nobody("Entries hold opaque ids and counts, and have to outlive an erasure.")
        )
    }

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        info=tag("system.operations"),
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("system.operations"))
    act: Mapped[str] = mapped_column(String(80), index=True, info=tag("system.operations"))
    actor: Mapped[str] = mapped_column(String(80), info=tag("user.unique_id"))
    subject_id: Mapped[str | None] = mapped_column(String(40), index=True, info=tag("user.unique_id"))
    entry: Mapped[bytes] = mapped_column(LargeBinary, info=tag("user.unique_id"))
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32), info=tag("system.operations"))
    chain: Mapped[bytes] = mapped_column(LargeBinary(32), info=tag("system.operations"))
