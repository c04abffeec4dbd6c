"""The job `keys`: changes epochs and people's keys on the schedule of policies/encryption.yaml, and writes down that it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from datasteward.audit import log as audit
from datasteward.errors import KeyFault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.ages import ages
from datasteward.keys.changing import Changing
from datasteward.keys.keeping import Kept, keep
from datasteward.keys.roles import OthersWork
from gptimages import opening
from gptimages.installation import Installation
from gptimages_jobs.errors import JobError

log = structlog.get_logger()

KIND = "keys"
LATE = (
    "A change of keys is late, and this process may not do it: find out why gptimages keys keep does not run each night with the "
    "owner's GPTIMAGES_KEY_STORE."
)


class OthersJob(JobError):
    """The keys are changed by another process: the owner's of the key store."""


def run(here: Installation, ref: str) -> None:
    """Does whatever is due; `ref` only says who asked. Raises JobError as `keep_to_schedule`.

    A process that opens the key store as another role than its owner (datasteward.keys.roles) only looks whether whoever
    owns it keeps the keys, and raises JobError when something is late.
    """
    try:
        keep_to_schedule(here, ref)
    except OthersJob:
        schedule, now = here.policies.encryption.schedule, here.clock()
        state = here.vault.state(made_before=schedule.persons.before(now))
        if any(age.late for age in ages(state, schedule, now)):
            raise JobError(LATE) from None
        log.info("keys are left to the owner of the key store", asked=ref)


def keep_to_schedule(here: Installation, ref: str) -> None:
    """Does whatever is due. Raises JobError when keys cannot be used or are damaged, OthersJob where they are another's."""
    try:
        done = _keep(here)
    except OthersWork as fault:
        raise OthersJob(str(fault)) from fault
    except KeyFault as fault:
        raise JobError(str(fault)) from fault
    counts = {"rewrapped": done.rewrapped, "ended": done.ended, "staged": done.staged, "promoted": done.promoted}
    if done.begun or any(counts.values()):
        write(here, "keys.kept", by=KIND, begun=done.begun, **counts)
    log.info("keys kept to the schedule", asked=ref, keys=sum(counts.values()))
    if done.damaged:
        raise JobError(
            f"The keysets of {done.damaged} people are damaged, and their epoch cannot end: run gptimages keys rotate epoch, "
            "which names them."
        )


def _keep(here: Installation) -> Kept:
    with changing(here, "schedule", by=KIND) as admin:
        return keep(admin, here.policies.encryption.schedule, here.clock())


@contextmanager
def changing(
    here: Installation, what: str, *, by: str, told: Callable[[int], None] = lambda _done: None
) -> Iterator[KeyAdmin]:
    """Changes of keys on the key store as its owner opens it; that there are any is written down before the first.

    Raises KeyStoreError and RootKeyError when the key store cannot be opened, OthersWork when it is another's.
    """
    store = opening.key_store(here.settings, here.clock)
    try:
        pace = Changing(store, per_second=here.policies.encryption.schedule.per_second, told=told)
        yield KeyAdmin(pace, before=lambda: write(here, "keys.changing", by=by, what=what))
    finally:
        store.close()


def write(here: Installation, act: str, *, by: str, **facts: audit.Fact) -> None:
    """Writes down what is done with keys."""
    with here.writing("law", by) as session:
        audit.append(session, act, actor=by, now=here.clock(), subject=None, **facts)
