"""Keys that cannot be used for a while, here since the disk with the keys of epochs is away, end nobody's job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from sqlalchemy import select
from support.engines import PlainEngine
from support.runs import ask, assert_whole, pictures, run_of

from datasteward.errors import KeyMissing, KeyStoreError
from datasteward.rights import requests
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.privacy import archives
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages.studio.progress import Hub
from gptimages_jobs import export
from gptimages_jobs.generate import Generate
from gptimages_jobs.worker import AWAY_SECONDS, BROKEN, Worker


class Disk:
    """The disk with the keys of epochs, which can be taken away and brought back."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._there = here.settings.data / "keys" / "epochs"
        self._elsewhere = self._there.with_name("elsewhere")

    def take(self) -> None:
        """From now on no keyset opens, as if those in memory had aged meanwhile."""
        self._there.rename(self._elsewhere)
        self._here.vault.close()

    def bring(self) -> None:
        """All is there again."""
        self._elsewhere.rename(self._there)

    @contextmanager
    def away(self) -> Iterator[None]:
        """While the block lasts."""
        self.take()
        yield
        self.bring()


def worker(here: Installation, engine: PlainEngine) -> Worker:
    """A worker that makes pictures and archives."""
    return Worker(here, {Generate.KIND: Generate(engine, Hub()).run, export.KIND: export.run})


def jobs(here: Installation) -> list[Job]:
    """The jobs that the worker knows."""
    with here.db.read() as session:
        return list(session.scalars(select(Job).where(Job.kind.in_((Generate.KIND, export.KIND)))))


def test_what_waits_meanwhile_is_done_afterwards(
    here: Installation, person: Callable[..., Account], clock: Any
) -> None:
    """A run and an archive whose turn comes meanwhile wait, with the reason beside the job, and are whole afterwards."""
    ines, mia = person("Ines"), person("Mia")
    run_id = ask(here, ines, count=2)
    with here.db.write() as session:
        archive = archives.ask(session, here, mia.id, via="session", now=clock()).id
    work = worker(here, PlainEngine())
    with Disk(here).away(), structlog.testing.capture_logs() as logged:
        assert work.run_due() == 2
        assert {job.state for job in jobs(here)} == {"queued"}
        assert all("The key of an epoch is not where" in str(job.problem) for job in jobs(here))
        assert [line["event"] for line in logged].count("keys are away") == 2
    assert work.run_due() == 0
    clock.move(seconds=AWAY_SECONDS)
    assert work.run_due() == 2
    assert {job.state for job in jobs(here)} == {"done"}
    assert (run_of(here, run_id).state, len(pictures(here, run_id))) == ("done", 2)
    with here.db.read() as session:
        assert requests.get(session, archive).state == "ready"


def test_a_run_that_it_interrupts_goes_on(here: Installation, person: Callable[..., Account], clock: Any) -> None:
    """Pictures that were kept stay, and only what is missing is made when the keys are back."""
    run_id, disk = ask(here, person(), count=3), Disk(here)

    def before(index: int) -> None:
        if index == 1:
            disk.take()

    worker(here, PlainEngine(before)).run_due()
    disk.bring()
    clock.move(seconds=AWAY_SECONDS)
    engine = PlainEngine()
    worker(here, engine).run_due()
    assert [request.count for request in engine.requests] == [2]
    assert run_of(here, run_id).state == "done"
    assert_whole(here, run_id, 3)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [(KeyStoreError("It is away."), ("queued", "It is away.")), (KeyMissing("Gone."), ("failed", BROKEN))],
)
def test_only_what_can_come_back_is_waited_for(any_here: Installation, fault: Exception, ends: tuple[str, str]) -> None:
    """Whatever the job, keys that are away are waited for, and a person's key that is gone is not: it never comes back."""

    def handle(_here: Installation, _ref: str) -> None:
        raise fault

    with any_here.db.write() as session:
        job_id = queue.promise(session, "test", "row", now=any_here.clock()).id
    Worker(any_here, {"test": handle}).run_due()
    with any_here.db.read() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.problem) == ends
