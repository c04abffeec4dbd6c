"""The worker: every due job is run, a broken one ends alone, and a job whose worker is gone is taken up again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import structlog
from support.killing import Killed

from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_jobs.errors import JobError, TryAgain
from gptimages_jobs.worker import BROKEN, LEASE, Worker

SECRET = "a heron for aunt Gudrun"


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of the worker runs on both databases."""
    return any_here


def promise(here: Installation, *refs: str, kind: str = "test") -> list[str]:
    """Promises jobs and gives their ids."""
    with here.db.write() as session:
        return [queue.promise(session, kind, ref, now=here.clock()).id for ref in refs]


def job(here: Installation, job_id: str) -> Job:
    """The job as it stands."""
    with here.db.read() as session:
        return session.get_one(Job, job_id)


def test_due_jobs_are_run_once_each(here: Installation) -> None:
    """Each due job is handed to the handler of its kind with its reference, and is done afterwards."""
    done: list[tuple[str, str]] = []
    worker = Worker(here, {kind: lambda _, ref, kind=kind: done.append((kind, ref)) for kind in ("a", "b")})
    ids = promise(here, "1", "2", kind="a") + promise(here, "3", kind="b") + promise(here, "4", kind="unknown")
    assert worker.run_due() == 3
    assert sorted(done) == [("a", "1"), ("a", "2"), ("b", "3")]
    assert [job(here, each).state for each in ids] == ["done", "done", "done", "queued"]
    assert worker.run_due() == 0


def test_a_broken_job_ends_alone(here: Installation) -> None:
    """What a handler raises ends its job with a general sentence; the log has class and place, not the words."""

    def handle(_here: Installation, ref: str) -> None:
        if ref == "bad":
            raise ValueError(SECRET)

    bad, good = promise(here, "bad", "good")
    with structlog.testing.capture_logs() as logged:
        assert Worker(here, {"test": handle}).run_due() == 2
    assert (job(here, bad).state, job(here, bad).problem) == ("failed", BROKEN)
    assert job(here, good).state == "done"
    (line,) = [each for each in logged if each["event"] == "job broke"]
    assert (line["error"], line["job"]) == ("ValueError", bad)
    assert SECRET not in str(logged)


def test_a_job_may_say_why_it_failed(here: Installation) -> None:
    """A JobError's own sentence stands beside the job."""

    def handle(_here: Installation, _ref: str) -> None:
        raise JobError("The plan no longer holds: make a new one.")

    (job_id,) = promise(here, "row")
    Worker(here, {"test": handle}).run_due()
    assert (job(here, job_id).state, job(here, job_id).problem) == (
        "failed",
        "The plan no longer holds: make a new one.",
    )


def test_a_job_that_asks_for_it_is_tried_again(here: Installation, clock) -> None:
    """TryAgain puts the job back for as long as it says; then it is run again until it succeeds."""
    tries: list[int] = []

    def handle(_here: Installation, _ref: str) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise TryAgain("The engine rests.", 60.0 * len(tries))

    (job_id,) = promise(here, "row")
    worker = Worker(here, {"test": handle})
    assert worker.run_due() == 1
    assert (job(here, job_id).state, job(here, job_id).problem) == ("queued", "The engine rests.")
    clock.move(seconds=59)
    assert worker.run_due() == 0
    clock.move(seconds=1)
    assert worker.run_due() == 1
    clock.move(seconds=120)
    assert worker.run_due() == 1
    ended = job(here, job_id)
    assert (ended.state, ended.problem, ended.attempts) == ("done", None, 3)


@pytest.mark.parametrize(("error", "state"), [(JobError, "failed"), (lambda why: TryAgain(why, 60.0), "queued")])
def test_a_long_reason_is_cut(here: Installation, error: Callable[[str], Exception], state: str) -> None:
    """A sentence that is longer than its column ends or postpones the job all the same, and is cut at a word."""

    def handle(_here: Installation, _ref: str) -> None:
        raise error("heron " * 100)

    (job_id,) = promise(here, "row")
    Worker(here, {"test": handle}).run_due()
    told = job(here, job_id)
    assert (told.state, told.problem) == (state, "heron " * 33 + "…")


def test_a_killed_worker_loses_nothing(here: Installation, clock) -> None:
    """A job whose worker died stays leased, is nobody else's meanwhile, and is run again when the lease has run out."""

    def die(_here: Installation, _ref: str) -> None:
        raise Killed

    (job_id,) = promise(here, "row")
    with pytest.raises(Killed):
        Worker(here, {"test": die}).run_due()
    done: list[str] = []
    other = Worker(here, {"test": lambda _, ref: done.append(ref)})
    assert job(here, job_id).state == "running"
    assert other.run_due() == 0
    clock.move(seconds=LEASE.total_seconds() + 1)
    assert other.run_due() == 1
    assert done == ["row"]
    assert job(here, job_id).attempts == 2


def test_a_new_start_takes_up_at_once(here: Installation) -> None:
    """The only process of an installation puts back at its start what the last one was killed over."""

    def die(_here: Installation, _ref: str) -> None:
        raise Killed

    promise(here, "row")
    with pytest.raises(Killed):
        Worker(here, {"test": die}).run_due()
    done = threading.Event()
    worker = Worker(here, {"test": lambda _, ref: done.set()})
    worker.start()
    try:
        assert done.wait(30)
    finally:
        worker.stop()


def test_jobs_of_two_threads_run_side_by_side(here: Installation) -> None:
    """Two threads do two jobs at the same time: each waits for the other, and both end."""
    together = threading.Barrier(2)
    ids = promise(here, "1", "2")
    worker = Worker(here, {"test": lambda _here, _ref: together.wait(30)}, threads=2)
    worker.start()
    try:
        until = time.monotonic() + 30
        while {job(here, each).state for each in ids} != {"done"} and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        worker.stop()
    assert {job(here, each).state for each in ids} == {"done"}


def test_two_workers_share_the_queue(here: Installation) -> None:
    """Two workers of four threads over forty jobs: each job is run once."""
    done: list[str] = []
    workers = [Worker(here, {"test": lambda _, ref: done.append(ref)}, threads=4) for _ in range(2)]
    refs = [f"row-{number}" for number in range(40)]
    for worker in workers:
        worker.start()  # both before there is work: each start puts back what it finds running
    promise(here, *refs)
    try:
        until = time.monotonic() + 60
        while len(done) < len(refs) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        for worker in workers:
            worker.stop()
    assert sorted(done) == sorted(refs)
