"""Promising work inside a transaction, and keeping account of it. The worker that does it stands in gptimages_jobs.

A job is written in the transaction of what it follows from, and is done at least once after that transaction's commit.
Who claimed a job holds its lease under the number of the attempt: when somebody else has taken the job up since, what the
first says about it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from datasteward.statements import changed
from gptimages.models import new_id
from gptimages.queue.models import PROBLEM, Job


def promise(session: Session, kind: str, ref: str, *, now: datetime, run_after: datetime | None = None) -> Job:
    """Adds a job of `kind` about the row `ref`, to be done at `run_after` or at once."""
    job = Job(id=new_id(), kind=kind, ref=ref, state="queued", run_after=run_after or now, created_at=now)
    session.add(job)
    return job


def promise_once(session: Session, kind: str, ref: str, *, now: datetime) -> bool:
    """Promises a job unless one of that kind about that row waits or runs; two who ask at once promise one."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite's writers come one after the other anyway
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{kind} {ref}"))))
    open_ = select(Job.id).where(Job.kind == kind, Job.ref == ref, Job.state.in_(("queued", "running")))
    if session.scalar(open_.limit(1)) is not None:
        return False
    promise(session, kind, ref, now=now)
    return True


def any_due(session: Session, kinds: Collection[str], *, now: datetime) -> bool:
    """Whether there is a job to claim: a cheap question that takes no lock."""
    return session.scalar(select(_due(kinds, now).exists())) or False


def claim(session: Session, kinds: Collection[str], *, now: datetime, lease: timedelta) -> Job | None:
    """The next job that is due, or whose worker has let its lease run out; now leased to the caller. None: nothing to do."""
    query = _due(kinds, now).order_by(Job.run_after, Job.created_at).limit(1)
    job = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if job is not None:
        job.state, job.lease_until, job.attempts = "running", now + lease, job.attempts + 1
    return job


def renew(session: Session, claimed: Job, *, now: datetime, lease: timedelta) -> bool:
    """Prolongs the lease of a job as it was claimed; False when it has ended or was taken up by somebody else."""
    return _change(session, claimed, lease_until=now + lease)


def finish(session: Session, claimed: Job, *, now: datetime, problem: str | None = None) -> bool:
    """Ends a job as it was claimed: done, or failed with the sentence `problem`. False as `renew`."""
    state = "failed" if problem else "done"
    return _change(session, claimed, state=state, finished_at=now, lease_until=None, problem=_cut(problem))


def postpone(session: Session, claimed: Job, *, until: datetime, problem: str | None = None) -> bool:
    """Puts a job back as it was claimed, to be tried again at `until`. False as `renew`."""
    return _change(session, claimed, state="queued", run_after=until, lease_until=None, problem=_cut(problem))


def release_all(session: Session, *, now: datetime) -> int:
    """Puts back every running job: for the start of a process that knows itself to be the only one. Returns how many."""
    values = {"state": "queued", "run_after": now, "lease_until": None}
    return changed(session, update(Job).where(Job.state == "running").values(**values))


def counts(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are by kind and state."""
    query = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)
    return {(kind, state): number for kind, state, number in session.execute(query)}


def newest(session: Session, kind: str, ref: str) -> Job | None:
    """The job of that kind about the row `ref` that was promised last, or None."""
    query = select(Job).where(Job.kind == kind, Job.ref == ref).order_by(Job.created_at.desc()).limit(1)
    return session.scalars(query).first()


def _due(kinds: Collection[str], now: datetime) -> Select[Job]:
    waiting = (Job.state == "queued") & (Job.run_after <= now)
    abandoned = (Job.state == "running") & (Job.lease_until < now)
    return select(Job).where(Job.kind.in_(kinds), or_(waiting, abandoned))


def _change(session: Session, claimed: Job, **values: Any) -> bool:
    """Changes the job if the caller still holds it: the one who takes it up next counts another attempt."""
    mine = (Job.id == claimed.id) & (Job.state == "running") & (Job.attempts == claimed.attempts)
    return changed(session, update(Job).where(mine).values(**values)) == 1


def _cut(problem: str | None) -> str | None:
    """The sentence as far as its column holds it: one that is too long must not keep a job from its end."""
    return problem and shorten(problem, PROBLEM, placeholder=" …")
