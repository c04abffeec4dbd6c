"""A kill between any two statements, before a commit and after it: what runs again ends in the same state."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from support.schemas.filling import Service, services
from support.schemas.oracle import erased, retained
from support.schemas.world import Examples, Killer, Opened

from datasteward.disposal.disposal import destroy_objects
from datasteward.retention import plans, states
from datasteward.retention.applying import apply
from datasteward.rights import requests
from datasteward.rights.erasure import Erasure

MOMENTS = st.lists(st.integers(1, 120), min_size=1, max_size=3)
"""How many statements and commits pass until the first kill, from there to the second, and so on."""


def test_a_run_that_is_killed_anywhere_ends_in_the_same_state(
    opened: Opened, examples: Examples, now: datetime
) -> None:
    """However often a run of a plan is killed, in the end it has done what one run would have done, and counted it once."""

    @examples
    @given(service=services(holds=True), moments=MOMENTS)
    def holds(service: Service, moments: list[int]) -> None:
        with opened(service, sealed=False) as world:
            with world.db.write() as session:
                plan = plans.make(session, world.steward, by="tests", now=now)
            killer = Killer(world.db, moments)

            def work() -> None:
                with world.db.read() as session:
                    over = plans.row(session, plan.id).state == states.APPLIED
                if not over:
                    apply(killer.write, world.steward, plan, by="tests", clock=lambda: now)
                with killer.write() as session:
                    destroy_objects(session, world.steward.objects)

            killer.run(work)
            expected = retained(service)
            assert world.read() == world.as_stored(expected.left)
            assert world.outbox() == set()
            with world.db.read() as session:
                stored = plans.row(session, plan.id)
            assert stored.state == states.APPLIED
            assert stored.result["rows_by_item"] == [item.rows for item in plan.items]
            assert sum(stored.result["rows_by_item"]) == len(expected.gone) + len(expected.emptied)

    holds()


def test_an_erasure_that_is_killed_anywhere_ends_in_the_same_state(
    opened: Opened, examples: Examples, now: datetime
) -> None:
    """However often an erasure is killed, in the end rows, objects and key are gone as after one that was not."""

    @examples
    @given(service=services(), moments=MOMENTS)
    def holds(service: Service, moments: list[int]) -> None:
        with opened(service) as world:
            before = world.objects()
            with world.db.write() as session:
                request = requests.ask(session, world.steward.policies, "ada", "erasure", country="NO", now=now)
            killer = Killer(world.db, moments)

            def work() -> None:
                with world.db.read() as session:
                    over = requests.get(session, request.id).state == "done"
                if not over:
                    Erasure(world.steward, killer.write, request.id, clock=lambda: now).run()

            killer.run(work)
            expected = erased(service, "ada")
            assert world.read() == world.as_stored(expected.left)
            assert world.objects() == before - expected.objects
            assert not world.steward.vault.has("ada")
            with world.db.read() as session:
                result = requests.get(session, request.id).result
            assert result is not None
            assert sum(result["rows"].values()) == len(expected.gone)

    holds()
