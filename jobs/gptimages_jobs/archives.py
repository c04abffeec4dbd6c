"""The job `archives`: archives that stand longer than policies/limits.yaml allows are destroyed."""

from __future__ import annotations

from datasteward.disposal import disposal
from datasteward.rights import requests
from gptimages.installation import Installation

KIND = "archives"


def run(here: Installation, ref: str) -> None:  # noqa: ARG001 - the clock gives no row
    """Puts every expired archive into the outbox of the object store, and destroys what stands there."""
    now = here.clock()
    with here.writing("law", KIND) as session:
        for request in requests.expired(session, now):
            requests.expire(session, request, now=now)
    with here.writing("law", KIND) as session:
        disposal.destroy_objects(session, here.objects)
