"""Tells everybody of a published version of the policy before it takes effect; batch by batch, each its own transaction.

Run when a version is published and on the schedule, so that whoever signs up in between is told too.
"""

from __future__ import annotations

from datasteward.audit import log as audit
from gptimages.installation import Installation
from gptimages.publishing import versions

KIND = versions.TELLING


def run(here: Installation, _ref: str) -> None:
    """Tells who has not been told of the coming version."""
    told = 0
    while True:
        now = here.clock()
        with here.db.write() as session:
            row = versions.coming(session, now)
            batch = versions.tell(session, here, row, now=now) if row else 0
            told += batch
            if row and not batch and told:
                audit.append(session, "policy.told", actor=KIND, now=now, version=row.version, people=told)
        if not batch:
            return
