"""What kind of installation made the database: a demo, or one for real people. Neither is ever opened as the other.

So the demo provider can sign nobody into a production database, and invented people are never mixed with real ones.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from datasteward.catalog import nobody, record, tag
from gptimages.db import Database
from gptimages.errors import StartError
from gptimages.models import Base, Moment

DEMO, SERVICE = "demo", "service"
DEMO_IS_NOT = (
    "This database belongs to a service with real people: unset GPTIMAGES_DEMO, or set GPTIMAGES_DATA to another."
)
SERVICE_IS_NOT = "This database belongs to a demo: set GPTIMAGES_DEMO=true, or GPTIMAGES_DATA to another directory."


class Origin(Base):
    """The one row that says whether this is a demo's database or a service's."""

    __tablename__ = "origin"
    __table_args__ = {"info": record("system.operations", nobody("One word about the whole database."))}  # noqa: RUF012

    kind: Mapped[str] = mapped_column(String(10), primary_key=True, info=tag("system.operations"))
    made_at: Mapped[Moment]


def is_demo(session: Session) -> bool:
    """Whether a demo made this database; False as long as nobody has settled it."""
    return session.scalar(select(Origin.kind)) == DEMO


def is_settled(db: Database) -> bool:
    """Whether somebody has: a database of which nobody has, or without tables, holds nobody's data."""
    with db.read() as session:
        there = inspect(session.connection()).has_table(Origin.__tablename__)
        return there and session.scalar(select(Origin.kind)) is not None


def settle(session: Session, *, demo: bool, now: datetime) -> None:
    """Writes the word at the first opening; at each later one raises StartError when the settings say otherwise."""
    wanted = DEMO if demo else SERVICE
    found = session.scalars(select(Origin)).one_or_none()
    if found is None:
        session.add(Origin(kind=wanted, made_at=now))
    elif found.kind != wanted:
        raise StartError(DEMO_IS_NOT if demo else SERVICE_IS_NOT)
