"""The job `keys`: changes epochs and people's keys on the schedule of policies/encryption.yaml, and writes down that it did."""

from __future__ import annotations

import structlog

from datasteward.audit import log as audit
from datasteward.errors import KeyFault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.keeping import Kept, keep
from gptimages import opening
from gptimages.installation import Installation
from gptimages_jobs.errors import JobError

log = structlog.get_logger()

KIND = "keys"


def run(here: Installation, ref: str) -> None:
    """Does whatever is due; `ref` only says who asked. Raises JobError when keys cannot be used or are damaged."""
    try:
        done = _keep(here)
    except KeyFault as fault:
        raise JobError(str(fault)) from fault
    counts = {"rewrapped": done.rewrapped, "ended": done.ended, "staged": done.staged, "promoted": done.promoted}
    if done.begun or any(counts.values()):
        _write(here, "keys.kept", begun=done.begun, **counts)
    log.info("keys kept to the schedule", asked=ref, keys=sum(counts.values()))
    if done.damaged:
        raise JobError(
            f"The keysets of {done.damaged} people are damaged, and their epoch cannot end: run gptimages keys rotate epoch, "
            "which names them."
        )


def _keep(here: Installation) -> Kept:
    schedule = here.policies.encryption.schedule
    store = opening.key_store(here.settings, here.clock)
    try:
        changing = Changing(store, per_second=schedule.per_second)
        admin = KeyAdmin(changing, before=lambda: _write(here, "keys.changing", what="schedule"))
        return keep(admin, schedule, here.clock())
    finally:
        store.close()


def _write(here: Installation, act: str, **facts: audit.Fact) -> None:
    with here.writing("law", KIND) as session:
        audit.append(session, act, actor=KIND, now=here.clock(), subject=None, **facts)
