"""Archives in which every group has at least k people, whatever the data and whichever way it belongs to them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, true
from sqlalchemy.orm import Session
from support.anonymise_schema import METADATA, album, event, member, page, person, visit

from datasteward.anonymise import Head, Suppressed, archive, grouped, suppressed, write
from datasteward.catalog import Catalog, nobody, record, tag
from datasteward.errors import CatalogError, NotAnonymous, PolicyError
from datasteward.policy.model import Coarseness

Opened = Callable[[], AbstractContextManager[Session]]
examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CATALOG = Catalog(METADATA)
START = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)
PEOPLE = ("ada", "ben", "cleo", "dora")
EVENTS: Mapping[str, Coarseness] = {"kind": "as_is", "at": "day"}
UNITS: tuple[Coarseness, ...] = ("as_is", "hour", "day", "month", "year")

kinds = st.sampled_from(["kept", "shared", None])
moments = st.none() | st.integers(0, 60).map(lambda half: START + timedelta(minutes=30 * half))
owners = st.sampled_from(PEOPLE)


@dataclass(frozen=True)
class Fact:
    """A row as Python sees it: its generalised values and whose it is."""

    values: tuple[object, ...]
    people: frozenset[str]


def floor(at: datetime | None, how: Coarseness) -> datetime | None:
    """The time as coarse as `how`."""
    if at is None or how == "as_is":
        return at
    at = at.replace(minute=0, second=0, microsecond=0)
    return {
        "hour": at,
        "day": at.replace(hour=0),
        "month": at.replace(hour=0, day=1),
        "year": at.replace(hour=0, day=1, month=1),
    }[how]


def expected(facts: Sequence[Fact], k: int) -> tuple[dict[tuple[object, ...], int], Suppressed]:
    """The groups that may be published with their numbers of records, and what may not, worked out row by row."""
    groups: defaultdict[tuple[object, ...], list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.values].append(fact)
    enough = {v: len(rows) for v, rows in groups.items() if len(frozenset().union(*(r.people for r in rows))) >= k}
    small = [rows for values, rows in groups.items() if values not in enough]
    return enough, Suppressed(len(small), sum(map(len, small)))


def holds(session: Session, table: Table, facts: Sequence[Fact], generalise: Mapping[str, Coarseness], k: int) -> None:
    """What the database publishes and suppresses is what Python does; nothing is lost between them."""
    found = session.execute(grouped(CATALOG, table, true(), generalise, k)).all()
    enough, small = expected(facts, k)
    assert {tuple(row)[:-2]: row.records for row in found} == enough
    assert all(row.people >= k for row in found)
    assert suppressed(session, CATALOG, table, true(), generalise, k) == small
    assert sum(row.records for row in found) + small.records == len(facts)


@examples
@given(
    rows=st.lists(st.tuples(st.none() | owners, kinds, moments), max_size=14),
    how=st.sampled_from(UNITS),
    k=st.integers(2, 4),
)
def test_groups_of_rows_with_one_owner(
    opened: Opened, rows: list[tuple[str | None, str | None, datetime | None]], how: Coarseness, k: int
) -> None:
    """A group is published when, and only when, k distinct people stand behind it; rows of nobody count as records alone."""
    with opened() as session:
        for number, (owner, kind, at) in enumerate(rows):
            session.execute(insert(event).values(id=number, owner=owner, kind=kind, at=at))
        facts = [Fact((kind, floor(at, how)), frozenset([owner] if owner else [])) for owner, kind, at in rows]
        holds(session, event, facts, {"kind": "as_is", "at": how}, k)


@examples
@given(
    albums=st.lists(st.tuples(st.frozensets(owners, max_size=3), kinds), min_size=1, max_size=6),
    pages=st.lists(st.tuples(st.none() | st.integers(0, 5), st.none() | owners, kinds), max_size=8),
    k=st.integers(2, 3),
)
def test_groups_of_rows_with_several_owners(
    opened: Opened,
    albums: list[tuple[frozenset[str], str | None]],
    pages: list[tuple[int | None, str | None, str | None]],
    k: int,
) -> None:
    """Owners through an association, over keys of two columns, and by a second road all count, each once in a group."""
    with opened() as session:
        session.execute(insert(person), [{"id": name} for name in PEOPLE])
        for number, (theirs, kind) in enumerate(albums):
            session.execute(insert(album).values(shelf=1, place=number, kind=kind))
            for name in theirs:
                session.execute(insert(member).values(shelf=1, place=number, person_id=name))
        holds(session, album, [Fact((kind,), theirs) for theirs, kind in albums], {"kind": "as_is"}, k)
        facts = []
        for number, (place, author, kind) in enumerate(pages):
            on = place if place is not None and place < len(albums) else None
            shelf = None if on is None else 1
            session.execute(insert(page).values(id=number, shelf=shelf, place=on, author=author, kind=kind))
            also = albums[on][0] if on is not None else frozenset()
            facts.append(Fact((kind,), also | frozenset([author] if author else [])))
        holds(session, page, facts, {"kind": "as_is"}, k)


def filled(session: Session, rows: Sequence[tuple[str, str, int]]) -> None:
    """Writes events: whose, of which kind, how many hours after START."""
    values = [{"owner": o, "kind": kind, "at": START + timedelta(hours=h)} for o, kind, h in rows]
    session.execute(insert(event), [{"id": number, **each} for number, each in enumerate(values)])


def head(k: int, columns: Mapping[str, Coarseness] = EVENTS) -> Head:
    """The head of an archive of events."""
    return Head(table="event", rule="events", policy_hash="ab" * 32, as_of=START, k=k, columns=columns)


ROWS = (("ada", "kept", 0), ("ben", "kept", 1), ("cleo", "kept", 0), ("ada", "kept", 9), ("ben", "shared", 9))


def test_the_archive_is_lines_of_json_without_people(opened: Opened) -> None:
    """After the head comes a line for each group with its values and the number of records, and nothing of people."""
    with opened() as session:
        filled(session, ROWS)
        lines = b"".join(write(session, grouped(CATALOG, event, true(), EVENTS, 2), head(2))).splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "as_of": "2026-12-31T22:30:00Z",
            "columns": {"kind": "as_is", "at": "day"},
            "k": 2,
            "policy_hash": "ab" * 32,
            "rule": "events",
            "table": "event",
        },
        {"at": "2026-12-31T00:00:00Z", "kind": "kept", "records": 3},
    ]
    assert not any(name.encode() in b"".join(lines) for name in PEOPLE)


@examples
@given(rows=st.permutations(ROWS * 2))
def test_a_second_attempt_writes_the_same_bytes(opened: Opened, rows: list[tuple[str, str, int]]) -> None:
    """The bytes follow from the rows and not from the order in which the database keeps them."""
    columns: Mapping[str, Coarseness] = {"kind": "as_is", "at": "hour", "number": "as_is"}
    with opened() as session:
        filled(session, rows)
        written = b"".join(write(session, grouped(CATALOG, event, true(), columns, 2), head(2, columns)))
    with opened() as session:
        filled(session, ROWS * 2)
        again = b"".join(write(session, grouped(CATALOG, event, true(), columns, 2), head(2, columns)))
    assert written == again


def test_groups_come_in_the_order_of_their_values(opened: Opened) -> None:
    """The first column counts first and what is empty comes before all else, on every database."""
    values = [(None, 2), ("b", 1), ("a", None), ("b", None), ("a", 3), (None, None)]
    with opened() as session:
        doubled = [(owner, *value) for value in values for owner in ("ada", "ben")]
        rows = [{"id": n, "owner": o, "kind": kind, "number": x} for n, (o, kind, x) in enumerate(doubled)]
        session.execute(insert(event), rows)
        found = session.execute(grouped(CATALOG, event, true(), {"kind": "as_is", "number": "as_is"}, 2)).all()
    assert [tuple(row)[:2] for row in found] == [
        (None, None),
        (None, 2),
        ("a", None),
        ("a", 3),
        ("b", None),
        ("b", 1),
    ]


def test_only_the_rows_that_are_due_are_counted(opened: Opened) -> None:
    """People of rows outside of the condition stand behind no group."""
    with opened() as session:
        filled(session, ROWS)
        found = session.execute(grouped(CATALOG, event, event.c.owner != "ada", {"kind": "as_is"}, 2)).all()
    assert [tuple(row) for row in found] == [("kept", 2, 2)]


def test_nothing_to_tell_apart_is_one_group(opened: Opened) -> None:
    """Without any column all rows are one group, and no rows are no group."""
    with opened() as session:
        assert session.execute(grouped(CATALOG, event, true(), {}, 2)).all() == []
        filled(session, ROWS)
        assert [tuple(row) for row in session.execute(grouped(CATALOG, event, true(), {}, 2))] == [(5, 3)]


def test_a_group_below_what_the_head_promises_stops_the_archive_before_its_first_byte(opened: Opened) -> None:
    """However the groups came about, fewer people than k end in an error and not in an archive."""
    with opened() as session:
        filled(session, ROWS)
        groups = grouped(CATALOG, event, true(), EVENTS, 2)
        with pytest.raises(NotAnonymous, match="fewer than 4 people"):
            next(write(session, groups, head(4)))


def test_a_group_that_shrinks_while_the_archive_is_written_is_not_written(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line is looked at again, for a database without one state throughout could have lost rows since."""
    monkeypatch.setattr(archive, "check", lambda *_: None)
    with opened() as session:
        filled(session, ROWS)
        lines: Iterator[bytes] = write(session, grouped(CATALOG, event, true(), EVENTS, 2), head(4))
        next(lines)
        with pytest.raises(NotAnonymous, match="fewer than 4 people"):
            next(lines)


