"""Usage: what counts against a plan. Written with each picture; kept as long as policies/retention.yaml says."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gptimages.activity.models import UsageEvent
from gptimages.models import new_id

PICTURE = "picture"


def record(session: Session, account_id: str, kind: str, *, pictures: int, seconds: float, now: datetime) -> None:
    """Writes down that the person used the service; `seconds` is how long the engine took."""
    event = UsageEvent(
        id=new_id(), account_id=account_id, kind=kind, pictures=pictures, seconds=round(seconds, 1), created_at=now
    )
    session.add(event)


def month_of(now: datetime) -> datetime:
    """The beginning of the calendar month (UTC) that plans count by."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def pictures_this_month(session: Session, account_id: str, now: datetime) -> int:
    """How many pictures were made for the person in this calendar month; deleting one does not give it back."""
    query = select(func.sum(UsageEvent.pictures)).where(
        UsageEvent.account_id == account_id, UsageEvent.created_at >= month_of(now)
    )
    return session.scalar(query) or 0
