"""Erasure on any schema: each row as its roads say, what hangs on what goes, and nothing else."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from support.schemas.examples import ERASURE, always
from support.schemas.filling import Service, services
from support.schemas.oracle import erased
from support.schemas.world import Examples, Opened, World

from datasteward.rights import requests
from datasteward.rights.erasure import Certificate, Erasure


def erase(world: World, subject: str, now: datetime) -> Certificate:
    """Asks for the erasure and carries it out."""
    with world.db.write() as session:
        request = requests.ask(session, world.steward.policies, subject, "erasure", country="NO", now=now)
    return Erasure(world.steward, world.db.write, request.id, clock=lambda: now).run()


def test_an_erasure_takes_what_the_roads_say_and_nothing_else(
    opened: Opened, examples: Examples, now: datetime
) -> None:
    """Rows go, are emptied or stay as their roads say; what hangs on them goes; every other row and object is untouched.

    So it is, too, when a second person leaves after the first.
    """

    @examples
    @always(ERASURE)
    @given(service=services())
    def holds(service: Service) -> None:
        with opened(service) as world:
            state, objects = None, world.objects()
            for subject in ("ada", "ben"):
                certificate = erase(world, subject, now)
                expected = erased(service, subject, state)
                state, objects = expected.left, objects - expected.objects
                assert world.read() == world.as_stored(state)
                assert world.objects() == objects
                assert not world.steward.vault.has(subject)
                assert sum(certificate.rows.values()) == len(expected.gone)

    holds()
