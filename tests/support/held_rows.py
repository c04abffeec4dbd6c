"""A small schema with every way in which rows hang on each other, random rows and holds, and which rows are held: without SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table

from datasteward.catalog import (
    is_subject,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    record,
    tag,
    within,
)
from datasteward.retention.scope import Scope
from datasteward.types import UtcDateTime

PEOPLE = ("ada", "ben", "cleo")
START = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = (
    "user.behavior.usage",
    "user.content",
    "user.content.private.prompt",
    "user.content.private.image",
    "system.operations",
)
KEY = tag("system.operations.job")


def metadata() -> MetaData:
    """People; letters that answer letters and may have a topic; pages of letters; groups with members."""
    made = MetaData()
    person = Column("id", String(20), primary_key=True, info=KEY)
    Table("h_person", made, person, info=record("user.account", is_subject("id")))
    Table(
        "h_topic",
        made,
        Column("id", String(20), primary_key=True, info=KEY),
        Column("at", UtcDateTime(), info=KEY),
        info=record("user.behavior.usage", nobody("Words on a shelf."), clocks={"created": "at"}),
    )
    Table(
        "h_letter",
        made,
        Column("id", Integer, primary_key=True, autoincrement=False, info=KEY),
        Column("owner", String(20), ForeignKey("h_person.id", ondelete="CASCADE"), nullable=False, info=KEY),
        Column("answers", Integer, ForeignKey("h_letter.id", ondelete="CASCADE"), info=KEY),
        Column("topic", String(20), ForeignKey("h_topic.id", ondelete="SET NULL"), info=KEY),
        Column("words", String(20), info=tag("user.content.private.prompt")),
        Column("at", UtcDateTime(), info=KEY),
        info=record("user.behavior.usage", owned_by("owner"), clocks={"created": "at"}),
    )
    Table(
        "h_page",
        made,
        Column("letter", Integer, ForeignKey("h_letter.id", ondelete="CASCADE"), primary_key=True, info=KEY),
        Column("number", Integer, primary_key=True, info=KEY),
        info=record("user.content.private.image", owned_via("letter")),
    )
    Table(
        "h_note",
        made,
        Column("id", String(20), primary_key=True, info=KEY),
        Column("letter", Integer, info=KEY),
        Column("number", Integer, info=KEY),
        ForeignKeyConstraint(["letter", "number"], ["h_page.letter", "h_page.number"], ondelete="CASCADE"),
        info=record("user.behavior.usage", nobody("Who wrote it is not told.")),
    )
    Table(
        "h_group",
        made,
        Column("id", String(20), primary_key=True, info=KEY),
        Column("at", UtcDateTime(), info=KEY),
        info=record("user.content.private.image", owned_through("h_member"), clocks={"created": "at"}),
    )
    Table(
        "h_member",
        made,
        Column("group_id", String(20), ForeignKey("h_group.id", ondelete="CASCADE"), primary_key=True, info=KEY),
        Column("person", String(20), ForeignKey("h_person.id", ondelete="CASCADE"), primary_key=True, info=KEY),
        info=record("user.behavior.usage", owned_by("person")),
    )
    return made


@dataclass(eq=False)
class Thing:
    """One row: its key and values, and what the model has to know of it.

    `of`: the row's people; `filled`: categories by filled column; `at`: its clock, `timed` whether its table has one;
    `must`, `lets`: the rows that it must or may refer to; `leads`: the row whose road leads over it.
    """

    table: str
    key: tuple[str, ...]
    values: dict[str, Any]
    of: set[str]
    category: str
    filled: dict[str, str]
    timed: bool = False
    at: datetime | None = None
    must: list[Thing] = field(default_factory=list)
    lets: list[Thing] = field(default_factory=list)
    leads: Thing | None = None

    def touched(self, scope: Scope, columns: set[str] | None = None) -> bool:
        """Whether the hold is about this row, when the columns (or the row) would go."""
        inside = [c for name, c in self.filled.items() if columns is None or name in columns]
        return (
            scope.table in (None, self.table)
            and (not scope.rows or self.key in scope.rows)
            and (
                scope.category is None
                or within(self.category, scope.category)
                or any(within(c, scope.category) for c in inside)
            )
            and (scope.subject is None or scope.subject in self.of)
            and (
                not self.timed
                or self.at is None
                or (
                    (scope.since is None or self.at >= scope.since) and (scope.before is None or self.at < scope.before)
                )
            )
        )


OPERATIONS = "system.operations.job"
MOMENTS = st.none() | st.integers(0, 9).map(lambda days: START + timedelta(days=days))


@st.composite
def things(draw: st.DrawFn) -> list[Thing]:
    """Rows of the schema in the order in which they can be put in."""
    people = [Thing("h_person", (name,), {"id": name}, {name}, "user.account", {"id": OPERATIONS}) for name in PEOPLE]
    topics = []
    for number in range(draw(st.integers(0, 2))):
        at = draw(MOMENTS)
        filled = {"id": OPERATIONS} | ({"at": OPERATIONS} if at else {})
        values = {"id": f"t{number}", "at": at}
        topics.append(Thing("h_topic", (f"t{number}",), values, set(), "user.behavior.usage", filled, True, at))
    letters: list[Thing] = []
    for number in range(draw(st.integers(0, 6))):
        letters.append(_letter(draw, number, people, topics, letters))
    pages = [_page(letter, number) for letter in letters for number in range(draw(st.integers(0, 2)))]
    notes = [_note(draw, number, pages) for number in range(draw(st.integers(0, 2)))]
    groups, members = [], []
    for number in range(draw(st.integers(0, 2))):
        at, name = draw(MOMENTS), f"g{number}"
        filled = {"id": OPERATIONS} | ({"at": OPERATIONS} if at else {})
        of = draw(st.sets(st.sampled_from(PEOPLE), min_size=1))
        group = Thing("h_group", (name,), {"id": name, "at": at}, of, "user.content.private.image", filled, True, at)
        groups.append(group)
        members += [_member(group, person) for person in people if person.key[0] in of]
    return [*people, *topics, *letters, *pages, *notes, *groups, *members]


@st.composite
def scopes(draw: st.DrawFn, rows: list[Thing]) -> Scope:
    """What a hold may be about; rather one or two things than all of them."""
    chosen = draw(st.sets(st.sampled_from(["subject", "table", "rows", "category", "range"]), min_size=1, max_size=2))
    given: dict[str, Any] = {}
    if "subject" in chosen:
        given["subject"] = draw(st.sampled_from(PEOPLE))
    if "table" in chosen:
        given["table"] = draw(st.sampled_from(sorted({row.table for row in rows})))
    if "rows" in chosen:
        table = given.setdefault("table", draw(st.sampled_from(rows)).table)
        there = sorted(row.key for row in rows if row.table == table)
        given["rows"] = tuple(draw(st.lists(st.sampled_from(there), min_size=1, max_size=2, unique=True)))
    if "category" in chosen:
        given["category"] = draw(st.sampled_from(CATEGORIES))
    if "range" in chosen:
        first, days = draw(st.integers(0, 9)), draw(st.integers(1, 4))
        ends = {"since": START + timedelta(days=first), "before": START + timedelta(days=first + days)}
        given |= {name: ends[name] for name in draw(st.sampled_from([["since"], ["before"], ["since", "before"]]))}
    return Scope(**given)


def held(rows: list[Thing], holds: list[Scope]) -> list[Thing]:
    """The rows that may not go: worked out row by row."""
    found = [row for row in rows if _touched(row, holds) or _leads(row, holds)]
    found += [each for row in rows if _touched(row, holds, {"topic"}) for each in row.lets if each not in found]
    while True:
        more = [row for row in rows if row not in found and any(row in other.must for other in found)]
        if not more:
            return found
        found += more


def named(rows: list[Thing], holds: list[Scope], table: str, column: str) -> list[Thing]:
    """The rows of the table that may not lose the column."""
    return [row for row in rows if row.table == table and (_touched(row, holds, {column}) or _leads(row, holds))]


def _touched(row: Thing, holds: list[Scope], columns: set[str] | None = None) -> bool:
    return any(row.touched(scope, columns) for scope in holds)


def _leads(row: Thing, holds: list[Scope]) -> bool:
    narrow = [scope for scope in holds if not scope.person_alone]
    return row.leads is not None and _touched(row.leads, narrow)


def _letter(draw: st.DrawFn, number: int, people: list[Thing], topics: list[Thing], letters: list[Thing]) -> Thing:
    owner = draw(st.sampled_from(people))
    answers = draw(st.none() | st.sampled_from(letters)) if letters else None
    topic = draw(st.none() | st.sampled_from(topics)) if topics else None
    words, at = draw(st.none() | st.just("words")), draw(MOMENTS)
    values = {
        "id": number,
        "owner": owner.key[0],
        "answers": answers and int(answers.key[0]),
        "topic": topic and topic.key[0],
        "words": words,
        "at": at,
    }
    told = {"words": "user.content.private.prompt"}
    filled = {name: told.get(name, OPERATIONS) for name, value in values.items() if value is not None}
    must = [owner, *([answers] if answers else [])]
    return Thing(
        "h_letter", (str(number),), values, set(owner.of), "user.behavior.usage", filled, True, at, must,
        [topic] if topic else [],
    )  # fmt: skip


def _page(letter: Thing, number: int) -> Thing:
    key = (letter.key[0], str(number))
    values = {"letter": int(letter.key[0]), "number": number}
    filled = dict.fromkeys(values, OPERATIONS)
    return Thing("h_page", key, values, set(letter.of), "user.content.private.image", filled, True, letter.at, [letter])


def _note(draw: st.DrawFn, number: int, pages: list[Thing]) -> Thing:
    page = draw(st.none() | st.sampled_from(pages)) if pages else None
    values = {"id": f"n{number}", "letter": None, "number": None} | (page.values if page else {})
    filled = {name: OPERATIONS for name, value in values.items() if value is not None}
    must = [page] if page else []
    return Thing("h_note", (f"n{number}",), values, set(), "user.behavior.usage", filled, must=must)


def _member(group: Thing, person: Thing) -> Thing:
    values = {"group_id": group.key[0], "person": person.key[0]}
    filled = dict.fromkeys(values, OPERATIONS)
    return Thing(
        "h_member", (group.key[0], person.key[0]), values, set(person.of), "user.behavior.usage", filled,
        must=[group, person], leads=group,
    )  # fmt: skip
