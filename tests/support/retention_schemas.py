"""Small random services: tables, rules, people and holds, with the rows that must be left when retention has run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, MetaData, String, Table

from datasteward.catalog import is_subject, owned_by, owned_via, record, tag
from datasteward.policy import Period, RetentionRule
from datasteward.types import UtcDateTime

PEOPLE = ("ada", "ben", "cleo")


@dataclass(frozen=True)
class Shape:
    """One table: whose its rows are, what else they refer to, and what its rule says.

    `parent` is the number of the table that the road leads over (None: the column holds the person's id); `link` is
    another table that a row refers to, `must` whether it has to go with it.
    """

    parent: int | None
    refers_to_person: bool
    link: int | None
    must: bool
    action: str | None
    days: int


@dataclass(frozen=True)
class Thing:
    """One row; `owner`, `parent` and `link` are numbers of a person or a row, `age` in days (None: no clock yet)."""

    table: int
    owner: int
    parent: int
    link: int | None
    age: int | None
    note: bool


@dataclass(frozen=True)
class Service:
    """A schema with its data; `held` are numbers of people."""

    shapes: tuple[Shape, ...]
    things: tuple[Thing, ...]
    held: frozenset[int]


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Up to four tables over three people, and up to fourteen rows."""
    shapes: list[Shape] = []
    for number in range(draw(st.integers(1, 4))):
        earlier = st.none() if number == 0 else st.one_of(st.none(), st.integers(0, number - 1))
        shapes.append(
            Shape(
                parent=draw(earlier),
                refers_to_person=draw(st.booleans()),
                link=draw(earlier),
                must=draw(st.booleans()),
                action=draw(st.sampled_from(("delete", "delete", "anonymise", None))),
                days=draw(st.integers(1, 3)),
            )
        )
    things: list[Thing] = []
    for _ in range(draw(st.integers(0, 16))):
        table = draw(st.integers(0, len(shapes) - 1))
        made = {n: [i for i, thing in enumerate(things) if thing.table == n] for n in range(len(shapes))}
        shape = shapes[table]
        if shape.parent is not None and not made[shape.parent]:
            continue
        links = made[shape.link] if shape.link is not None else []
        if shape.link is not None and shape.must and not links:
            continue
        things.append(
            Thing(
                table=table,
                owner=draw(st.integers(0, len(PEOPLE) - 1)),
                parent=draw(st.sampled_from(made[shape.parent])) if shape.parent is not None else -1,
                link=draw(st.sampled_from(links) if shape.must else st.one_of(st.none(), st.sampled_from(links)))
                if links
                else None,
                age=draw(st.sampled_from((9, 9, 9, 4, 3, 2, 1, 0, None))),
                note=draw(st.booleans()),
            )
        )
    return Service(tuple(shapes), tuple(things), frozenset(draw(st.sets(st.integers(0, 2), max_size=2))))


def metadata(service: Service) -> MetaData:
    """The tables, tagged."""
    made = MetaData()
    key = tag("system.operations")
    Table(
        "person", made, Column("id", String, primary_key=True, info=key), info=record("user.person", is_subject("id"))
    )
    for number, shape in enumerate(service.shapes):
        columns = [
            Column("id", String, primary_key=True, info=key),
            Column("at", UtcDateTime(), info=key),
            Column("note", String, info=tag(f"user.note{number}")),
        ]
        if shape.parent is None:
            person = [ForeignKey("person.id")] if shape.refers_to_person else []
            columns.append(Column("owner", String, *person, nullable=False, info=key))
            road = owned_by("owner")
        else:
            columns.append(Column("parent", String, ForeignKey(f"t{shape.parent}.id"), nullable=False, info=key))
            road = owned_via("parent")
        if shape.link is not None:
            target = ForeignKey(f"t{shape.link}.id", ondelete=None if shape.must else "SET NULL")
            columns.append(Column("link", String, target, nullable=not shape.must, info=key))
        told = record(f"user.thing{number}", road, clocks={"created": "at"})
        Table(f"t{number}", made, *columns, info=told)
    return made


def rules(service: Service) -> dict[str, RetentionRule]:
    """The retention rules of the tables that have one."""
    return {
        f"rule{number}": RetentionRule(
            id=f"rule{number}",
            name=f"Rule {number}",
            category=f"user.thing{number}",
            wording="{period}",
            legal_basis="test",
            promise="intro",
            source="test",
            clock="created",
            period=Period(days=shape.days),
            action="anonymise" if shape.action == "anonymise" else "delete",
            anonymise=(f"user.note{number}",) if shape.action == "anonymise" else (),
        )
        for number, shape in enumerate(service.shapes)
        if shape.action
    }


def row(service: Service, number: int, now: datetime) -> dict[str, object]:
    """The row of a thing, as it is before retention."""
    thing = service.things[number]
    shape = service.shapes[thing.table]
    values: dict[str, object] = {
        "id": f"r{number}",
        "at": None if thing.age is None else now - timedelta(days=thing.age),
        "note": "words" if thing.note else None,
    }
    if shape.parent is None:
        values["owner"] = PEOPLE[thing.owner]
    else:
        values["parent"] = f"r{thing.parent}"
    if shape.link is not None:
        values["link"] = None if thing.link is None else f"r{thing.link}"
    return values


class Expected:
    """What is to be left, worked out row by row, without SQL."""

    def __init__(self, service: Service) -> None:
        self.service = service
        numbers = range(len(service.things))
        self.due = {n for n in numbers if self._old(n) and self._shape(n).action == "delete"}
        self.kept = {n for n in self.due if any(self._held(m) for m in self._touched(n))}
        self.gone = {m for n in self.due - self.kept for m in self._closure(n)}
        emptied = {
            n for n in numbers if self._old(n) and self._shape(n).action == "anonymise" and service.things[n].note
        }
        self.emptied = {n for n in emptied - self.gone if not self._held(n)}

    def left(self, now: datetime) -> dict[str, dict[str, object]]:
        """The rows that are left, by id."""
        found = {}
        for number in range(len(self.service.things)):
            if number in self.gone:
                continue
            values = row(self.service, number, now)
            link = self.service.things[number].link
            if link in self.gone:
                values["link"] = None
            if number in self.emptied:
                values["note"] = None
            found[f"r{number}"] = values
        return found

    def _shape(self, number: int) -> Shape:
        return self.service.shapes[self.service.things[number].table]

    def _old(self, number: int) -> bool:
        age = self.service.things[number].age
        return age is not None and age > self._shape(number).days

    def _held(self, number: int) -> bool:
        thing = self.service.things[number]
        return self._held(thing.parent) if self._shape(number).parent is not None else thing.owner in self.service.held

    def _closure(self, number: int) -> set[int]:
        found = {number}
        for other, thing in enumerate(self.service.things):
            hangs = (self._shape(other).parent is not None and thing.parent == number) or (
                self._shape(other).must and thing.link == number
            )
            if hangs:
                found |= self._closure(other)
        return found

    def _touched(self, number: int) -> set[int]:
        gone = self._closure(number)
        return gone | {other for other, thing in enumerate(self.service.things) if thing.link in gone}


OF_ANOTHER = Service(
    shapes=(Shape(None, True, None, False, "delete", 1), Shape(None, True, 0, True, None, 1)),
    things=(Thing(0, 0, -1, None, 9, True), Thing(1, 1, -1, 0, 9, True)),
    held=frozenset({1}),
)
"""A row that is due, and on which the row of another person hangs, who is under a hold."""

LET_GO_BY_ANOTHER = Service(
    shapes=(Shape(None, True, None, False, "delete", 1), Shape(None, True, 0, False, None, 1)),
    things=(Thing(0, 0, -1, None, 9, True), Thing(1, 1, -1, 0, 9, True)),
    held=frozenset({1}),
)
"""The same, where that row would not go but change."""

GONE_BEFORE_EMPTIED = Service(
    shapes=(Shape(None, True, None, False, "delete", 1), Shape(0, True, None, False, "anonymise", 1)),
    things=(Thing(0, 0, -1, None, 9, True), Thing(1, 0, 0, None, 9, True), Thing(1, 0, 0, None, 9, False)),
    held=frozenset(),
)
"""A row that is to be emptied by its own rule, and goes with the row that it hangs on."""

TWO_WAYS = Service(
    shapes=(
        Shape(None, True, None, False, "delete", 1),
        Shape(None, True, None, False, "delete", 1),
        Shape(0, True, 1, True, "delete", 3),
    ),
    things=(
        Thing(0, 0, -1, None, 9, True),
        Thing(1, 0, -1, None, 9, True),
        Thing(2, 0, 0, 1, 2, True),
        Thing(2, 0, 0, 1, 9, True),
    ),
    held=frozenset(),
)
"""Rows that hang on two others that are both due, one of them due by its own rule as well."""
