"""Deleted bytes leave the database's log too: at once where nobody reads an older state, else by the job `forget`.

Called after the transaction that deleted something. Neighbours: db.py empties the log; the job stands in gptimages_jobs.
"""

from __future__ import annotations

from sqlalchemy import select

from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job

FORGET = "forget"
LOG = "log"


def forget_deleted(here: Installation) -> None:
    """Empties the log of what was deleted, or promises that it is done as soon as the readers are gone. Waits for nobody."""
    if here.db.forget_deleted():
        return
    with here.writing("deliver", FORGET) as session:
        waiting = select(Job.id).where(Job.kind == FORGET, Job.state == "queued")  # one that runs may be past it
        if session.scalar(waiting.limit(1)) is None:
            queue.promise(session, FORGET, LOG, now=here.clock())
