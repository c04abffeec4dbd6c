"""Whether the clock that retention reckons by can be trusted: what jumped ahead would dispose of what is not due.

Two witnesses: the times in the audit log, where every day has its entries, and a clock that only counts seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry
from datasteward.errors import ClockJumped

Clock = Callable[[], datetime]
PLANNED = "retention.planned"


def jump(session: Session, now: datetime, allowed: timedelta) -> int:
    """By how many seconds the clock seems to have jumped ahead since the plan before this one: 0 when it has not.

    It has when nothing was written down for longer than `allowed`. Somebody who knows better may approve the plan. Before
    the first plan only the last entry counts: what lies before it may have been brought along from elsewhere.
    """
    last = select(func.max(AuditEntry.number))
    planned = last.where(AuditEntry.act == PLANNED)
    since = func.coalesce(planned.scalar_subquery(), last.scalar_subquery())
    before, most = None, timedelta(0)
    query = select(AuditEntry.at).where(AuditEntry.number >= since).order_by(AuditEntry.number)
    with session.execute(query.execution_options(yield_per=1000)) as found:
        for at in found.scalars():
            most = max(most, at - before) if before else most
            before = at
    most = max(most, now - before) if before else most
    return int(most.total_seconds()) if most > allowed else 0


class ClockWatch:
    """Compares the clock with one that only counts, as long as a run lasts."""

    def __init__(self, clock: Clock, allowed: timedelta) -> None:
        self._clock, self._allowed = clock, allowed
        self._began, self._counted = clock().astimezone(UTC), time.monotonic()

    def now(self) -> datetime:
        """The time (UTC). Raises ClockJumped when it is not what has gone by since the run began."""
        now = self._clock().astimezone(UTC)
        counted = timedelta(seconds=time.monotonic() - self._counted)
        if not -self._allowed <= now - self._began - counted <= self._allowed:
            raise ClockJumped("The clock has jumped while the plan was carried out: set it right, then carry it on.")
        return now
