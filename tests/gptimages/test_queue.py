"""The queue: a promise is kept with its transaction, taken by one worker at a time, and never lost with a worker."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job

KINDS = ("test",)
LEASE = timedelta(minutes=1)


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of the queue runs on both databases."""
    return any_here


def promise(here: Installation, *refs: str, kind: str = "test", **later: float) -> list[str]:
    """Promises jobs and gives their ids."""
    now = here.clock()
    with here.db.write() as session:
        after = now + timedelta(**later) if later else None
        return [queue.promise(session, kind, ref, now=now, run_after=after).id for ref in refs]


def claim(here: Installation, *kinds: str) -> Job | None:
    """Claims as a worker does."""
    with here.db.write() as session:
        return queue.claim(session, kinds or KINDS, now=here.clock(), lease=LEASE)


def state(here: Installation, job_id: str) -> Job:
    """The job as it stands."""
    with here.db.read() as session:
        return session.get_one(Job, job_id)


def test_a_promise_goes_with_its_transaction(here: Installation) -> None:
    """What is undone promised nothing; what is committed promised its jobs."""

    def undone() -> None:
        with here.db.write() as session:
            queue.promise(session, "test", "undone", now=here.clock())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert claim(here) is None
    promise(here, "done")
    job = claim(here)
    assert job is not None
    assert job.ref == "done"


def test_jobs_come_in_the_order_of_their_time(here: Installation, clock) -> None:
    """The one that is due longest comes first, whatever was promised first; what is not due does not come."""
    promise(here, "later", minutes=2)
    promise(here, "sooner", minutes=1)
    promise(here, "never yet", minutes=60)
    assert claim(here) is None
    clock.move(minutes=5)
    assert [job.ref for _ in range(3) if (job := claim(here)) is not None] == ["sooner", "later"]


def test_only_known_kinds_are_taken(here: Installation) -> None:
    """A worker is never handed a job that it has no handler for."""
    promise(here, "other", kind="other")
    assert claim(here) is None
    assert claim(here, "other", "test") is not None


def test_many_workers_take_each_job_once(here: Installation) -> None:
    """Eight workers at once over sixty jobs: each job is claimed by exactly one of them."""
    promised = promise(here, *(f"row-{number}" for number in range(60)))
    start = threading.Barrier(8)

    def work(_worker: int) -> list[str]:
        start.wait(30)
        taken = []
        while (job := claim(here)) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = Counter(job for jobs in pool.map(work, range(8)) for job in jobs)
    assert taken == Counter(promised)


def test_a_worker_does_not_wait_for_a_job_that_another_is_taking(here: Installation) -> None:
    """On PostgreSQL a row that is being claimed is skipped; on SQLite the second writer waits its turn. Neither doubles."""
    first, second = promise(here, "a", "b")
    if here.db.engine.dialect.name == "sqlite":
        got = [claim(here), claim(here)]
    else:
        with here.db.write() as slow:
            one = queue.claim(slow, KINDS, now=here.clock(), lease=LEASE)
            got = [one, claim(here)]  # while the first transaction is still open
            assert claim(here) is None
    assert {job.id for job in got if job is not None} == {first, second}


def test_a_lease_that_ran_out_is_taken_up_again(here: Installation, clock) -> None:
    """A job whose worker went silent is handed to the next, and its attempts are counted."""
    (job_id,) = promise(here, "row")
    assert claim(here) is not None
    clock.move(seconds=59)
    assert claim(here) is None
    clock.move(seconds=2)
    again = claim(here)
    assert again is not None
    assert (again.id, again.attempts) == (job_id, 2)


def test_a_renewed_lease_keeps_others_away(here: Installation, clock) -> None:
    """While the lease is renewed nobody else gets the job; once it has ended it cannot be renewed."""
    promise(here, "row")
    job = claim(here)
    assert job is not None
    for _ in range(5):
        clock.move(seconds=40)
        with here.db.write() as session:
            assert queue.renew(session, job, now=clock(), lease=LEASE)
        assert claim(here) is None
    with here.db.write() as session:
        assert queue.finish(session, job, now=clock())
    with here.db.write() as session:
        assert not queue.renew(session, job, now=clock(), lease=LEASE)


def test_a_postponed_job_comes_back_at_its_time(here: Installation, clock) -> None:
    """Put back with a sentence, it is due at the time that was told and not before."""
    (job_id,) = promise(here, "row")
    job = claim(here)
    assert job is not None
    with here.db.write() as session:
        assert queue.postpone(session, job, until=clock() + timedelta(minutes=5), problem="The engine rests.")
    assert state(here, job_id).problem == "The engine rests."
    clock.move(minutes=4)
    assert claim(here) is None
    clock.move(minutes=1)
    assert claim(here) is not None


def test_an_ended_job_stays_ended(here: Installation, clock) -> None:
    """Done or failed, it is never claimed again; a failed one says why."""
    done, failed = promise(here, "a", "b")
    with here.db.write() as session:
        for problem in (None, "It broke."):
            job = queue.claim(session, KINDS, now=clock(), lease=LEASE)
            assert job is not None
            assert queue.finish(session, job, now=clock(), problem=problem)
    clock.move(days=30)
    assert claim(here) is None
    assert (state(here, done).state, state(here, failed).state) == ("done", "failed")
    assert state(here, failed).problem == "It broke."


def test_who_lost_the_lease_changes_nothing(here: Installation, clock) -> None:
    """A worker whose lease ran out can neither renew, end nor postpone the job that another has taken up since."""
    promise(here, "row")
    slow = claim(here)
    clock.move(minutes=2)
    quick = claim(here)
    assert slow is not None
    assert quick is not None
    with here.db.write() as session:
        assert not queue.renew(session, slow, now=clock(), lease=LEASE)
        assert not queue.finish(session, slow, now=clock(), problem="Too late.")
        assert not queue.postpone(session, slow, until=clock())
    now = state(here, quick.id)
    assert (now.state, now.attempts, now.problem) == ("running", 2, None)
    with here.db.write() as session:
        assert queue.finish(session, quick, now=clock())


def test_a_new_start_releases_what_ran(here: Installation, clock) -> None:
    """The only process of an installation puts back at its start what an earlier one was killed over."""
    promise(here, "a", "b", "c")
    assert claim(here) is not None
    assert claim(here) is not None
    with here.db.write() as session:
        assert queue.release_all(session, now=clock()) == 2
    assert sum(claim(here) is not None for _ in range(4)) == 3


def test_counts_and_newest_tell_what_is_there(here: Installation, clock) -> None:
    """The figures of the console are those of the table, and the newest job of a row is the last promised."""
    promise(here, "a", "b")
    promise(here, "a", kind="other")
    clock.move(seconds=1)
    (last,) = promise(here, "a")
    assert claim(here) is not None
    with here.db.read() as session:
        assert queue.counts(session) == {("test", "queued"): 2, ("test", "running"): 1, ("other", "queued"): 1}
        newest = queue.newest(session, "test", "a")
        assert newest is not None
        assert newest.id == last
        assert queue.any_due(session, KINDS, now=clock())
        assert not queue.any_due(session, ["unknown"], now=clock())
