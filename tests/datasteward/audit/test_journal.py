"""The journal of those who read all the time: nothing that was noted is lost, and nothing stands in the log twice."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from datasteward.audit import log
from datasteward.audit.journal import CARRIED, Journal, carry
from datasteward.audit.models import AuditEntry
from datasteward.errors import AuditError
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
POLICY = "0" * 64
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from datasteward.audit.journal import Journal
journal = Journal(Path(sys.argv[1]), 'p')
for number in range(50):
    journal.note("record.read", [f"p{number}"], actor="killed", now=datetime(2026, 11, 22, tzinfo=UTC))
os.kill(os.getpid(), signal.SIGKILL)
"""
FULL = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from datasteward.audit.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
journal, noted = Journal(Path(sys.argv[1]), 'p'), 0
try:
    for number in range(50):
        journal.note("record.read", [f"p{number}"], actor="full", now=datetime(2026, 11, 22, tzinfo=UTC))
        noted += 1
except OSError as error:
    print(noted, error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.note("record.read", ["after"], actor="full", now=datetime(2026, 11, 22, tzinfo=UTC))
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where journals lie."""
    return tmp_path / "journals"


def note(journal: Journal, *people: str) -> None:
    """Somebody read the data of these people."""
    journal.note("record.read", people, actor="reader", now=NOW, kind="data")


def carried(db: Database, directory: Path) -> int:
    """Carries what there is, in a transaction of its own."""
    with db.write() as session:
        return carry(session, directory, now=NOW)


def read(db: Database) -> list[str | None]:
    """Whose data was read, as the log has it, which holds."""
    with db.read() as session:
        assert log.verify(session).broken_at is None
        query = select(AuditEntry.subject_id).where(AuditEntry.act == "record.read")
        return list(session.scalars(query.order_by(AuditEntry.number)))


def test_what_is_noted_comes_into_the_log_once(audit_db: Database, directory: Path) -> None:
    """In its order, however often it is carried."""
    journal = Journal(directory, POLICY)
    note(journal, "ada", "grace")
    assert (carried(audit_db, directory), carried(audit_db, directory)) == (2, 0)
    note(journal, "emmy")
    assert carried(audit_db, directory) == 1
    assert read(audit_db) == ["ada", "grace", "emmy"]
    journal.close()


def test_a_carrying_that_is_undone_is_done_again(audit_db: Database, directory: Path) -> None:
    """What did not come to the log stays in the file, also when its process has ended."""
    journal = Journal(directory, POLICY)
    note(journal, "ada")
    journal.close()
    with audit_db.write() as session:
        assert carry(session, directory, now=NOW) == 1
        session.rollback()
    assert (carried(audit_db, directory), read(audit_db)) == (1, ["ada"])


def test_a_file_goes_when_its_process_has_ended_and_all_is_carried(audit_db: Database, directory: Path) -> None:
    """And not before: neither while it may still be written, nor in the transaction that may be undone."""
    journal = Journal(directory, POLICY)
    note(journal, "ada")
    carried(audit_db, directory)
    carried(audit_db, directory)
    assert len([*directory.iterdir()]) == 1
    note(journal, "grace")
    journal.close()
    carried(audit_db, directory)
    assert len([*directory.iterdir()]) == 1
    carried(audit_db, directory)
    assert [*directory.iterdir()] == []
    assert read(audit_db) == ["ada", "grace"]


def test_nothing_is_lost_with_a_process_that_is_killed(audit_db: Database, directory: Path) -> None:
    """Fifty entries were noted before the kill."""
    subprocess.run([sys.executable, "-c", KILLED, str(directory)], check=False)
    assert carried(audit_db, directory) == 50
    assert len(set(read(audit_db))) == 50


def test_a_line_that_was_not_written_whole_is_no_entry(audit_db: Database, directory: Path) -> None:
    """As the last line of a machine that lost its power may be."""
    journal = Journal(directory, POLICY)
    note(journal, "ada")
    (path,) = directory.iterdir()
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert (carried(audit_db, directory), read(audit_db)) == (1, ["ada"])
    journal.close()


def test_a_full_disk_is_said_and_leaves_no_half_line(audit_db: Database, directory: Path) -> None:
    """What was noted before is there, and what is noted when there is room again."""
    told = subprocess.run([sys.executable, "-c", FULL, str(directory)], check=True, capture_output=True, text=True)
    noted, sentence = told.stdout.strip().split(" ", 1)
    assert int(noted) > 0
    assert sentence in ("The disk of the audit journal is full: make room, then try again.", "File too large")
    assert carried(audit_db, directory) == int(noted) + 1
    assert read(audit_db)[-1] == "after"


def test_two_that_carry_at_once_carry_everything_once(audit_db: Database, directory: Path) -> None:
    """The second waits for the first and finds it done."""
    journal = Journal(directory, POLICY)
    note(journal, *(f"p{number}" for number in range(200)))
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: carried(audit_db, directory), range(4))) == 200
    assert len(read(audit_db)) == 200
    journal.close()


def test_threads_share_a_journal(audit_db: Database, directory: Path) -> None:
    """No line is torn by another."""
    journal = Journal(directory, POLICY)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: note(journal, f"p{number}", f"q{number}"), range(300)))
    assert carried(audit_db, directory) == 600
    journal.close()


def test_a_journal_takes_no_prose(directory: Path) -> None:
    """The same facts as the log, refused at once."""
    journal = Journal(directory, POLICY)
    with pytest.raises(AuditError, match="no prose"):
        note(journal, "ada@example.org and others")
    journal.close()


def test_the_log_says_how_far_a_journal_was_carried(audit_db: Database, directory: Path) -> None:
    """One entry for each carrying that carried anything."""
    journal = Journal(directory, POLICY)
    note(journal, "ada", "grace")
    carried(audit_db, directory)
    carried(audit_db, directory)
    with audit_db.read() as session:
        (told,) = log.entries(session, acts=[CARRIED])
    assert log.facts(told)["entries"] == 2
    journal.close()
