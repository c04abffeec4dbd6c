"""The leases of running jobs last as long as the jobs, whatever the database does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gptimages.db import Database
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_jobs import worker
from gptimages_jobs.worker import Worker

PATIENCE = 30.0


def test_a_locked_database_does_not_end_the_keeping_of_leases(
    here: Installation, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When renewing fails once because the database is locked, the lease of a long job is renewed all the same."""
    monkeypatch.setattr(worker, "RENEW_SECONDS", 0.05)
    began, end, refused = threading.Event(), threading.Event(), threading.Event()
    write = Database.write

    @contextmanager
    def locked_once(self: Database, *purpose: Any) -> Iterator[Session]:
        if threading.current_thread().name == "worker-leases" and not refused.is_set():
            refused.set()
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        with write(self, *purpose) as session:
            yield session

    monkeypatch.setattr(Database, "write", locked_once)

    def long_job(_here: Installation, _ref: str) -> None:
        began.set()
        assert end.wait(PATIENCE)

    with here.db.write() as session:
        queue.promise(session, "long", "row", now=here.clock())
    works = Worker(here, {"long": long_job}, threads=1)
    works.start()
    try:
        assert began.wait(PATIENCE)
        first = lease(here)
        clock.move(seconds=45)
        assert refused.wait(PATIENCE)
        pause = threading.Event()
        for _ in range(200):
            if lease(here) > first:
                break
            pause.wait(0.05)
        assert lease(here) > first
    finally:
        end.set()
        works.stop()


def lease(here: Installation) -> datetime:
    """Until when the one job is leased."""
    with here.db.read() as session:
        until = session.scalars(select(Job.lease_until)).one()
    assert until is not None
    return until
