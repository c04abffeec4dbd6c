"""The job `export`: makes the archive of one request. Cut off, it begins again and comes to the same manifest.

Nothing is reachable before the last byte is durable: the object store publishes an object whole, and the request names it
only after that. Just before it is published disposal is promised it: when nobody comes to name it, it goes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.errors import RequestStateError, UploadEnded
from datasteward.rights import requests
from datasteward.rights.export import Export
from datasteward.rights.models import SubjectRequest
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.messaging import outbox
from gptimages.privacy.archives import archive_key
from gptimages.studio import pending
from gptimages_jobs.errors import TryAgain, are_away

KIND = "export"
SERVICE = "GPT Images"
TELL_SECONDS = 0.5
AGAIN_SECONDS = 5.0
BROKE = "Your archive could not be made."


def run(here: Installation, ref: str) -> None:
    """Makes the archive for the request `ref`; does nothing when it is answered, taken back, or its person is gone."""
    request = _begin(here, ref)
    if request is None:
        return
    try:
        _make(here, request)
    except TryAgain:
        raise
    except UploadEnded as ended:  # by disposal, which had the promise first
        raise TryAgain(str(ended), AGAIN_SECONDS) from None
    except Exception as error:
        if are_away(error):
            raise
        with here.writing("law", KIND) as session:
            request = requests.get(session, ref)
            if request.state != "running":  # the erasure has closed it meanwhile: there is nobody to answer
                return
            requests.fail(session, request, BROKE, now=here.clock())
        raise


def _begin(here: Installation, ref: str) -> SubjectRequest | None:
    with here.writing("law", KIND) as session:
        request = session.get(SubjectRequest, ref)
        if request is None or session.get(Account, request.subject_id) is None:
            return None
        try:
            requests.begin(session, request)
        except RequestStateError:
            return None
        return request


def _make(here: Installation, request: SubjectRequest) -> None:
    key, size = archive_key(request.id), 0

    def counted(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            size += len(piece)
            yield piece
        with here.writing("law", KIND) as session:
            pending.announce(session, [key], now=here.clock())

    with here.reading("law", KIND) as session:
        export = Export(
            session,
            here.steward,
            request.subject_id,
            service=SERVICE,
            request=request.id,
            asked_at=request.asked_at,
            told=_Teller(here, request.id),
        )
        here.objects.put(request.subject_id, key, counted(export.chunks()))
    with here.writing("law", KIND) as session:
        now = here.clock()
        current = requests.get(session, request.id)
        if current.state != "running":  # an erasure came first; the object stays promised to disposal
            return
        if not pending.settle(session, [key]):
            raise TryAgain("The archive was destroyed before it was noted down; it is made again.", AGAIN_SECONDS)
        result = {
            "files": export.files,
            "records": sum(export.records.values()),
            "unreadable": len(export.unreadable),
        }
        until = now + here.policies.limits.archive_kept.span
        requests.make_ready(session, current, archive=key, size=size, until=until, now=now, result=result)
        _tell(session, here, request.subject_id, until, now)


def _tell(session: Session, here: Installation, account_id: str, until: datetime, now: datetime) -> None:
    """The mail says that it is ready and where to sign in; it holds no link that would open it."""
    title = "Your archive is ready"
    body = f"It stands in your privacy centre until {until.day} {until:%B %Y}; sign in to fetch it."
    outbox.notify(session, account_id, kind="archive", title=title, body=body, now=now, link="/privacy/archive")
    outbox.write_mail(session, here, account_id, kind="archive", subject=title, body=body, now=now)


class _Teller:
    """Writes down how far an archive is, now and then, so that the page can show it."""

    def __init__(self, here: Installation, request_id: str) -> None:
        self._here, self._request_id, self._next = here, request_id, 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() < self._next and done < total:
            return
        self._next = time.monotonic() + TELL_SECONDS
        with self._here.writing("law", KIND) as session:
            requests.progress(session, self._request_id, done, total)
