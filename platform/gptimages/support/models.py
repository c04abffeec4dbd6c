"""The tables of support: questions of people, and reports of abuse or of an under-age person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import ID_LENGTH
from datasteward.catalog import owned_by, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import AccountId, Base, Id


class SupportTicket(Base):
    """A question and its answer, both encrypted under the person's key. `state`: open, answered, closed."""

    __tablename__ = "support_ticket"
    __table_args__ = {
        "info": record(
            "user.support.ticket", owned_by("account_id"), clocks={"created": "created_at", "closed": "closed_at"}
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    topic: Mapped[str] = mapped_column(String(30), info=tag("user.communication.notice"))
    text: Mapped[Box] = mapped_column(Sealed(), info=tag("user.support.ticket"))
    answer: Mapped[Box | None] = mapped_column(Sealed(), info=tag("user.support.ticket"))
    answered_by: Mapped[str | None] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    state: Mapped[str] = mapped_column(String(10), default="open", index=True, info=tag("system.operations"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))


class Report(Base):
    """A report of abuse or of an under-age person, by anybody.

    `keyset` names whose key seals the text: the reporter's when signed in, else the standing one of reports. While one
    member of staff (`removal_by`) proposes to remove an account that is too young, `removal_of` is its id.
    """

    __tablename__ = "report"
    __table_args__ = {
        "info": record(
            "user.support.report",
            owned_by("reporter_id", or_nobody="Anybody may report something, signed in or not."),
            clocks={"created": "created_at", "closed": "closed_at"},
        )
    }

    id: Mapped[Id]
    reporter_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("account.id", ondelete="CASCADE"), index=True, info=tag("user.unique_id")
    )
    kind: Mapped[str] = mapped_column(String(12), info=tag("system.operations"))
    about: Mapped[Box | None] = mapped_column(Sealed(under="keyset"), info=tag("user.support.report"))
    text: Mapped[Box] = mapped_column(Sealed(under="keyset"), info=tag("user.support.report"))
    keyset: Mapped[str] = mapped_column(String(40), info=tag("system.operations"))
    removal_of: Mapped[str | None] = mapped_column(
        String(ID_LENGTH),
        ForeignKey("account.id", ondelete="SET NULL"),
        index=True,
        info=tag("user.unique_id", export=False, why_not="Leads to another person."),
    )
    removal_by: Mapped[str | None] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    state: Mapped[str] = mapped_column(String(10), default="open", index=True, info=tag("system.operations"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("system.operations"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("system.operations"))
