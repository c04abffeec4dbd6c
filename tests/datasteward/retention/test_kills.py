"""Whatever a rule does, a run that is killed between any two statements ends as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, insert
from support.killing import Killed, Statements
from support.retention_actions import CROWD, USAGE, Ruled, anonymising, archived, promised, shredding
from support.retention_tables import METADATA, ago, make, people, person, rows, rule, run, step, told, visit, visits

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.disposal.models import KeyDisposal
from datasteward.retention import plans, states
from datasteward.retention.plan import Plan
from datasteward.retention.result import outcome
from datasteward.steward import Steward
from gptimages.db import Database

ACTIONS: dict[str, Callable[[Ruled], Steward]] = {
    "delete": lambda ruled: ruled({"use": rule("use", USAGE)}, metadata=METADATA, batch=2),
    "archive": lambda ruled: ruled(dict(archived(ruled).policies.retention), metadata=METADATA, batch=3),
    "shred": lambda ruled: ruled(dict(shredding(ruled).policies.retention), metadata=METADATA, batch=1),
    "anonymise": lambda ruled: anonymising(ruled, "user.device", "user.behavior.engagement", batch=2),
}


def fill(db: Database) -> None:
    """Six people who closed their account, a visit of each with a step, and a visit that is young."""
    with db.write() as session:
        for table in (step, visit, person):
            session.execute(table.delete())
        session.execute(delete(KeyDisposal))
    people(db, *CROWD, "zoe", closed_at=ago(40))
    for number, name in enumerate((*CROWD, "zoe")):
        visits(db, name, [number], kind="look", address="203.0.113.9", seen_at=ago(100))
    visits(db, "zoe", [9], days=1, kind="look")
    with db.write() as session:
        session.execute(insert(step), [{"visit_id": number, "place": 1} for number in range(6)])


def state(db: Database) -> tuple[object, ...]:
    """Everything that a run may change in the small tables, and the keys promised."""
    return (*(rows(db, table) for table in (person, visit, step)), sorted(promised(db)))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_between_any_two_statements_ends_in_the_same_state(tmp_path: Path, ruled: Ruled, action: str) -> None:
    """Killed before its first statement, its second, and so on, a run that is taken up again ends as if never killed."""
    steward = ACTIONS[action](ruled)
    db = Database(f"sqlite:///{tmp_path / 'killed.db'}")
    tables.metadata.create_all(db.engine)
    METADATA.create_all(db.engine)
    expected = None
    for at in range(10_000):  # 0: a run that nobody kills
        fill(db)
        plan = make(db, steward)
        assert plan.rows > 0
        if not killed_at(db, steward, plan, at) and at:
            break
        with db.read() as session:
            stored = plans.row(session, plan.id)
        if stored.state != states.APPLIED:
            run(db, steward, plan)
        expected = expected or state(db)
        assert state(db) == expected
        with db.read() as session:
            result, entries = outcome(plans.row(session, plan.id)), audit.entries(session, acts=["retention.applied"])
        assert result is not None
        assert result.rows == plan.rows
        assert sum(audit.facts(entry)["plan"] == plan.id for entry in entries) == 1
        assert told(db, plan.id).clean
    assert at > 20
    db.close()


def killed_at(db: Database, steward: Steward, plan: Plan, at: int) -> bool:
    """Runs the plan, and kills it before its statement `at` (counted from 1; 0: never); whether it was."""
    try:
        with Statements(db.engine, kill_at=at):
            run(db, steward, plan)
    except Killed:
        return True
    return False
