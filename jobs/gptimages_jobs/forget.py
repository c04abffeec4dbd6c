"""The job `forget`: empties the database's log of deleted rows, again and again until nobody reads an older state."""

from __future__ import annotations

from gptimages.forgetting import FORGET
from gptimages.installation import Installation
from gptimages_jobs.errors import TryAgain

KIND = FORGET
WAIT_SECONDS = 5.0


def run(here: Installation, ref: str) -> None:  # noqa: ARG001 - there is one log
    """Raises TryAgain while the log is being read."""
    if not here.db.forget_deleted():
        raise TryAgain("The database is being read: its log is emptied of deleted rows later.", WAIT_SECONDS)
