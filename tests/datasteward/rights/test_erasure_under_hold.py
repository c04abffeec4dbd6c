"""Erasing a person of whom holds keep a part: the rest goes at once, the key and the certificate wait, nothing held is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, func, insert, select

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.catalog import anonymise, is_subject, owned_by, owned_through, owned_via, record, tag
from datasteward.errors import HoldInTheWay
from datasteward.keys import Context
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from datasteward.rights.blocking import goes_on, held_back
from datasteward.rights.erasure import STEPS, Erasure
from datasteward.rights.scanning import scan
from datasteward.types import Sealed, UtcDateTime

BEFORE = ("begin", "farewell", "rows", "objects", "key")


def metadata() -> MetaData:
    """People; their letters with pages and objects; boards that several own; notes of two people; invoices."""
    made = MetaData()
    key = tag("system.operations")
    Table(
        "person",
        made,
        Column("id", String(26), primary_key=True, info=tag("user.unique_id")),
        info=record("user.account", is_subject("id")),
    )
    Table(
        "letter",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("owner", String(26), ForeignKey("person.id", ondelete="CASCADE"), info=tag("user.unique_id")),
        Column("words", Sealed(), info=tag("user.content.private.prompt")),
        Column("object", String(120), info=tag("user.content.private.image", holds="object")),
        Column("at", UtcDateTime(), info=key),
        info=record("user.content.private.generation", owned_by("owner"), clocks={"created": "at"}),
    )
    Table(
        "page",
        made,
        Column("letter", Integer, ForeignKey("letter.id", ondelete="CASCADE"), primary_key=True, info=key),
        Column("number", Integer, primary_key=True, info=key),
        info=record("user.content.private.image", owned_via("letter")),
    )
    Table(
        "board",
        made,
        Column("id", Integer, primary_key=True, info=key),
        info=record("user.content.preference", owned_through("member")),
    )
    Table(
        "member",
        made,
        Column("board", Integer, ForeignKey("board.id", ondelete="CASCADE"), primary_key=True, info=key),
        Column("person", String(26), primary_key=True, info=tag("user.unique_id")),
        info=record("user.content.preference", owned_by("person")),
    )
    Table(
        "note",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("writer", String(26), info=tag("user.unique_id")),
        Column("reader", String(26), info=tag("user.unique_id")),
        Column("name", String(20), info=tag("user.name")),
        info=record(
            "user.behavior.usage",
            owned_by("writer", leaving=anonymise("writer", "name"), or_nobody="The writer left."),
            owned_by("reader"),
        ),
    )
    Table(
        "invoice",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("subject_id", String(26), info=tag("user.unique_id")),
        Column("words", Sealed(), info=tag("user.content.private.prompt")),
        info=record("user.financial.transaction", owned_by("subject_id")),
    )
    return made


@pytest.fixture
def service(world: Any) -> Any:
    """A service with nobody in it."""
    return world(metadata())


Joiner = Callable[[], str]


@pytest.fixture
def join(service: Any) -> Joiner:
    """Makes a person of the service."""
    return joiner(service)


def joiner(service: Any) -> Joiner:
    """Makes a person: three letters of two pages each, a day apart; a board, a note and an invoice."""
    count = iter(range(1000))

    def make() -> str:
        subject, tables, vault = new_id(), service.steward.catalog.table, service.steward.vault
        vault.create(subject)
        with service.write() as session:
            session.execute(insert(tables("person")).values(id=subject))
            for day in range(3):
                row, key = next(count), f"letter/{subject}/{day}"
                service.steward.objects.put(subject, key, [b"an object"])
                words = vault.seal(Context(subject, "letter", "words", str(row)), "dear")
                at = service.clock() + timedelta(days=day)
                values = {"id": row, "owner": subject, "words": words, "object": key, "at": at}
                session.execute(insert(tables("letter")).values(values))
                session.execute(insert(tables("page")), [{"letter": row, "number": n} for n in range(2)])
            row = next(count)
            session.execute(insert(tables("board")).values(id=row))
            session.execute(insert(tables("member")).values(board=row, person=subject))
            session.execute(insert(tables("note")).values(id=row, writer=subject, reader="somebody", name="Ines"))
            words = vault.seal(Context(subject, "invoice", "words", str(row)), "paid")
            session.execute(insert(tables("invoice")).values(id=row, subject_id=subject, words=words))
        return subject

    return make


ALL = {"person": 1, "letter": 3, "page": 6, "board": 1, "member": 1}


def number(service: Any, table: str) -> int:
    """How many rows a table has."""
    with service.write() as session:
        return session.scalar(select(func.count()).select_from(service.steward.catalog.table(table))) or 0


def there(service: Any) -> dict[str, int]:
    """How many rows each table has, and in how many notes a name stands."""
    names = ("person", "letter", "page", "board", "member", "invoice")
    with service.write() as session:
        note = service.steward.catalog.table("note")
        named = session.scalar(select(func.count(note.c.name))) or 0
    return {name: n for name in names if (n := number(service, name))} | {"named": named}


def asked(service: Any, subject: str) -> str:
    """An erasure that waits for nothing."""
    with service.write() as session:
        return requests.ask(session, service.steward.policies, subject, "erasure", country="NO", now=service.clock()).id


def hold(service: Any, **scope: Any) -> str:
    """Places a hold and returns its id."""
    until = service.clock() + timedelta(days=9)
    with service.write() as session:
        return holds.place(
            session, service.steward, Scope(**scope), "24-117", review_at=until, by="legal", now=service.clock()
        ).id


def lift(service: Any, hold_id: str) -> None:
    """Lifts it."""
    with service.write() as session:
        holds.lift(session, hold_id, by="legal", now=service.clock())


def first_letter(service: Any, subject: str) -> int:
    """The key of the person's first letter."""
    letter = service.steward.catalog.table("letter")
    with service.write() as session:
        return session.scalar(select(func.min(letter.c.id)).where(letter.c.owner == subject)) or 0


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
