"""The job `keys`: changes epochs and people's keys on the schedule of policies/encryption.yaml, and writes down that it did."""

from __future__ import annotations

import structlog

from datasteward.audit import log as audit
from datasteward.errors import KeyFault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.keeping import Kept, keep
from gptimages import opening
from gptimages.installation import Installation
from gptimages_jobs.errors import JobError

log = structlog.get_logger()

KIND = "keys"


def run(here: Installation, ref: str) -> None:
    """Does whatever is due; `ref` only says who asked. Raises JobError when keys cannot be used."""
    try:
        done = _keep(here)
    except KeyFault as fault:
        raise JobError(str(fault)) from fault
    counts = {"rewrapped": done.rewrapped, "ended": done.ended, "staged": done.staged, "promoted": done.promoted}
    if done.begun or any(counts.values()):
        facts: dict[str, audit.Fact] = {"begun": done.begun, **counts}
        with here.writing("law", KIND) as session:
            audit.append(session, "keys.kept", actor=KIND, now=here.clock(), subject=None, **facts)
    log.info("keys kept to the schedule", asked=ref, keys=sum(counts.values()))


def _keep(here: Installation) -> Kept:
    schedule = here.policies.encryption.schedule
    store = opening.key_store(here.settings, here.clock)
    try:
        return keep(KeyAdmin(store, per_second=schedule.per_second), schedule, here.clock())
    finally:
        store.close()
