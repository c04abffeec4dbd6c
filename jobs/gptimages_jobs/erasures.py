"""The job `erasures`: looks for erasures whose time has come, also those whose legal hold was lifted, and promises each."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.rights import requests
from datasteward.rights.blocking import goes_on
from datasteward.rights.models import SubjectRequest
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_jobs.erase import KIND as ERASE

KIND = "erasures"


def run(here: Installation, ref: str) -> None:  # noqa: ARG001 - the clock gives no row
    """Promises a job for every erasure that is due, has none waiting, and that no hold keeps from getting any further."""
    now = here.clock()
    with here.writing("law", KIND) as session:
        for request in requests.due(session, now):
            promised = select(Job.id).where(
                Job.kind == ERASE, Job.ref == request.id, Job.state.in_(("queued", "running")), Job.run_after <= now
            )
            if session.scalar(promised.limit(1)) is None and _may_go_on(session, here, request):
                queue.promise(session, ERASE, request.id, now=now)


def _may_go_on(session: Session, here: Installation, request: SubjectRequest) -> bool:
    return request.state != "blocked" or goes_on(session, here.steward, request.subject_id)