@pytest.mark.parametrize(
    ("table", "generalise", "says"),
    [
        (event, {"owner": "as_is"}, "leads to one row or person"),
        (event, {"id": "as_is"}, "leads to one row or person"),
        (visit, {"person_id": "as_is"}, "leads to one row or person"),
        (page, {"place": "as_is"}, "leads to one row or person"),
        (visit, {"sealed": "as_is"}, "no values that several people share"),
        (visit, {"picture": "as_is"}, "no values that several people share"),
        (visit, {"notes": "as_is"}, "no values that several people share"),
        (event, {"kind": "day"}, "UtcDateTime"),
        (event, {"nothing": "as_is"}, "no column nothing"),
    ],
)
def test_a_column_that_cannot_be_generalised_is_refused(table: Table, generalise: dict[str, Any], says: str) -> None:
    """The refusal names the column and says what to do."""
    with pytest.raises(PolicyError, match=says):
        grouped(CATALOG, table, true(), generalise, 2)


def test_a_k_below_two_is_refused() -> None:
    """A group of one person is that person."""
    with pytest.raises(NotAnonymous, match="2 or more"):
        grouped(CATALOG, event, true(), EVENTS, 1)


def test_what_belongs_to_nobody_has_no_people_to_count() -> None:
    """Such a table is archived in other ways."""
    made = MetaData()
    table = Table("n", made, Column("id", Integer, primary_key=True, info=tag("s")), info=record("s", nobody("tests")))
    with pytest.raises(CatalogError, match="belongs to nobody"):
        grouped(Catalog(made), table, true(), {}, 2)
