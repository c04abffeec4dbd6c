"""People of the service and what they used, for retention on its own tables, and what a plan says of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from support.retention_tables import NOW

from datasteward.base import new_id
from datasteward.keys import Box
from datasteward.retention.plan import Item, Plan
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.db import Database

SEALED = Box(b"\x01" + b"sealed".rjust(40))
"""Of the form of a sealed value; no key opens it."""


def account(db: Database, name: str = "ada", *, came: datetime = NOW) -> str:
    """A person, whose sealed fields nothing here opens."""
    with db.write() as session:
        session.add(
            Account(
                id=name,
                name=SEALED,
                email=SEALED,
                avatar=None,
                country="NO",
                minimum_age=13,
                plan="free",
                created_at=came,
                last_seen_at=NOW,
            )
        )
    return name


def use(db: Database, who: str, *moments: datetime) -> None:
    """Usage events at these moments."""
    with db.write() as session:
        session.add_all(UsageEvent(id=new_id(), account_id=who, kind="run", created_at=at) for at in moments)


def item(plan: Plan, rule: str) -> Item:
    """The item of one rule."""
    return next(each for each in plan.items if each.rule == rule)


def rows(db: Database, model: type) -> int:
    """How many rows the table has."""
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
