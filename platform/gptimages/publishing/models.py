"""The tables of published policy: the versions, who was told of them, and who went on after they took effect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.catalog import nobody, owned_by, record, tag
from datasteward.policy.wording import PolicyText
from datasteward.types import UtcDateTime
from gptimages.models import AccountId, Base, Id, Moment

PUBLIC = tag("system.operations", not_personal="A public text; the addresses in it are the controller's.")


class PolicyVersion(Base):
    """A published version of the privacy policy, with its whole text, so that it stays readable as it was.

    `version` is its date of effect, `YYYY-MM-DD`, and its address. `body` is the text as datasteward.policy reads it.
    """

    __tablename__ = "policy_version"
    __table_args__ = {"info": record("system.operations", nobody("A public text."))}

    version: Mapped[str] = mapped_column(String(10), primary_key=True, info=tag("system.operations"))
    title: Mapped[str] = mapped_column(String(200), info=tag("system.operations"))
    summary: Mapped[str] = mapped_column(Text, info=tag("system.operations"))
    material: Mapped[bool] = mapped_column(info=tag("system.operations"))
    body: Mapped[dict[str, Any]] = mapped_column(
        JSON, info=tag("system.operations", paths=dict.fromkeys(PolicyText.__struct_fields__, PUBLIC))
    )
    text_hash: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    policy_hash: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    effective_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("system.operations"))
    published_at: Mapped[Moment]
    published_by: Mapped[str] = mapped_column(String(40), info=tag("user.unique_id"))


class PolicyNotice(Base):
    """That a person was told of a version before it took effect, in the service and by mail."""

    __tablename__ = "policy_notice"
    __table_args__ = (
        UniqueConstraint("account_id", "version"),
        {"info": record("user.legal.acceptance", owned_by("account_id"), clocks={"created": "told_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    version: Mapped[str] = mapped_column(
        ForeignKey("policy_version.version", ondelete="CASCADE"), index=True, info=tag("user.legal.acceptance")
    )
    notification_id: Mapped[str | None] = mapped_column(
        ForeignKey("notification.id", ondelete="SET NULL"), info=tag("system.operations")
    )
    mail_id: Mapped[str | None] = mapped_column(
        ForeignKey("mail_message.id", ondelete="SET NULL"), info=tag("system.operations")
    )
    told_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.acceptance"))


class Acceptance(Base):
    """That a person signed up under a version, or went on using the service after it took effect: `how` says which."""

    __tablename__ = "acceptance"
    __table_args__ = (
        UniqueConstraint("account_id", "version"),
        {"info": record("user.legal.acceptance", owned_by("account_id"), clocks={"created": "accepted_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    version: Mapped[str] = mapped_column(
        ForeignKey("policy_version.version", ondelete="CASCADE"), index=True, info=tag("user.legal.acceptance")
    )
    how: Mapped[str] = mapped_column(String(20), info=tag("user.legal.acceptance"))
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.acceptance"))
