"""Retention on any schema: nothing due stays, nothing else goes, and the plan's counts are those of the run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from support.schemas.examples import RETENTION, always, deep
from support.schemas.filling import Service, services
from support.schemas.oracle import retained
from support.schemas.world import Examples, Opened

from datasteward.retention import holds, plans
from datasteward.retention.applying import apply


def test_what_is_due_goes_and_nothing_else(opened: Opened, examples: Examples, now: datetime) -> None:
    """After a run exactly the due rows are gone or emptied, with what hangs on them; what a hold keeps, and all else, stays.

    The plan counted the rows that the run took, item by item, and a plan made then finds nothing that could go.
    """

    @examples
    @always(RETENTION)
    @given(service=services(holds=True))
    def goes(service: Service) -> None:
        with opened(service, sealed=False) as world:
            with world.db.write() as session:
                plan = plans.make(session, world.steward, by="tests", now=now)
            result = apply(world.db.write, world.steward, plan, by="tests", clock=lambda: now)
            expected = retained(service)
            assert world.read() == world.as_stored(expected.left)
            assert world.outbox() == expected.objects
            assert result.rows_by_item == tuple(item.rows for item in plan.items)
            assert plan.rows == result.rows == len(expected.gone) + len(expected.emptied)
            with world.db.write() as session:
                again = plans.make(session, world.steward, by="tests", now=now)
            assert (again.rows, again.due) == (0, again.held)

    goes()


def test_what_was_due_goes_when_its_hold_is_lifted(opened: Opened, examples: Examples, now: datetime) -> None:
    """A hold stops exactly its person's data: lifted, the next plan is that of a service that never had it."""

    @examples
    @given(service=services(holds=True))
    def lifted(service: Service) -> None:
        with opened(service, sealed=False) as world:
            with world.db.write() as session:
                for hold in holds.active(session):
                    holds.lift(session, hold.id, by="tests", now=now)
                plan = plans.make(session, world.steward, by="tests", now=now)
            apply(world.db.write, world.steward, plan, by="tests", clock=lambda: now)
            assert world.read() == world.as_stored(retained(replace(service, held=frozenset())).left)

    lifted()


@pytest.mark.parametrize("depth", [4, 9])
def test_a_road_may_lead_over_many_tables(opened: Opened, depth: int, now: datetime) -> None:
    """Conditions do not nest with the length of the road: SQLite's parser, which has a limit, takes the longest."""
    service = deep(depth)
    with opened(service, sealed=False) as world:
        with world.db.write() as session:
            plan = plans.make(session, world.steward, by="tests", now=now)
        apply(world.db.write, world.steward, plan, by="tests", clock=lambda: now)
        assert world.read() == world.as_stored(retained(service).left)
