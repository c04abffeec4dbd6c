"""The tables of billing: who pays through Stripe, for what, and the transactions that tax law makes us keep.

Transactions hold the opaque id without a foreign key: they outlive the account for as long as the law says. Card data
never reaches these tables.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import ID_LENGTH
from datasteward.catalog import owned_by, owned_via, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import Base, Id, Moment


class Customer(Base):
    """The person as Stripe knows them: Stripe's id and the tax country, nothing else."""

    __tablename__ = "customer"
    __table_args__ = {
        "info": record("user.financial.customer", owned_by("account_id"), clocks={"created": "created_at"})
    }

    id: Mapped[Id]
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), unique=True, info=tag("user.unique_id")
    )
    stripe_id: Mapped[str] = mapped_column(String(64), unique=True, info=tag("user.financial.customer"))
    country: Mapped[str] = mapped_column(String(2), info=tag("user.contact.address.country"))
    created_at: Mapped[Moment]


class Subscription(Base):
    """A plan that was subscribed to, its state and the period paid for."""

    __tablename__ = "subscription"
    __table_args__ = {
        "info": record(
            "user.financial.subscription",
            owned_via("customer_id"),
            clocks={"created": "created_at", "ended": "ended_at"},
        )
    }

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customer.id", ondelete="CASCADE"), index=True, info=tag("system.operations")
    )
    stripe_id: Mapped[str] = mapped_column(String(64), unique=True, info=tag("user.financial.subscription"))
    plan: Mapped[str] = mapped_column(String(20), info=tag("user.financial.subscription"))
    state: Mapped[str] = mapped_column(String(20), info=tag("user.financial.subscription"))
    paid_until: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.financial.subscription"))
    created_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]


class Transaction(Base):
    """One invoice or refund, in minor units of its currency, with the country whose tax law sets how long it is kept.

    `billed_to` is the name and address on the invoice, None on a simplified one, which needs neither (Directive
    2006/112/EC Art. 226(5), 226b). It is sealed under the keys for records: readable as long as the invoice is kept.
    """

    __tablename__ = "transaction"
    __table_args__ = (
        Index("ix_transaction_subject_id", "subject_id"),
        Index("ix_transaction_country_occurred_at", "country", "occurred_at"),
        {
            "info": record(
                "user.financial.transaction",
                owned_by("subject_id"),
                clocks={"created": "occurred_at", "fiscal_year_end": "occurred_at"},
                country="country",
            )
        },
    )

    id: Mapped[Id]
    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH), info=tag("user.unique_id"))
    stripe_id: Mapped[str] = mapped_column(String(64), unique=True, info=tag("user.financial.transaction"))
    number: Mapped[str] = mapped_column(String(40), info=tag("user.financial.transaction"))
    kind: Mapped[str] = mapped_column(String(10), info=tag("user.financial.transaction"))
    amount: Mapped[int] = mapped_column(info=tag("user.financial.transaction"))
    currency: Mapped[str] = mapped_column(String(3), info=tag("user.financial.transaction"))
    country: Mapped[str] = mapped_column(String(2), info=tag("user.contact.address.country"))
    billed_to: Mapped[Box | None] = mapped_column(Sealed(), info=tag("user.financial.transaction.billed_to"))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.financial.transaction"))
