"""Destroys the bytes of objects whose rows are gone, and keys that retention shreds, until the outboxes are empty."""

from __future__ import annotations

import structlog
from sqlalchemy import func, select

from datasteward.disposal.disposal import destroy_objects, require_answer
from datasteward.disposal.keys import destroy_keys, destroy_records
from datasteward.disposal.models import KeyDisposal, ObjectDisposal
from datasteward.errors import LedgerError, ObjectStoreAway
from datasteward.retention import holds
from datasteward.retention.held import Held
from gptimages.installation import Installation
from gptimages_jobs.errors import TryAgain

log = structlog.get_logger()

KIND = "disposal"
WAIT_SECONDS = 300.0


def run(here: Installation, ref: str) -> None:
    """Empties both outboxes; `ref` only says who asked. Raises TryAgain when something could not be destroyed now."""
    try:
        keys = _keys(here)
    except LedgerError as error:
        raise TryAgain(str(error), WAIT_SECONDS) from None
    done = 0
    while _answers(here):
        with here.writing("law", KIND) as session:
            batch = destroy_objects(session, here.objects)
        done += batch
        if not batch:
            break
    with here.reading("law", KIND) as session:
        waiting = session.scalar(select(func.count()).select_from(ObjectDisposal)) or 0
    log.info("objects destroyed", asked=ref, objects=done, keys=keys, waiting=waiting)
    if waiting:
        raise TryAgain("Some objects could not be destroyed yet; it is tried again.", WAIT_SECONDS)


def _answers(here: Installation) -> bool:
    """Whether something waits for a store that answers. Raises TryAgain when it does not answer."""
    with here.reading("law", KIND) as session:
        key = session.scalar(select(ObjectDisposal.key).limit(1))
    if key is None:
        return False
    try:
        require_answer(here.objects, key)
    except ObjectStoreAway as error:
        raise TryAgain(str(error), WAIT_SECONDS) from None
    return True


def _keys(here: Installation) -> int:
    done = 0
    while True:
        with here.writing("law", KIND) as session:
            holds.guard(session)
            kept = Held(session, here.catalog).keeps_key(KeyDisposal.subject_id)
            batch = destroy_keys(session, here.vault, now=here.clock(), ledger=here.steward.ledger, kept=kept)
        with here.writing("law", KIND) as session:
            holds.guard(session)
            batch += destroy_records(session, here.steward, clock=here.clock)
        done += batch
        if not batch:
            return done
