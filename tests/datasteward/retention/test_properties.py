"""Plans and runs over random schemas, data and holds: nothing due stays, nothing else goes, at whatever point it is cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, insert, select
from sqlalchemy.orm import Session
from support.retention_schemas import (
    GONE_BEFORE_EMPTIED,
    LET_GO_BY_ANOTHER,
    OF_ANOTHER,
    PEOPLE,
    TWO_WAYS,
    Expected,
    Service,
    Shape,
    Thing,
    metadata,
    row,
    rules,
    services,
)

from datasteward import tables
from datasteward.retention import holds, plans, states
from datasteward.retention.applying import apply
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
Ruled = Callable[..., Steward]
examples = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Cut(Exception):
    """The process was killed here."""


@contextmanager
def filled(service: Service, ruled: Ruled) -> Iterator[tuple[Database, MetaData]]:
    """A database in memory with the service's rows and holds."""
    db, made = Database("sqlite://"), metadata(service)
    tables.metadata.create_all(db.engine)
    made.create_all(db.engine)
    with db.write() as session:
        session.execute(insert(made.tables["person"]), [{"id": name} for name in PEOPLE])
        for number, thing in enumerate(service.things):
            session.execute(insert(made.tables[f"t{thing.table}"]).values(row(service, number, NOW)))
        for number in sorted(service.held):
            review = NOW + timedelta(days=30)
            who = Scope(subject=PEOPLE[number])
            holds.place(session, ruled(metadata=made), who, "24-117", review_at=review, by="tests", now=NOW)
    yield db, made
    db.close()


def left(db: Database, made: MetaData) -> dict[str, dict[str, object]]:
    """The rows that there are, by id."""
    with db.read() as session:
        found = [session.execute(select(t)).mappings().all() for t in made.sorted_tables if t.name != "person"]
    return {str(one["id"]): dict(one) for rows in found for one in rows}


@examples
@given(service=services())
@example(service=OF_ANOTHER)
@example(service=LET_GO_BY_ANOTHER)
@example(service=GONE_BEFORE_EMPTIED)
@example(service=TWO_WAYS)
def test_what_is_due_goes_and_nothing_else(service: Service, ruled: Ruled) -> None:
    """After a run exactly the due rows are gone or emptied, with what hangs on them; every other row is as it was."""
    with filled(service, ruled) as (db, made):
        steward = ruled(rules(service), batch=2, metadata=made)
        with db.write() as session:
            plan = plans.make(session, steward, by="tests", now=NOW)
        result = apply(db.write, steward, plan, by="tests", clock=lambda: NOW)
        expected = Expected(service)
        assert left(db, made) == expected.left(NOW)
        assert plan.rows == result.rows == len(expected.gone) + len(expected.emptied)
        assert result.rows_by_item == tuple(item.rows for item in plan.items)
        with db.write() as session:
            again = plans.make(session, steward, by="tests", now=NOW)
        assert (again.rows, again.due) == (0, again.held)


@examples
@given(service=services(), at=st.integers(1, 8), committed=st.booleans())
def test_a_run_that_is_cut_off_ends_in_the_same_state(service: Service, at: int, committed: bool, ruled: Ruled) -> None:
    """A kill at any transaction, before or after its commit, and a second run leave what one run would have left."""
    with filled(service, ruled) as (db, made):
        steward = ruled(rules(service), batch=1, metadata=made)
        with db.write() as session:
            plan = plans.make(session, steward, by="tests", now=NOW)
        opened = 0

        @contextmanager
        def cut() -> Iterator[Session]:
            nonlocal opened
            opened += 1
            with db.write() as session:
                yield session
                if opened == at and not committed:
                    raise Cut
            if opened == at:
                raise Cut

        try:
            apply(cut, steward, plan, by="tests", clock=lambda: NOW)
        except Cut:
            with db.read() as session:
                over = plans.row(session, plan.id).state == states.APPLIED
            if not over:
                apply(db.write, steward, plan, by="tests", clock=lambda: NOW + timedelta(days=1))
        assert left(db, made) == Expected(service).left(NOW)
        with db.read() as session:
            stored = plans.row(session, plan.id)
            assert stored.state == states.APPLIED
            assert sum(stored.result["rows_by_item"]) == plan.rows


@pytest.mark.parametrize("lifted", [True, False])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=services())
def test_what_was_due_goes_when_its_hold_is_lifted(service: Service, lifted: bool, ruled: Ruled) -> None:
    """A hold stops exactly its person's data: lifted, the next plan is that of a service that never had it."""
    free = Service(service.shapes, service.things, frozenset())
    with filled(service, ruled) as (db, made):
        steward = ruled(rules(service), batch=2, metadata=made)
        with db.write() as session:
            for hold in holds.active(session) if lifted else []:
                holds.lift(session, hold.id, by="tests", now=NOW)
            plan = plans.make(session, steward, by="tests", now=NOW)
        apply(db.write, steward, plan, by="tests", clock=lambda: NOW)
        assert left(db, made) == Expected(free if lifted else service).left(NOW)


@pytest.mark.parametrize("depth", [4, 9])
def test_a_road_may_lead_over_many_tables(depth: int, ruled: Ruled) -> None:
    """Conditions do not nest with the length of the road: SQLite's parser, which has a limit, takes the longest."""
    shapes = tuple(
        Shape(
            parent=n - 1 if n else None,
            refers_to_person=True,
            link=n - 1 if n else None,
            must=bool(n % 2),
            action="delete",
            days=1,
        )
        for n in range(depth)
    )
    things = tuple(
        Thing(
            table=n % depth,
            owner=n // depth,
            parent=n - 1,
            link=n - 1 if n % depth else None,
            age=3 if n % 3 else 0,
            note=True,
        )
        for n in range(3 * depth)
    )
    service = Service(shapes, things, frozenset({1}))
    with filled(service, ruled) as (db, made):
        steward = ruled(rules(service), batch=2, metadata=made)
        with db.write() as session:
            plan = plans.make(session, steward, by="tests", now=NOW)
        apply(db.write, steward, plan, by="tests", clock=lambda: NOW)
        assert left(db, made) == Expected(service).left(NOW)
