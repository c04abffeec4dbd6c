"""One transaction of a run: no larger than a batch whatever hangs on its rows, and safe from whoever changes them meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Delete, delete, event, insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from support.retention_tables import (
    METADATA,
    NOW,
    ago,
    ids,
    make,
    of,
    people,
    rows,
    rule,
    run,
    step,
    visit,
    visits,
    words,
)

from datasteward.retention import certificate, holds, plans
from datasteward.retention.applying import apply
from datasteward.retention.batches import Batches
from datasteward.retention.plan import Plan
from datasteward.retention.result import Result
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
USAGE = "user.behavior.usage"
SECONDS = 20
"""How long a test waits at most for the other side."""


class Killed(Exception):
    """Ends a run between two of its transactions."""


@pytest.fixture
def deleting(ruled: Ruled) -> Steward:
    """Visits go after thirty days, ten rows in a transaction."""
    return ruled({"use": rule("use", USAGE)}, metadata=METADATA, batch=10)


def transactions(db: Database, steward: Steward, plan: Plan, *, most: int | None = None) -> tuple[Result, list[int]]:
    """Carries the plan out and counts the rows that each transaction deletes in the tables of the tests.

    Raises Killed after `most` transactions.
    """
    sizes: list[int] = []

    @contextmanager
    def write() -> Iterator[Session]:
        if len(sizes) == most:
            raise Killed
        sizes.append(0)
        with db.write() as session:

            @event.listens_for(session.connection(), "after_execute")
            def executed(_c: Any, statement: Any, _m: Any, _p: Any, _o: Any, result: Any) -> None:
                if isinstance(statement, Delete):
                    sizes[-1] += result.rowcount

            yield session

    done = apply(write, steward, plan, by="tests", clock=lambda: NOW)
    return done, sizes


def crowded(db: Database) -> None:
    """Three old visits with forty, none and three steps, and a young one with two."""
    people(db, "ada")
    visits(db, "ada", [1, 2, 3])
    visits(db, "ada", [4], days=1)
    with db.write() as session:
        many = [(1, place) for place in range(40)] + [(3, place) for place in range(3)] + [(4, 0), (4, 1)]
        session.execute(insert(step), [{"visit_id": number, "place": place} for number, place in many])


def test_a_transaction_takes_a_batch_with_what_hangs_on_it(small_db: Database, deleting: Steward) -> None:
    """However much hangs on a row, and the counts of the plan are those of the run."""
    crowded(small_db)
    plan = make(small_db, deleting)
    item = of(plan, "visit")
    assert (item.goes, item.along) == (3, {"step": 43})
    done, sizes = transactions(small_db, deleting, plan)
    assert max(sizes) <= 10
    assert (done.taken, done.rows, done.deleted) == ((3,), 46, {"step": 43, "visit": 3})
    assert (ids(small_db), [tuple(row) for row in rows(small_db, step)]) == ([4], [(4, 0), (4, 1)])


def test_a_run_that_is_killed_among_what_hangs_is_taken_up_again(small_db: Database, deleting: Steward) -> None:
    """What went before counts, and the certificate adds up."""
    crowded(small_db)
    plan = make(small_db, deleting)
    with pytest.raises(Killed):
        transactions(small_db, deleting, plan, most=2)
    assert (len(rows(small_db, step)), ids(small_db)) == (25, [1, 2, 3, 4])
    done, sizes = transactions(small_db, deleting, plan)
    assert max(sizes) <= 10
    assert done.deleted == {"step": 43, "visit": 3}
    with small_db.read() as session:
        made = certificate.of(plans.row(session, plan.id))
    assert made is not None
    assert [(line.rows, line.along, line.left) for line in made.lines] == [(3, 43, 0)]


def test_a_deep_tree_goes_from_its_leaves(retention_db: Database, ruled: Ruled) -> None:
    """What hangs on a row of its own table is taken in pieces too, and a ring of rows, which has no leaf, at once."""
    word = words(retention_db)
    with retention_db.write() as session:
        session.execute(insert(word), [{"id": 0, "at": ago(100)}, {"id": 90, "at": ago(90)}])
        for number in range(1, 30):
            session.execute(insert(word), {"id": number, "answers": (number - 1) // 2, "at": ago(1)})
        session.execute(insert(word), [{"id": 91, "answers": 90, "at": ago(1)}])
        session.execute(update(word).where(word.c.id == 90).values(answers=91))
        session.execute(insert(word), [{"id": 95, "at": ago(1)}])
    steward = ruled({"use": rule("use", USAGE)}, metadata=word.metadata, batch=7)
    plan = make(retention_db, steward)
    assert (of(plan, "word").goes, of(plan, "word").along) == (2, {"word": 30})
    done, sizes = transactions(retention_db, steward, plan)
    assert max(sizes) <= 7
    assert (done.taken, done.deleted) == ((2,), {"word": 32})
    assert ids(retention_db, word) == [95]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        update(visit).where(visit.c.id == 2).values(at=NOW),
        delete(visit).where(visit.c.id == 2),
        insert(step).values(visit_id=2, place=1),
    ],
    ids=["young", "gone", "child"],
)
def test_nobody_changes_a_row_between_the_look_and_the_change(
    small_db: Database, deleting: Steward, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    """Whoever makes it young, deletes it or hangs something on it has to wait for the batch."""
    people(small_db, "ada")
    visits(small_db, "ada", [1, 2, 3])
    plan, inner, refused = make(small_db, deleting), Batches._change, Counter[str]()

    def change_first(self: Batches, session: Session, *rest: Any) -> Any:
        try:
            with small_db.write() as other:
                other.execute(text("SET LOCAL lock_timeout = '300ms'"))
                other.execute(change)
        except OperationalError:
            refused["change"] += 1
        return inner(self, session, *rest)

    monkeypatch.setattr(Batches, "_change", change_first)
    done = run(small_db, deleting, plan)
    assert refused["change"] == 1
    assert (done.taken, done.rows, ids(small_db)) == ((3,), 3, [])


def while_it_waits(db: Database, steward: Steward, plan: Plan, change: Any) -> Result:
    """Carries the plan out while another transaction, which made the change first, keeps it waiting."""
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with ThreadPoolExecutor(1) as pool:
        with db.write() as session:
            session.execute(change)
            running = pool.submit(run, db, steward, plan)
            until = time.monotonic() + SECONDS
            while time.monotonic() < until and not running.done():
                with db.read() as looking:
                    if looking.execute(waiting).first():
                        break
                time.sleep(0.05)
        return running.result(timeout=SECONDS)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_row_that_is_just_being_made_young_stays(small_db: Database, deleting: Steward) -> None:
    """The run waits for who is changing it, and asks the row again as it is then."""
    people(small_db, "ada")
    visits(small_db, "ada", [1, 2, 3])
    young = update(visit).where(visit.c.id == 2).values(at=ago(1))
    done = while_it_waits(small_db, deleting, make(small_db, deleting), young)
    assert (done.taken, ids(small_db)) == ((2,), [2])
    with small_db.read() as session:
        assert session.scalars(select(visit.c.at)).one() == ago(1)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_row_stays_on_which_something_held_is_just_being_hung(small_db: Database, deleting: Steward) -> None:
    """Whether a hold keeps it is asked once nothing more can come to hang on it."""
    people(small_db, "ada")
    visits(small_db, "ada", [1, 2, 3])
    with small_db.write() as session:
        review = NOW + timedelta(days=9)
        holds.place(session, deleting, Scope(table="step"), "24-117", review_at=review, by="staff", now=NOW)
    child = insert(step).values(visit_id=2, place=1)
    done = while_it_waits(small_db, deleting, make(small_db, deleting), child)
    assert (done.taken, ids(small_db), len(rows(small_db, step))) == ((2,), [2], 1)
