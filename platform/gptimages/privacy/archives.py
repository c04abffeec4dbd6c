"""The archive of one's own data: asked for, made by the job `export`, fetched while it stands, gone after that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from datasteward.rights import requests
from datasteward.rights.models import SubjectRequest
from gptimages.accounts import people
from gptimages.errors import LimitReached, NotFound
from gptimages.installation import Installation
from gptimages.queue import queue

EXPORT: Final = "export"
DAY = timedelta(days=1)  # what `archives-per-day` of policies/limits.yaml counts over


def archive_key(request_id: str) -> str:
    """The key of the object that holds the archive."""
    return f"archive/{request_id}"


def ask(session: Session, here: Installation, account_id: str, *, via: str, now: datetime) -> SubjectRequest:
    """Asks for an archive; an older one that still stands goes, so that there is never more than one.

    Raises LimitReached, or RequestStateError while one is being made.
    """
    _refuse_too_many(session, here, account_id, now)
    account = people.get(session, account_id)
    before = requests.last(session, account_id, EXPORT)
    made = requests.ask(session, here.policies, account_id, EXPORT, country=account.country, now=now, via=via)
    if before is not None and before.state == "ready":
        requests.expire(session, before, now=now)
    queue.promise(session, EXPORT, made.id, now=now)
    return made


def newest(session: Session, account_id: str) -> SubjectRequest | None:
    """The request that the page shows: the newest that was not taken back."""
    return requests.last(session, account_id, EXPORT)


def standing(session: Session, account_id: str, *, now: datetime) -> tuple[SubjectRequest, str]:
    """The request whose archive stands, and the key of its object.

    Raises NotFound when none was asked for, RequestStateError when there is none or it has expired.
    """
    request = requests.last(session, account_id, EXPORT)
    if request is None:
        raise NotFound("There is no archive of yours: prepare one first.")
    return request, requests.archive_of(request, now=now)


def file_name(request: SubjectRequest) -> str:
    """What the archive is called when it is saved."""
    return f"gpt-images-{request.asked_at:%Y-%m-%d}.zip"


def _refuse_too_many(session: Session, here: Installation, account_id: str, now: datetime) -> None:
    limit = here.policies.limits.archives_per_day
    asked = requests.asked_since(session, account_id, EXPORT, now - DAY)
    if len(asked) >= limit.value:
        wait = int((asked[-limit.value] + DAY - now).total_seconds()) + 1
        raise LimitReached(
            f"You asked for {limit.value} archives within a day, which is all for now; try again tomorrow.",
            retry_after=wait,
        )
