"""The audit log: what it takes, that it finds every change, and that nothing happens that it could not write down."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from datasteward.audit import log
from datasteward.audit.models import AuditEntry
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import AuditError
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def fill(db: Database, count: int) -> None:
    """Writes `count` entries, each in a transaction of its own."""
    for number in range(count):
        with db.write() as session:
            at = NOW + timedelta(seconds=number)
            log.append(session, "test.done", actor="tester", subject=f"person{number % 3}", now=at, number=number)


def act(db: Database, actor: str) -> None:
    """Does something and writes it down, in one transaction."""
    with db.write() as session:
        session.add(ObjectDisposal(key="k", since=NOW))
        session.flush()
        log.append(session, "test.done", actor=actor, now=NOW)


def verdict(db: Database) -> log.Verdict:
    """What a check of the log finds."""
    with db.read() as session:
        return log.verify(session)


def test_an_untouched_log_verifies(audit_db: Database) -> None:
    """Every entry of a log that nobody touched holds."""
    fill(audit_db, 25)
    assert verdict(audit_db) == log.Verdict(25, None)


def test_an_empty_log_verifies(audit_db: Database) -> None:
    """A log without entries is whole."""
    assert verdict(audit_db) == log.Verdict(0, None)


def test_the_chain_can_be_recomputed_by_hand(audit_db: Database) -> None:
    """Leaves are those of RFC 6962 and each chain value is SHA-256 over the one before and the leaf."""
    fill(audit_db, 4)
    with audit_db.read() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    chain = bytes(32)
    for row in rows:
        leaf = hashlib.sha256(b"\x00" + row.entry).digest()
        chain = hashlib.sha256(chain + leaf).digest()
        assert (row.leaf, row.chain) == (leaf, chain)


def test_an_entry_says_who_what_to_whom_and_when(audit_db: Database) -> None:
    """The canonical JSON of an entry holds act, actor, subject, time, number and facts, and nothing else."""
    fill(audit_db, 1)
    with audit_db.read() as session:
        (entry,) = log.entries(session)
    assert json.loads(entry.entry) == {
        "act": "test.done",
        "actor": "tester",
        "at": "2026-11-22T10:00:00.000000+00:00",
        "facts": {"number": 0},
        "number": 0,
        "subject": "person0",
    }


@pytest.mark.parametrize("number", [0, 3, 6])
@pytest.mark.parametrize(
    "column", ["entry", "leaf", "chain", "act", "actor", "subject_id", "at"], ids=lambda name: f"A2-{name}"
)
def test_a_changed_value_is_found_where_it_was_changed(audit_db: Database, column: str, number: int) -> None:
    """A2: a change of any column of any entry breaks the log at that entry."""
    fill(audit_db, 7)
    with audit_db.write() as session:
        row = session.get_one(AuditEntry, number)
        old = getattr(row, column)
        changed: object = "somebody.else"
        if isinstance(old, bytes):
            changed = old[:-1] + bytes([old[-1] ^ 1])
        elif isinstance(old, datetime):
            changed = old + timedelta(microseconds=1)
        session.execute(update(AuditEntry).where(AuditEntry.number == number).values({column: changed}))
    assert verdict(audit_db).broken_at == number


def test_every_flipped_byte_of_an_entry_is_found(audit_db: Database) -> None:
    """A2: no byte of an entry can be changed unseen."""
    fill(audit_db, 1)
    with audit_db.read() as session:
        entry = session.get_one(AuditEntry, 0).entry
    for place in range(len(entry)):
        changed = entry[:place] + bytes([entry[place] ^ 0x20]) + entry[place + 1 :]
        with audit_db.write() as session:
            session.execute(update(AuditEntry).values(entry=changed))
        assert verdict(audit_db).broken_at == 0, place


@pytest.mark.parametrize("number", [0, 2, 5])
def test_a_deleted_entry_is_found(audit_db: Database, number: int) -> None:
    """A2: a gap anywhere before the last entry breaks the log there."""
    fill(audit_db, 7)
    with audit_db.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.number == number))
    assert verdict(audit_db).broken_at == number


def test_a_middle_that_was_cut_out_and_renumbered_is_found(audit_db: Database) -> None:
    """A2: taking entries out of the middle and closing the ranks does not help."""
    fill(audit_db, 9)
    with audit_db.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.number.between(3, 5)))
        for number in (6, 7, 8):
            session.execute(update(AuditEntry).where(AuditEntry.number == number).values(number=number - 3))
    assert verdict(audit_db).broken_at == 3


def test_an_inserted_entry_is_found(audit_db: Database) -> None:
    """A2: an entry put in between, with the ranks moved up, breaks the log."""
    fill(audit_db, 6)
    with audit_db.write() as session:
        copied = session.get_one(AuditEntry, 2)
        values = {c.name: getattr(copied, c.name) for c in AuditEntry.__table__.columns}
        for number in (5, 4, 3):
            session.execute(update(AuditEntry).where(AuditEntry.number == number).values(number=number + 1))
        session.execute(AuditEntry.__table__.insert().values({**values, "number": 3}))
    assert verdict(audit_db).broken_at == 3


def test_swapped_entries_are_found(audit_db: Database) -> None:
    """A2: two entries that change places break the log at the first of them."""
    fill(audit_db, 6)
    with audit_db.write() as session:
        for old, new in ((2, 100), (4, 2), (100, 4)):
            session.execute(update(AuditEntry).where(AuditEntry.number == old).values(number=new))
    assert verdict(audit_db).broken_at == 2


@pytest.mark.parametrize(
    "told",
    ["Ada Lovelace", "ada@example.org", "a prompt with words", "", "x" * 81, "line\nbreak", "+4912345"],
)
def test_prose_is_refused(audit_db: Database, told: str) -> None:
    """A5: what could be a name, an address or a text cannot become part of an entry."""
    for kind in ("fact", "actor", "act", "subject"):
        given = {"act": "test.done", "actor": "tester", "subject": "person1", "fact": "word"} | {kind: told}
        act = given.pop("act")
        with pytest.raises(AuditError, match="takes no prose"), audit_db.write() as session:
            log.append(session, act, now=NOW, **given)
    assert verdict(audit_db) == log.Verdict(0, None)


def test_the_action_is_undone_when_the_log_cannot_be_written(audit_db: Database) -> None:
    """A6: what is not written down does not happen."""
    full = {
        "sqlite": "CREATE TRIGGER full BEFORE INSERT ON steward_audit_entry BEGIN SELECT RAISE(ABORT, 'full'); END",
        "postgresql": "ALTER TABLE steward_audit_entry ADD CONSTRAINT full_ CHECK (false)",
    }
    with audit_db.engine.begin() as connection:
        connection.execute(text(full[audit_db.engine.dialect.name]))
    with pytest.raises(IntegrityError, match="full"):
        act(audit_db, actor="tester")
    with audit_db.read() as session:
        assert session.scalars(select(ObjectDisposal)).all() == []


def test_the_action_is_undone_when_the_entry_is_refused(audit_db: Database) -> None:
    """A6: an entry that may not be written takes its action with it."""
    with pytest.raises(AuditError):
        act(audit_db, actor="Ada Lovelace")
    with audit_db.read() as session:
        assert session.scalars(select(ObjectDisposal)).all() == []


def test_many_threads_write_one_chain(audit_db: Database) -> None:
    """Writers at the same time queue: no entry is lost, none shares a number, and the chain holds."""

    def write(worker: int) -> None:
        for number in range(10):
            with audit_db.write() as session:
                log.append(session, "test.done", actor=f"worker{worker}", now=NOW, number=number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert verdict(audit_db) == log.Verdict(80, None)


def test_entries_are_found_by_subject_act_and_page(audit_db: Database) -> None:
    """The newest come first, and a person, an act or a place to go on from narrow them."""
    fill(audit_db, 9)
    with audit_db.read() as session:
        assert [e.number for e in log.entries(session, limit=3)] == [8, 7, 6]
        assert [e.number for e in log.entries(session, before=3)] == [2, 1, 0]
        assert [e.number for e in log.entries(session, subject="person1")] == [7, 4, 1]
        assert log.entries(session, acts=["other.act"]) == []
        assert log.count(session) == 9
        assert log.facts(log.entries(session, limit=1)[0]) == {"number": 8}


def test_several_people_have_an_entry_each_in_one_chain(audit_db: Database) -> None:
    """What concerned several people is written down for each of them, in their order, and the chain goes on."""
    fill(audit_db, 2)
    with audit_db.write() as session:
        log.append_all(session, "test.read", ["person8", None, "person9"], actor="tester", now=NOW, kind="data")
        log.append_all(session, "test.read", [], actor="tester", now=NOW)
    fill(audit_db, 1)
    with audit_db.read() as session:
        newest = log.entries(session, limit=4)
        assert [(e.number, e.subject_id) for e in newest] == [(5, "person0"), (4, "person9"), (3, None), (2, "person8")]
        assert json.loads(newest[1].entry)["facts"] == {"kind": "data"}
    assert verdict(audit_db) == log.Verdict(6, None)


def test_many_threads_write_several_entries_at_once(audit_db: Database) -> None:
    """Writers of one entry and of several queue with each other: none is lost, and the chain holds."""

    def write(worker: int) -> None:
        for number in range(5):
            with audit_db.write() as session:
                people = [f"person{place}" for place in range(1 + worker % 3)]
                log.append_all(session, "test.done", people, actor=f"worker{worker}", now=NOW, number=number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert verdict(audit_db) == log.Verdict(60, None)
