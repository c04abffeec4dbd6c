"""A change that writes itself down: the rows and their entry come to be together, by one writer or by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, update

from datasteward.audit import log
from datasteward.audit.changes import Change
from datasteward.audit.models import AuditEntry
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import AuditError
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TABLE: Any = ObjectDisposal.__table__
ADDED = Change(
    insert(TABLE).values(key=bindparam("object"), since=bindparam("moment", type_=TABLE.c.since.type), attempts=0),
    "test.added",
)
TRIED = Change(
    update(TABLE).where(TABLE.c.attempts < bindparam("most")).values(attempts=bindparam("most")), "test.tried"
)
GONE = Change(delete(TABLE).where(TABLE.c.key == bindparam("object")), "test.gone")


def make(db: Database, change: Change, subject: str | None = None, **given: object) -> int:
    """Carries the change out in a transaction of its own."""
    with db.write() as session:
        return change.make(session.connection(), given, actor="tester", now=NOW, subject=subject, alpha=1, zulu="z")


def entries(db: Database) -> list[AuditEntry]:
    """The entries, the oldest first."""
    with db.read() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.actor == "tester").order_by(AuditEntry.number)))


def whole(db: Database) -> bool:
    """Whether the log holds."""
    with db.read() as session:
        return log.verify(session).broken_at is None


def test_each_kind_of_change_leaves_its_entry(audit_db: Database) -> None:
    """With the number of rows among the facts, as a canonical entry of the log."""
    assert [make(audit_db, ADDED, "ada", object=key, moment=NOW) for key in "abc"] == [1, 1, 1]
    assert make(audit_db, TRIED, most=2) == 3
    assert make(audit_db, GONE, "ada", object="b") == 1
    found = entries(audit_db)
    assert [(each.act, each.subject_id, log.facts(each)["rows"]) for each in found] == [
        *[("test.added", "ada", 1)] * 3,
        ("test.tried", None, 3),
        ("test.gone", "ada", 1),
    ]
    assert log.facts(found[0]) == {"alpha": 1, "rows": 1, "zulu": "z"}
    assert whole(audit_db)


def test_an_entry_is_the_one_that_append_would_write(audit_db: Database) -> None:
    """To the byte, but for its number."""
    make(audit_db, ADDED, "ada", object="a", moment=NOW)
    with audit_db.write() as session:
        log.append(session, "test.added", actor="tester", now=NOW, subject="ada", alpha=1, zulu="z", rows=1)
    first, second = entries(audit_db)
    assert second.entry == first.entry.replace(
        f'"number":{first.number}'.encode(), f'"number":{second.number}'.encode()
    )


def test_what_changes_nothing_leaves_nothing(audit_db: Database) -> None:
    """No row, no entry."""
    assert make(audit_db, GONE, object="nothing") == 0
    assert entries(audit_db) == []


def test_what_is_undone_was_not_written_down(audit_db: Database) -> None:
    """The transaction takes both back."""
    with audit_db.write() as session:
        ADDED.make(session.connection(), {"object": "a", "moment": NOW}, actor="tester", now=NOW)
        session.rollback()
    assert entries(audit_db) == []


def test_prose_is_refused_before_anything_is_done(audit_db: Database) -> None:
    """A change takes the same facts as the log."""
    with pytest.raises(AuditError, match="no prose"), audit_db.write() as session:
        ADDED.make(session.connection(), {"object": "a", "moment": NOW}, actor="two words", now=NOW)
    with audit_db.read() as session:
        assert session.scalar(select(func.count()).select_from(TABLE)) == 0


def test_many_at_once_are_all_written_down(audit_db: Database) -> None:
    """Whoever waits for the log adds its entry after the one it waited for, and its change once."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: make(audit_db, ADDED, f"p{n % 5}", object=f"k{n}", moment=NOW), range(120)))
    assert len(entries(audit_db)) == 120
    with audit_db.read() as session:
        assert session.scalar(select(func.count()).select_from(TABLE)) == 120
    assert whole(audit_db)
