"""The tables of activity: what was used, what was done with pictures, and from which devices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import ID_LENGTH
from datasteward.catalog import owned_by, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import AccountId, Base, Id, Moment


class UsageEvent(Base):
    """Something that counts against the plan or shows abuse: a run, with how many pictures and how long it took."""

    __tablename__ = "usage_event"
    __table_args__ = (
        Index("ix_usage_event_account_id_created_at", "account_id", "created_at"),
        Index("ix_usage_event_created_at", "created_at"),
        {"info": record("user.behavior.usage", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    kind: Mapped[str] = mapped_column(String(20), info=tag("user.behavior.usage"))
    pictures: Mapped[int] = mapped_column(default=0, info=tag("user.behavior.usage"))
    seconds: Mapped[float] = mapped_column(default=0.0, info=tag("user.behavior.usage"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.behavior.usage"))


class EngagementEvent(Base):
    """What somebody did with a picture: kept, downloaded, shared, reused; in which style.

    Written only for people who do not object to `improve`. Anonymised by retention: `account_id` becomes empty.
    """

    __tablename__ = "engagement_event"
    __table_args__ = (
        Index("ix_engagement_event_created_at", "created_at"),
        {
            "info": record(
                "user.behavior.engagement",
                owned_by("account_id", or_nobody="Retention empties it; what is left then leads to nobody."),
                clocks={"created": "created_at"},
            )
        },
    )

    id: Mapped[Id]
    account_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("account.id", ondelete="CASCADE"), index=True, info=tag("user.unique_id")
    )
    kind: Mapped[str] = mapped_column(String(20), info=tag("user.behavior.engagement"))
    style: Mapped[str] = mapped_column(String(40), info=tag("user.behavior.engagement"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.behavior.engagement.time"))


class DeviceRecord(Base):
    """A device from which the person signed in: network address and browser, both encrypted; to protect the account."""

    __tablename__ = "device_record"
    __table_args__ = {
        "info": record(
            "user.device", owned_by("account_id"), clocks={"created": "created_at", "last_used": "last_seen_at"}
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    ip_address: Mapped[Box | None] = mapped_column(Sealed(), info=tag("user.device.ip_address"))
    user_agent: Mapped[Box | None] = mapped_column(Sealed(), info=tag("user.device.user_agent"))
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
