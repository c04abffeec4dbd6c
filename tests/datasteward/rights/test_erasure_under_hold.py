"""Erasing a person of whom holds keep a part: the rest goes at once, the key and the certificate wait, nothing held is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.erasing import asked, hold, lift, number
from support.letters import ALL, Joiner, first_letter, joiner, metadata, there

from datasteward.audit import log as audit
from datasteward.errors import HoldInTheWay
from datasteward.retention import holds
from datasteward.rights import requests
from datasteward.rights.blocking import goes_on, held_back
from datasteward.rights.erasure import STEPS, Erasure
from datasteward.rights.scanning import scan

BEFORE = ("begin", "farewell", "rows", "objects", "key")


@pytest.fixture
def service(world: Any) -> Any:
    """A service with nobody in it."""
    return world(metadata())


@pytest.fixture
def join(service: Any) -> Joiner:
    """Makes a person of the service."""
    return joiner(service)


KEPT: dict[str, tuple[Callable[[int, datetime], dict[str, Any]], dict[str, int]]] = {
    "a-row": (
        lambda letter, _now: {"table": "letter", "rows": ((str(letter),),)},
        {"person": 1, "letter": 1, "named": 0, "invoice": 1},
    ),
    "a-page": (
        lambda letter, _now: {"table": "page", "rows": ((str(letter), "1"),)},
        {"person": 1, "letter": 1, "page": 1, "named": 0, "invoice": 1},
    ),
    "a-column": (
        lambda _letter, _now: {"category": "user.name"},
        {"named": 1, "invoice": 1},
    ),
    "a-category": (
        lambda _letter, _now: {"category": "user.content.private.prompt"},
        {"person": 1, "letter": 3, "named": 0, "invoice": 1},
    ),
    "what-law-keeps": (lambda _letter, _now: {"table": "invoice"}, {"named": 0, "invoice": 1}),
    "shared": (
        lambda _letter, _now: {"table": "board"},
        {"board": 1, "member": 1, "named": 0, "invoice": 1},
    ),
    "a-range-of-a-table": (
        lambda _letter, now: {"table": "letter", "since": now + timedelta(days=1), "before": now + timedelta(days=2)},
        {"person": 1, "letter": 1, "named": 0, "invoice": 1},
    ),
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_no_hold_keeps_goes_at_once_and_the_rest_when_it_is_lifted(service: Any, join: Joiner, kind: str) -> None:
    """The request is blocked with the key in place and without a certificate; lifted, it ends, counting both passes."""
    ines = join()
    scope, left = KEPT[kind]
    hold_id = hold(service, **scope(first_letter(service, ines), service.clock()))
    request = asked(service, ines)
    words: list[str] = []
    erasure = Erasure(
        service.steward,
        service.write,
        request,
        clock=service.clock,
        last_words=lambda _session: words.append("goodbye"),
    )
    for _ in range(2):
        with pytest.raises(HoldInTheWay):
            erasure.run()
        assert there(service) == left
        assert words == ["goodbye"]
        assert service.steward.vault.has(ines)
        assert len(list(service.steward.objects.keys(f"letter/{ines}"))) == left.get("letter", 0)
    with service.write() as session:
        state = requests.get(session, request)
        assert (state.state, state.problem is not None and "a part of this data" in state.problem) == ("blocked", True)
        assert audit.entries(session, acts=["rights.erasure.done"]) == []
        assert len(audit.entries(session, acts=["rights.erasure.blocked"])) == 1
        assert not goes_on(session, service.steward, ines)
        assert held_back(session, service.steward, ines)
    lift(service, hold_id)
    with service.write() as session:
        assert goes_on(session, service.steward, ines)
    certificate = erasure.run()
    assert there(service) == {"named": 0, "invoice": 1}
    assert (certificate.rows, certificate.objects) == (ALL, 3)
    assert not service.steward.vault.has(ines)
    assert words == ["goodbye"]
    with service.write() as session:
        assert scan(session, service.steward, ines)[0] == {}


def test_a_hold_on_another_person_stops_nothing(service: Any, join: Joiner) -> None:
    """Holds on others, or on what the person does not have, leave an erasure as it is."""
    ines, tom = join(), join()
    hold(service, subject=tom)
    hold(service, table="letter", rows=((str(first_letter(service, tom)),),))
    hold(service, subject=tom, category="user.content")
    certificate = Erasure(service.steward, service.write, asked(service, ines), clock=service.clock).run()
    assert certificate.rows == ALL
    assert number(service, "letter") == 3


def test_a_part_that_is_lifted_goes_while_another_waits(service: Any, join: Joiner) -> None:
    """Of two holds one is lifted: what it alone kept goes, the request stays blocked, and the key in place."""
    ines = join()
    letters = hold(service, table="letter")
    board = hold(service, table="board")
    request = asked(service, ines)
    erasure = Erasure(service.steward, service.write, request, clock=service.clock)
    with pytest.raises(HoldInTheWay):
        erasure.run()
    lift(service, letters)
    with pytest.raises(HoldInTheWay):
        erasure.run()
    assert there(service) == {"board": 1, "member": 1, "named": 0, "invoice": 1}
    assert service.steward.vault.has(ines)
    lift(service, board)
    assert erasure.run().rows == ALL


def test_where_holds_keep_all_nothing_is_said_and_nothing_goes(service: Any, join: Joiner) -> None:
    """Holds that keep everything of a person between them block the erasure before its first step."""
    ines = join()
    hold(service, category="user")
    words: list[str] = []
    erasure = Erasure(
        service.steward,
        service.write,
        asked(service, ines),
        clock=service.clock,
        last_words=lambda _session: words.append("goodbye"),
    )
    with pytest.raises(HoldInTheWay):
        erasure.run()
    assert words == []
    assert there(service) == {**ALL, "named": 1, "invoice": 1}


class Killed(Exception):
    """Stands for the process being killed."""


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("at", STEPS)
def test_killed_in_either_pass_it_ends_the_same(service: Any, join: Joiner, at: str, second: bool) -> None:
    """Killed before whatever step of either pass, the erasure ends with the certificate of one that was not."""
    ines = join()
    hold_id = hold(service, table="letter", rows=((str(first_letter(service, ines)),),))
    request = asked(service, ines)

    def told(step: str) -> None:
        if step == at:
            raise Killed

    def run(kill: bool) -> Any:
        words = {"told": told} if kill else {}
        return Erasure(service.steward, service.write, request, clock=service.clock, **words).run()

    if not second and at in BEFORE:
        with pytest.raises(Killed):
            run(kill=True)
    with pytest.raises(HoldInTheWay):
        run(kill=False)
    assert there(service) == {"person": 1, "letter": 1, "named": 0, "invoice": 1}
    lift(service, hold_id)
    if second:
        with pytest.raises(Killed):
            run(kill=True)
    certificate = run(kill=False)
    assert (certificate.rows, certificate.objects) == (ALL, 3)


def test_a_hold_on_everything_that_comes_between_keeps_what_is_left(service: Any, join: Joiner) -> None:
    """Placed when rows have gone and the key has not, a hold on the person keeps the key, and with it what law keeps."""
    ines = join()
    request = asked(service, ines)

    def told(step: str) -> None:
        if step == "key":
            hold(service, subject=ines)

    with pytest.raises(HoldInTheWay):
        Erasure(service.steward, service.write, request, clock=service.clock, told=told).run()
    assert service.steward.vault.has(ines)
    assert there(service) == {"named": 0, "invoice": 1}
    with service.write() as session:
        lifted = holds.active(session)[0].id
    lift(service, lifted)
    assert Erasure(service.steward, service.write, request, clock=service.clock).run().rows == ALL


def test_a_hold_that_comes_after_the_key_changes_nothing(service: Any, join: Joiner) -> None:
    """With the key gone there is no way back: the erasure ends with its certificate."""
    ines = join()

    def told(step: str) -> None:
        if step == "forget":
            hold(service, subject=ines)

    certificate = Erasure(service.steward, service.write, asked(service, ines), clock=service.clock, told=told).run()
    assert certificate.rows == ALL
    assert not service.steward.vault.has(ines)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_held_the_end_is_the_same(world: Any, data: st.DataObject) -> None:
    """Under random holds on random rows nothing held goes, nobody else's row does, and lifted all ends as without holds."""
    service = world(metadata())
    make = joiner(service)
    ines, tom = make(), make()
    tables = service.steward.catalog.table
    scopes: list[str] = []
    for _ in range(data.draw(st.integers(1, 3))):
        table = tables(data.draw(st.sampled_from(["letter", "page", "board", "member", "note"])))
        with service.write() as session:
            found = [tuple(map(str, row)) for row in session.execute(select(*table.primary_key.columns))]
        rows = tuple(data.draw(st.lists(st.sampled_from(sorted(found)), min_size=1, max_size=3, unique=True)))
        scopes.append(hold(service, table=str(table.name), rows=rows))
    with service.write() as session:
        kept = {h.id: (h.table, [tuple(row) for row in h.rows or []]) for h in holds.active(session)}
    erasure = Erasure(service.steward, service.write, asked(service, ines), clock=service.clock)
    try:
        erasure.run()
    except HoldInTheWay:
        assert service.steward.vault.has(ines)
    for name, rows in kept.values():
        table = tables(str(name))
        with service.write() as session:
            left = {tuple(map(str, row)) for row in session.execute(select(*table.primary_key.columns))}
        assert set(rows) <= left
    for each in scopes:
        lift(service, each)
    with service.write() as session:
        over = requests.last(session, ines, "erasure").state == "done"
    if not over:
        assert erasure.run().rows == ALL
    assert there(service) == {**ALL, "named": 1, "invoice": 2}
    assert service.steward.vault.has(tom)
    assert not service.steward.vault.has(ines)
