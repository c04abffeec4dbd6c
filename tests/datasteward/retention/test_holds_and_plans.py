"""A hold has a file and an end, is audited, shows in the plan, and keeps what it is about also from a plan made before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.retention_tables import NOW, make
from support.service_rows import account, rows, use

from datasteward.audit import log as audit
from datasteward.errors import HoldError, HoldInTheWay
from datasteward.retention import holds
from datasteward.retention.applying import apply
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.activity.models import UsageEvent
from gptimages.db import Database


def test_who_is_held_is_refused_and_is_nobody_else(retention_db: Database, steward: Steward) -> None:
    """A hold on a person is told of that person alone, and their rows are not among the people of a plan."""
    for name in ("ada", "ben"):
        use(retention_db, account(retention_db, name), NOW - timedelta(days=500))
    with retention_db.write() as session:
        ada, until = Scope(subject="ada"), NOW + timedelta(days=14)
        holds.place(session, steward, ada, "24-117", review_at=until, by="staff", now=NOW)
        assert holds.held(session, "ada")
        assert not holds.held(session, "ben")
        holds.refuse_held(session, "ben")
        with pytest.raises(HoldInTheWay):
            holds.refuse_held(session, "ada")
    assert make(retention_db, steward).people == 1


def test_a_hold_that_is_placed_after_the_plan_is_kept(retention_db: Database, steward: Steward) -> None:
    """A run looks at holds again: what was free in the plan and is held by now stays."""
    use(retention_db, account(retention_db), NOW - timedelta(days=500))
    plan = make(retention_db, steward)
    with retention_db.write() as session:
        holds.place(
            session, steward, Scope(subject="ada"), "24-117", review_at=NOW + timedelta(days=14), by="staff", now=NOW
        )
    assert apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW).rows == 0
    assert rows(retention_db, UsageEvent) == 1


@pytest.mark.parametrize(
    ("file", "days", "sentence"),
    [
        ("  ", 3, "number of the file"),
        ("Ada sued us in 2026", 3, "no words, no names"),
        ("Halvorsen", 3, "no words, no names"),
        ("9" * 41, 3, "number of the file"),
        ("24-117", 0, "a day in the future"),
    ],
)
def test_a_hold_needs_a_file_and_an_end(
    retention_db: Database, steward: Steward, file: str, days: int, sentence: str
) -> None:
    """A hold that names no file, tells of it in words, or that nobody will look at again, is refused."""
    with retention_db.write() as session, pytest.raises(HoldError, match=sentence):
        holds.place(
            session, steward, Scope(subject="ada"), file, review_at=NOW + timedelta(days=days), by="staff", now=NOW
        )


def test_holds_are_audited_without_their_file(retention_db: Database, steward: Steward) -> None:
    """Placing and lifting each leave an entry with ids; the file is nowhere in the log; none is lifted twice."""
    with retention_db.write() as session:
        ada, until = Scope(subject="ada"), NOW + timedelta(days=1)
        hold = holds.place(session, steward, ada, "secret-7", review_at=until, by="staff", now=NOW)
        assert [h.id for h in holds.active(session)] == [hold.id]
        holds.lift(session, hold.id, by="staff", now=NOW)
        assert (holds.active(session), [h.id for h in holds.lifted(session)]) == ([], [hold.id])
        with pytest.raises(HoldError, match="lifted before"):
            holds.lift(session, hold.id, by="staff", now=NOW)
        with pytest.raises(HoldError, match="no such hold"):
            holds.lift(session, "none", by="staff", now=NOW)
        found = audit.entries(session)
    assert [entry.act for entry in found] == ["hold.lifted", "hold.placed"]
    assert all(b"secret" not in entry.entry for entry in found)
