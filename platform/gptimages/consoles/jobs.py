"""What the operator sees of the queue and of the schedule."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.disposal.models import ObjectDisposal
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job

STATES = ("queued", "running", "done", "failed")
FAILED_SHOWN = 20


class Kind(msgspec.Struct, frozen=True):
    """One kind of job, how many there are in each of STATES, and when the schedule runs it next (None: it does not)."""

    name: str
    words: str
    counts: tuple[int, ...]
    following: datetime | None


class Overview(msgspec.Struct, frozen=True):
    """The page of jobs."""

    kinds: list[Kind]
    totals: tuple[int, ...]
    failed: list[Job]
    objects: int
    stubborn: int
    late: int


def overview(session: Session, here: Installation) -> Overview:
    """Jobs by kind, the newest failures, objects that wait for destruction, and how many jobs are late."""
    counted = queue.counts(session)
    scheduled = {entry.id: entry for entry in here.policies.schedule}
    names = sorted({kind for kind, _ in counted} | set(scheduled))
    kinds = [
        Kind(
            name,
            scheduled[name].words if name in scheduled else "",
            tuple(counted.get((name, state), 0) for state in STATES),
            following(here, name),
        )
        for name in names
    ]
    waiting, stubborn = _objects(session)
    return Overview(kinds, _totals(kinds), _failed(session), waiting, stubborn, _late(session, here.clock()))


def following(here: Installation, name: str) -> datetime | None:
    """When policies/schedule.yaml runs this kind of job next, UTC; None when it does not, or when nothing is scheduled."""
    entry = next((entry for entry in here.policies.schedule if entry.id == name), None)
    if entry is None or not here.settings.scheduler:
        return None
    trigger = CronTrigger.from_crontab(entry.cron, timezone=ZoneInfo(entry.timezone))
    found: datetime | None = trigger.get_next_fire_time(None, here.clock())
    return found


def _totals(kinds: list[Kind]) -> tuple[int, ...]:
    return tuple(sum(kind.counts[place] for kind in kinds) for place in range(len(STATES)))


def _failed(session: Session) -> list[Job]:
    query = select(Job).where(Job.state == "failed").order_by(Job.finished_at.desc()).limit(FAILED_SHOWN)
    return list(session.scalars(query))


def _objects(session: Session) -> tuple[int, int]:
    waiting = session.scalar(select(func.count()).select_from(ObjectDisposal)) or 0
    stubborn = select(func.count()).select_from(ObjectDisposal).where(ObjectDisposal.attempts > 0)
    return waiting, session.scalar(stubborn) or 0


def _late(session: Session, now: datetime) -> int:
    query = select(func.count()).select_from(Job).where(Job.state == "queued", Job.run_after < now)
    return session.scalar(query) or 0
