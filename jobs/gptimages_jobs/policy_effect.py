"""Tells everybody of each published version of the policy before it takes effect; batch by batch, each its own transaction.

Run when a version is published and on the schedule, so that whoever signs up in between is told too.
"""

from __future__ import annotations

from datasteward.audit import log as audit
from gptimages.installation import Installation
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion

KIND = versions.TELLING


def run(here: Installation, _ref: str) -> None:
    """Tells of every coming version, the next first, who has not been told of it."""
    with here.reading("communicate", KIND) as session:
        rows = versions.all_coming(session, here.clock())
    for row in rows:
        _tell_everybody(here, row)


def _tell_everybody(here: Installation, row: PolicyVersion) -> None:
    told = 0
    while (now := here.clock()) < row.effective_at:
        with here.writing("communicate", KIND) as session:
            batch = versions.tell(session, here, row, now=now)
            told += batch
            if not batch and told:
                audit.append(session, "policy.told", actor=KIND, now=now, version=row.version, people=told)
        if not batch:
            return
