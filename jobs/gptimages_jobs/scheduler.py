"""The scheduler: at the times of policies/schedule.yaml it promises a job, and does nothing else.

APScheduler is the trigger, our queue is where the state lives: a tick that was missed while the process was down is made up
for once at the next start, and two ticks at the same time promise one job.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import func, select

from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job

REF = "schedule"
ACTOR = "scheduler"


class Scheduler:
    """Promises the jobs of policies/schedule.yaml between `start` and `stop`."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._triggers = {
            entry.id: CronTrigger.from_crontab(entry.cron, timezone=entry.timezone) for entry in here.policies.schedule
        }
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def start(self) -> None:
        """Makes up for ticks that were missed, then waits for the next."""
        for kind in self.missed(self._here.clock()):
            self.tick(kind)
        for kind, trigger in self._triggers.items():
            self._scheduler.add_job(
                self.tick, trigger, args=[kind], id=kind, coalesce=True, misfire_grace_time=None, max_instances=1
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Promises nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def tick(self, kind: str) -> bool:
        """Promises a job of `kind` unless one waits already; returns whether it did."""
        with self._here.writing("deliver", ACTOR) as session:
            return queue.promise_once(session, kind, REF, now=self._here.clock())

    def missed(self, now: datetime) -> list[str]:
        """The kinds whose last tick lies before the latest time at which they should have run."""
        with self._here.reading("deliver", ACTOR) as session:
            query = select(Job.kind, func.max(Job.created_at)).where(Job.ref == REF).group_by(Job.kind)
            last = {key: value for key, value in session.execute(query)}  # noqa: C416 - rows are unpacked
        return [kind for kind, at in last.items() if kind in self._triggers and self._fires_between(kind, at, now)]

    def _fires_between(self, kind: str, since: datetime, until: datetime) -> bool:
        following = self._triggers[kind].get_next_fire_time(None, since + timedelta(seconds=1))
        return following is not None and following <= until
