"""Engagement: what people do with pictures, to learn which styles are liked. Never for who objects to `improve`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from datasteward.consent import records as consent
from gptimages.activity.models import EngagementEvent
from gptimages.installation import Installation
from gptimages.models import new_id

PURPOSE = "improve"
Kind = Literal["favourite", "download", "share", "reuse"]


def record(
    session: Session,
    here: Installation,
    account_id: str,
    kind: Kind,
    style: str,
    *,
    signal: bool = False,
    now: datetime,
) -> bool:
    """Writes down what was done with a picture in this style, when the person's choices allow it; returns whether.

    `signal`: the request says no by itself (Global Privacy Control), whatever was agreed to before.
    """
    if signal or not consent.allowed(session, here.policies, account_id, PURPOSE):
        return False
    session.add(EngagementEvent(id=new_id(), account_id=account_id, kind=kind, style=style, created_at=now))
    return True
