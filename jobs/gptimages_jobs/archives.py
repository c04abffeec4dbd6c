"""The job `archives`: archives that stand longer than policies/limits.yaml allows are destroyed."""

from __future__ import annotations

from datasteward.rights import requests
from gptimages.installation import Installation
from gptimages_jobs import disposal

KIND = "archives"


def run(here: Installation, ref: str) -> None:
    """Puts every expired archive into the outbox of the object store, and empties it as the job `disposal` does.

    Raises TryAgain when something could not be destroyed now.
    """
    now = here.clock()
    with here.writing("law", KIND) as session:
        for request in requests.expired(session, now):
            requests.expire(session, request, now=now)
    disposal.run(here, ref)
