"""The boundaries of a plan: nothing outside them goes, they name nobody, and many rows of one moment go in batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from sqlalchemy import delete, insert, update
from support.retention_tables import METADATA, NOW, ago, ids, make, of, people, rows, rule, run, seat, visit, visits

from datasteward.audit import log as audit
from datasteward.errors import StalePlan
from datasteward.retention import certificate, plans
from datasteward.retention.applying import apply
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import to_json
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]


def deleting(ruled: Ruled, *, batch: int | None = None) -> Steward:
    """Visits and seats go thirty days after they were made."""
    use, seats = rule("use", "user.behavior.usage"), rule("seats", "user.content.favourite")
    return ruled({"use": use, "seats": seats}, metadata=METADATA, batch=batch)


def test_what_is_due_outside_the_boundaries_is_not_taken(small_db: Database, ruled: Ruled) -> None:
    """Rows that came in meanwhile with older or younger moments stay, though the counts would leave room for them."""
    people(small_db, "ada")
    for number in range(4):
        visits(small_db, "ada", [number], days=100 - number)
    steward = deleting(ruled)
    plan = make(small_db, steward)
    with small_db.write() as session:
        session.execute(delete(visit).where(visit.c.id.in_([1, 2])))
    visits(small_db, "ada", [10], days=101)
    visits(small_db, "ada", [11], days=96)
    assert run(small_db, steward, plan).rows == 2
    assert ids(small_db) == [10, 11]
    with small_db.read() as session:
        told = certificate.of(plans.row(session, plan.id))
    assert told is not None
    assert ([line.left for line in told.lines], told.clean) == ([2], False)


def test_the_key_tells_apart_rows_of_the_boundaries_own_moment(small_db: Database, ruled: Ruled) -> None:
    """At the very moment of a boundary, what stands before the first key or behind the last stays."""
    people(small_db, "ada")
    visits(small_db, "ada", [3, 4, 5, 6])
    steward = deleting(ruled)
    plan = make(small_db, steward)
    assert (of(plan, "visit").lower, of(plan, "visit").upper) == (
        ("2026-08-14T10:00:00Z", 3),
        ("2026-08-14T10:00:00Z", 6),
    )
    with small_db.write() as session:
        session.execute(delete(visit).where(visit.c.id.in_([4, 5])))
    visits(small_db, "ada", [2, 7])
    assert run(small_db, steward, plan).rows == 2
    assert ids(small_db) == [2, 7]


@pytest.mark.parametrize("table", ["visit", "seat"])
def test_many_rows_of_one_moment_go_in_batches(small_db: Database, ruled: Ruled, table: str) -> None:
    """More than a batch of them, before, between and after others: no batch is larger, and none is left."""
    people(small_db, "ada")
    ages = [102, 101, *[100] * 11, 99, 98]
    with small_db.write() as session:
        for number, days in enumerate(ages):
            values = {"person_id": "ada", "at": ago(days)}
            key = {"id": number} if table == "visit" else {"place": number}
            session.execute(insert(METADATA.tables[table]).values(**values, **key))
    steward = deleting(ruled, batch=3)
    plan = make(small_db, steward)
    told = [0]
    apply(small_db.write, steward, plan, by="tests", clock=lambda: NOW, progress=lambda done, _: told.append(done))
    assert told[-1] == len(ages) == plan.rows
    assert max(after - before for before, after in pairwise(told)) <= 3
    assert rows(small_db, METADATA.tables[table]) == []


def test_boundaries_of_a_table_with_a_personal_key_hold_no_id(small_db: Database, ruled: Ruled) -> None:
    """Of the key only the part is told that is nobody's number; neither plan, certificate nor log holds the id."""
    people(small_db, "ada-lovelace")
    with small_db.write() as session:
        session.execute(insert(seat), [{"person_id": "ada-lovelace", "place": n, "at": ago(90 - n)} for n in range(3)])
    steward = deleting(ruled)
    plan = make(small_db, steward)
    assert of(plan, "seat").lower == ("2026-08-24T10:00:00Z", 0)
    assert of(plan, "seat").upper == ("2026-08-26T10:00:00Z", 2)
    run(small_db, steward, plan)
    assert rows(small_db, seat) == []
    with small_db.read() as session:
        stored = plans.row(session, plan.id)
        written = [to_json(plan), msgspec.json.encode((stored.body, stored.result, stored.certificate))]
        written += [entry.entry for entry in audit.entries(session)]
    assert not any(b"ada-lovelace" in text for text in written)


def test_rows_with_keys_of_several_columns_go_to_the_last(small_db: Database, ruled: Ruled) -> None:
    """And those of others, or younger ones, with a part of the same key stay."""
    people(small_db, "ada", "ben")
    with small_db.write() as session:
        old = [{"person_id": name, "place": n, "at": ago(60)} for name in ("ada", "ben") for n in range(5)]
        young = [{"person_id": "ben", "place": n, "at": ago(3)} for n in range(5, 8)]
        session.execute(insert(seat), [*old, *young])
    steward = deleting(ruled, batch=2)
    plan = make(small_db, steward)
    assert (plan.rows, plan.people) == (10, 2)
    assert run(small_db, steward, plan).rows == 10
    assert [row.place for row in rows(small_db, seat)] == [5, 6, 7]


def test_an_edited_boundary_is_refused(small_db: Database, ruled: Ruled) -> None:
    """In the file, and in the plan's own row where what stands there is no place in the table."""
    people(small_db, "ada")
    visits(small_db, "ada", [1, 2])
    steward = deleting(ruled)
    plan = make(small_db, steward)
    found = of(plan, "visit")
    for edited in (("2026-11-22T10:00:00Z", 9), ("yesterday", 9), ("2026-08-14T10:00:00Z",)):
        items = tuple(msgspec.structs.replace(i, upper=edited) if i is found else i for i in plan.items)
        changed = msgspec.structs.replace(plan, items=items)
        with pytest.raises(StalePlan, match="changed after it was made"):
            run(small_db, steward, changed)
    with small_db.write() as session:
        session.execute(update(RetentionPlan).values(body=msgspec.to_builtins(changed)))
    with pytest.raises(StalePlan, match="boundaries in visit are not places in it any more"):
        run(small_db, steward, changed)
    assert ids(small_db) == [1, 2]


def test_a_clock_that_has_not_started_is_not_due(small_db: Database, ruled: Ruled) -> None:
    """A row without its moment is kept, and stands outside every boundary."""
    people(small_db, "ada")
    visits(small_db, "ada", [1])
    with small_db.write() as session:
        session.execute(insert(visit).values(id=2, person_id="ada"))
    steward = deleting(ruled)
    run(small_db, steward, make(small_db, steward))
    assert ids(small_db) == [2]
