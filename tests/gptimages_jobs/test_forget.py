"""What was deleted leaves the write-ahead log of SQLite too, and nobody waits for it."""

from __future__ import annotations

import threading

from sqlalchemy import delete, select, text
from sqlalchemy.engine import make_url

from gptimages.accounts.models import Account
from gptimages.db import BUSY_MILLISECONDS
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.messaging.models import Notification
from gptimages.messaging.outbox import notify
from gptimages.queue.models import Job
from gptimages_jobs import forget
from gptimages_jobs.worker import Worker

MARK = "A heron at dawn, never to be told again"
PATIENCE = 10.0


def told_and_taken_back(here: Installation, account: Account) -> None:
    """Writes a notice with MARK and deletes it."""
    with here.db.write() as session:
        notify(session, account.id, kind="test", title=MARK, body=MARK, now=here.clock())
    with here.db.write() as session:
        session.execute(delete(Notification))


def in_files(here: Installation) -> bool:
    """Whether MARK stands in any file of the database."""
    name = make_url(str(here.db.engine.url)).database
    assert name is not None
    files = [file for file in here.settings.data.iterdir() if file.is_file() and str(file).startswith(name)]
    assert files
    return any(MARK.encode() in file.read_bytes() for file in files)


def waiting(here: Installation) -> list[str]:
    """The states of the jobs `forget`."""
    with here.db.read() as session:
        return list(session.scalars(select(Job.state).where(Job.kind == forget.KIND)))


def test_nobody_reads_so_it_is_gone_at_once(here, person) -> None:
    """Without a reader the deleted bytes are in no file of the database when the call returns."""
    told_and_taken_back(here, person())
    assert in_files(here)
    forget_deleted(here)
    assert not in_files(here)
    assert waiting(here) == []


def test_a_long_read_keeps_no_writer_out(here, person) -> None:
    """While somebody reads for long, emptying the log returns, and writers write; neither waits for the reader."""
    account = person()
    with here.db.read() as reading:
        reading.scalar(select(Account.id))
        told_and_taken_back(here, account)

        def work() -> None:
            forget_deleted(here)
            told_and_taken_back(here, account)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        stuck = thread.is_alive()
    thread.join()
    assert not stuck
    assert waiting(here) == ["queued"]


def test_what_was_read_meanwhile_is_forgotten_afterwards(here, person, clock) -> None:
    """The job tries again until the reader is gone; then the deleted bytes are in no file of the database."""
    account, worker = person(), Worker(here, {forget.KIND: forget.run})
    with here.db.read() as reading:
        reading.scalar(select(Account.id))
        told_and_taken_back(here, account)
        forget_deleted(here)
        forget_deleted(here)
        assert worker.run_due() == 1
        assert waiting(here) == ["queued"]
    assert in_files(here)
    clock.move(seconds=forget.WAIT_SECONDS)
    assert worker.run_due() == 1
    assert waiting(here) == ["done"]
    assert not in_files(here)


def test_a_connection_is_given_back_as_patient_as_before(here) -> None:
    """After the log was emptied every connection waits for writers as long as it did."""
    assert here.db.forget_deleted()
    with here.db.read() as session:
        assert session.scalar(text("PRAGMA busy_timeout")) == BUSY_MILLISECONDS
