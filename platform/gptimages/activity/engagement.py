"""Engagement: what people do with pictures, to learn which styles are liked.

Opened for `improve` in a transaction of its own, in which only those are there who consented and do not object.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gptimages.accounts.models import Account
from gptimages.activity.models import EngagementEvent
from gptimages.installation import Installation
from gptimages.models import new_id

PURPOSE = "improve"
Kind = Literal["favourite", "download", "share", "reuse"]


def allowed(here: Installation, account_id: str) -> bool:
    """Whether the person's choices let us learn from what they do."""
    with here.reading(PURPOSE, account_id) as session:
        return _there(session, account_id)


def record(here: Installation, account_id: str, kind: Kind, style: str, *, signal: bool = False, now: datetime) -> bool:
    """Writes down what was done with a picture in this style, when the person's choices allow it; returns whether.

    `signal`: the request says no by itself (Global Privacy Control), whatever was agreed to before. Called after the
    transaction of what was done.
    """
    if signal or not allowed(here, account_id):  # asked first, so that a no takes no writer's lock
        return False
    with here.writing(PURPOSE, account_id) as session:
        if not _there(session, account_id):
            return False
        session.add(EngagementEvent(id=new_id(), account_id=account_id, kind=kind, style=style, created_at=now))
        return True


def _there(session: Session, account_id: str) -> bool:
    return session.scalar(select(Account.id).where(Account.id == account_id)) is not None
