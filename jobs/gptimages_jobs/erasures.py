"""The job `erasures`: looks for erasures whose time has come, also those whose legal hold was lifted, and promises each."""

from __future__ import annotations

from sqlalchemy import select

from datasteward.retention import holds
from datasteward.rights import requests
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_jobs.erase import KIND as ERASE

KIND = "erasures"


def run(here: Installation, ref: str) -> None:  # noqa: ARG001 - the clock gives no row
    """Promises a job for every erasure that is due, not held, and has none waiting."""
    now = here.clock()
    with here.db.write() as session:
        for request in requests.due(session, now):
            promised = select(Job.id).where(
                Job.kind == ERASE, Job.ref == request.id, Job.state.in_(("queued", "running")), Job.run_after <= now
            )
            if session.scalar(promised.limit(1)) is None and not holds.held(session, request.subject_id):
                queue.promise(session, ERASE, request.id, now=now)
