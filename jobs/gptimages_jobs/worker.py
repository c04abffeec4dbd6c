"""The worker: takes jobs from the queue and hands each to its handler, in a few threads of this process.

A job is leased while it runs and the lease is renewed; when the process is killed the lease runs out, or is released at the
next start, and the job is taken up again. So every handler can be run twice. What a handler raises ends its job, not the
worker; only the error's class and place are logged. While keys cannot be used, since root key or key store is away, the jobs
that need them wait.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from datasteward.errors import KeyFault
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages.web.errors import describe
from gptimages_jobs.errors import JobError, TryAgain, are_away

log = structlog.get_logger()

ACTOR = "worker"
LEASE = timedelta(seconds=60)
RENEW_SECONDS = LEASE.total_seconds() / 4
POLL_SECONDS = 0.25
AWAY_SECONDS = 30.0  # until keys that could not be used are asked for again
BROKEN = "This job broke on our side; the log names the place."


class Handler(Protocol):
    """Does one kind of job. Opens its own transactions; may be run twice for the same `ref`."""

    def __call__(self, here: Installation, ref: str, /) -> None:
        """Does the job about the row `ref`. Raises TryAgain to be put back."""
        ...


class Worker:
    """Runs jobs in `threads` threads between `start` and `stop`; `run_due` runs what is due in the caller's thread."""

    def __init__(self, here: Installation, handlers: Mapping[str, Handler], threads: int = 2) -> None:
        self._here = here
        self._handlers = handlers
        self._stopping = threading.Event()
        self._running: set[Job] = set()
        self._threads = [threading.Thread(target=self._work, name=f"worker-{n}", daemon=True) for n in range(threads)]
        self._keeper = threading.Thread(target=self._keep_leases, name="worker-leases", daemon=True)

    def start(self) -> None:
        """Takes up what an earlier process left unfinished, and begins. The caller knows that no other process works."""
        with self._here.writing("deliver", ACTOR) as session:
            left = queue.release_all(session, now=self._here.clock())
        if left:
            log.info("jobs taken up again", jobs=left)
        forget_deleted(self._here)
        for thread in (*self._threads, self._keeper):
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Takes no more jobs and waits up to `seconds` for those that run; the rest is taken up at the next start."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(seconds / len(self._threads))

    def run_due(self, limit: int = 1000) -> int:
        """Runs the jobs that are due, one after the other, and returns how many; at most `limit`."""
        done = 0
        while done < limit and (job := self._claim()) is not None:
            self._run(job)
            done += 1
        return done

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                job = self._claim()
                if job is None:
                    self._stopping.wait(POLL_SECONDS)
                else:
                    self._run(job)
            except Exception as error:  # the thread outlives a database that is away for a while
                log.error("worker stumbled", **describe(error))
                self._stopping.wait(POLL_SECONDS * 20)

    def _claim(self) -> Job | None:
        now = self._here.clock()
        with self._here.reading("deliver", ACTOR) as session:
            if not queue.any_due(session, self._handlers, now=now):
                return None
        with self._here.writing("deliver", ACTOR) as session:
            return queue.claim(session, self._handlers, now=now, lease=LEASE)

    def _run(self, job: Job) -> None:
        self._running.add(job)
        try:
            self._do(job)
        except TryAgain as again:
            self._postpone(job, again)
        except JobError as error:
            self._finish(job, str(error))
        except Exception as error:  # one broken job must not end the others
            log.error("job broke", kind=job.kind, job=job.id, **describe(error))
            self._finish(job, BROKEN)
        else:
            self._finish(job, None)
        finally:
            self._running.discard(job)

    def _do(self, job: Job) -> None:
        """Hands the job to its handler; keys that are away end no job."""
        try:
            self._handlers[job.kind](self._here, job.ref)
        except KeyFault as error:
            if not are_away(error):
                raise
            log.warning("keys are away", kind=job.kind, job=job.id, **describe(error))
            raise TryAgain(str(error), AWAY_SECONDS) from None

    def _finish(self, job: Job, problem: str | None) -> None:
        with self._here.writing("deliver", ACTOR) as session:
            mine = queue.finish(session, job, now=self._here.clock(), problem=problem)
        self._say_lost(job, mine)

    def _postpone(self, job: Job, again: TryAgain) -> None:
        until = self._here.clock() + timedelta(seconds=again.after)
        with self._here.writing("deliver", ACTOR) as session:
            mine = queue.postpone(session, job, until=until, problem=str(again))
        self._say_lost(job, mine)

    def _say_lost(self, job: Job, mine: bool) -> None:
        if not mine:
            log.warning("job was taken up by another worker", kind=job.kind, job=job.id)

    def _keep_leases(self) -> None:
        wait = RENEW_SECONDS
        while not self._stopping.wait(wait):
            wait = RENEW_SECONDS
            try:
                self._renew()
            except Exception as error:  # the leases outlive a database that is away for a while
                log.error("leases not renewed", **describe(error))
                wait = POLL_SECONDS * 4

    def _renew(self) -> None:
        if not (running := tuple(self._running)):
            return
        with self._here.writing("deliver", ACTOR) as session:
            for job in running:
                queue.renew(session, job, now=self._here.clock(), lease=LEASE)
