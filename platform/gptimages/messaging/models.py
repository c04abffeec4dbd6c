"""The tables of messages: notices in the service, mail on its way, and which mail a person wants.

Mail has no address column: it goes to the address that the account has when it is sent, and to nobody after an erasure.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.catalog import owned_by, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import AccountId, Base, Id, Moment


class Notification(Base):
    """A notice in the service: the same words for everybody it concerns, so nothing in it is personal."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_account_id_created_at", "account_id", "created_at"),
        {"info": record("user.communication.notice", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    kind: Mapped[str] = mapped_column(String(30), info=tag("user.communication.notice"))
    title: Mapped[str] = mapped_column(String(200), info=tag("user.communication.notice"))
    body: Mapped[str] = mapped_column(Text, info=tag("user.communication.notice"))
    link: Mapped[str | None] = mapped_column(String(200), info=tag("user.communication.notice"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.communication.notice"))
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.communication.notice"))


class MailMessage(Base):
    """A mail in the outbox: subject and text encrypted under the person's key.

    `state`: waiting; sending (until `next_try_at` somebody is at it); sent, or kept where no mail is sent; failed.
    """

    __tablename__ = "mail_message"
    __table_args__ = (
        Index("ix_mail_message_state_next_try_at", "state", "next_try_at"),
        {"info": record("user.communication.mail", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    kind: Mapped[str] = mapped_column(String(30), info=tag("user.communication.notice"))
    subject: Mapped[Box] = mapped_column(Sealed(), info=tag("user.communication.mail"))
    body: Mapped[Box] = mapped_column(Sealed(), info=tag("user.communication.mail"))
    promotional: Mapped[bool] = mapped_column(default=False, info=tag("user.communication.notice"))
    state: Mapped[str] = mapped_column(String(10), default="waiting", info=tag("system.operations"))
    attempts: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    next_try_at: Mapped[Moment]
    created_at: Mapped[Moment]
    sent_at: Mapped[Moment | None]


class CommunicationPreference(Base):
    """Which mail the person wants beyond what the service must say; one row a person."""

    __tablename__ = "communication_preference"
    __table_args__ = {
        "info": record("user.communication.preference", owned_by("account_id"), clocks={"last_used": "updated_at"})
    }

    id: Mapped[Id]
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), unique=True, info=tag("user.unique_id")
    )
    promotional: Mapped[bool] = mapped_column(default=False, info=tag("user.communication.preference"))
    updated_at: Mapped[Moment]
