"""The job `erase`: carries out the erasure that one request asks for, when its time of waiting is over.

Cut off at whatever step, it goes on from there. Who the person was is asked of nobody: the request holds the opaque id.
"""

from __future__ import annotations

from datasteward.errors import ErasureUnfinished, HoldInTheWay, LedgerError, ObjectStoreError, RequestStateError
from datasteward.rights.erasure import Erasure
from datasteward.rights.models import SubjectRequest
from gptimages.installation import Installation
from gptimages_jobs.errors import TryAgain

KIND = "erase"
SOON = 30.0
WAITING = ("waiting", "running", "blocked")


def run(here: Installation, ref: str) -> None:
    """Erases for the request `ref`; does nothing when it was taken back, is done, or its time has not come.

    Under a legal hold the request becomes `blocked`; the job `erasures` takes it up again when the hold is lifted.
    Raises TryAgain while an object cannot be destroyed, the ledger cannot be written, or something came in meanwhile.
    """
    with here.reading("law", KIND) as session:
        request = session.get(SubjectRequest, ref)
    if request is None or request.state not in WAITING:
        return
    if request.run_after is not None and request.run_after > here.clock():
        return
    # The erasure works on copies in temporary tables, which no purpose makes, and on the rows of the restricted too.
    erasure = Erasure(here.steward, here.db.write, ref, clock=here.clock, after=lambda: _forget(here))
    try:
        erasure.run()
    except HoldInTheWay:
        return
    except (ErasureUnfinished, ObjectStoreError, LedgerError) as unfinished:
        raise TryAgain(str(unfinished), SOON) from None
    except RequestStateError:
        return


def _forget(here: Installation) -> None:
    if not here.db.forget_deleted():
        raise ErasureUnfinished("The database is being read: its log is emptied of deleted rows later.")
