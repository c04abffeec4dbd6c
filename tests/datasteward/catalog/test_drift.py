"""The checks of a live system: what database, objects and contents hold that models, tags and policies do not say."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import JSON, Column, ForeignKey, MetaData, String, Table, create_engine, insert, text
from sqlalchemy.orm import Session
from support.checked import ID, OPS

from datasteward.catalog import Catalog, checks, nobody, owned_by, record, tag
from datasteward.policy import PolicySet

ADA = "m5xw6zdfmn2gk3tun5wxg2lpoq"


@pytest.fixture
def tables(people: MetaData) -> MetaData:
    """People, and a table of working data with every kind of column that is looked into."""
    Table(
        "note",
        people,
        Column("id", String, primary_key=True, info=OPS),
        Column("text", String, info=OPS),
        Column("excused", String, info=tag("system.operations", not_personal="Written by ourselves.")),
        Column("facts", JSON, info=tag("system.operations", paths={"by.who": ID, "counts": OPS})),
        Column("free", JSON, info=tag("system.operations", paths={"deep": OPS})),
        Column("list", JSON, info=tag("system.operations", holds="list")),
        info=record("system.operations", nobody("a test")),
    )
    return people


@pytest.fixture
def session(tables: MetaData, database_url: str) -> Iterator[Session]:
    """The tables in a database of each kind, with one person."""
    engine = create_engine(database_url)
    tables.create_all(engine)
    with Session(engine) as opened:
        opened.execute(insert(tables.tables["person"]), {"id": ADA})
        yield opened
    engine.dispose()


def live(tables: MetaData, policies: PolicySet, session: Session, **more: list[str]) -> list[str]:
    """What is found on the live system."""
    tagged = Catalog(tables, prefixes={"image/": tag("user.content.private.image")})
    return [finding.what for finding in checks.live(tagged, policies, session, **more)]


def write(tables: MetaData, session: Session, **values: object) -> None:
    """A note with these values."""
    session.execute(insert(tables.tables["note"]), {"id": str(sorted(values)), **values})


def test_nothing_is_found_where_nothing_is_wrong(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """A database made from the models, with data as its tags say, passes."""
    write(tables, session, text="12:30:45 on 2026-11-26, v1.2.3", facts={"by": {"who": ADA}, "counts": [{"a": 1}]})
    assert live(tables, shipped, session, object_keys=["image/abc"]) == []


def test_tables_and_columns_that_only_one_side_knows(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """Reflection finds what was added past the models, and what the database lacks, each by name."""
    session.execute(text("CREATE TABLE leftover (id INTEGER)"))
    session.execute(text("CREATE TABLE by_hand (id INTEGER)"))
    session.execute(text("ALTER TABLE person ADD COLUMN nickname VARCHAR"))
    session.execute(text("ALTER TABLE note DROP COLUMN text"))
    Table(
        "coming",
        tables,
        Column("id", String, primary_key=True, info=OPS),
        info=record("system.operations", nobody("a")),
    )
    assert sorted(live(tables, shipped, session, ignored=["by_hand"])) == [
        "the database has a column person.nickname that the models do not know",
        "the database has a table leftover that the models do not know",
        "the database lacks the column note.text",
        "the database lacks the table coming",
    ]


def test_objects_under_no_prefix_are_counted(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """By kind and with their number; keys under a tagged prefix are none of it."""
    keys = ["image/a", "draft/a", "draft/b", "loose"]
    assert live(tables, shipped, session, object_keys=keys) == [
        "1 object stands under no prefix, which nothing tags",
        "2 objects stand under draft/, which nothing tags",
    ]


def test_a_json_column_holds_keys_that_no_path_tags(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """Where key paths are tagged all are to be; lists and what lies under a tagged path need no word."""
    write(tables, session, facts={"by": {"who": ADA, "where": 3}, "counts": {"x": [1]}, "new": True})
    assert live(tables, shipped, session) == ["note.facts holds keys that no path tags: by.where, new"]


def test_a_list_of_plain_values_holds_no_keys(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """What was said to be a list of plain values is looked into as well."""
    write(tables, session, list=[["a"], "b", 3])
    assert live(tables, shipped, session) == []
    session.execute(tables.tables["note"].update().values(list=[{"who": 1}]))
    assert live(tables, shipped, session) == ["note.list holds keys that no path tags: who"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("write to ada.l+x@mail.people.example please", "what looks like a mail address"),
        ("from 203.0.113.77 again", "what looks like a network address"),
        ("2001:db8::8a2e:370:7334", "what looks like a network address"),
        ("call +47 22 33 44 55", "what looks like a telephone number"),
        ("GB82 WEST 1234 5698 7654 32", "what looks like a bank account"),
        (ADA, "an id that stands in person.id"),
    ],
)
def test_contents_that_look_personal(
    tables: MetaData, shipped: PolicySet, session: Session, value: str, told: str
) -> None:
    """In text and inside JSON, under a tagged path or none; no finding shows the value, a reason lets it be."""
    facts = {"by": {"who": value}, "counts": [value]}
    write(tables, session, text=value, free={"deep": [{"down": value}]}, excused=value, facts=facts)
    found = live(tables, shipped, session)
    assert found == [f"note.{name} holds {told}, and is tagged as not personal" for name in ("text", "facts", "free")]
    assert not any(value in what for what in found)


def test_no_more_than_the_sample_is_looked_at(tables: MetaData, shipped: PolicySet, session: Session) -> None:
    """The newest keys come first, as many as lookalikes.yaml says."""
    rows = [{"id": "a", "text": "ada@people.example"}, {"id": "b", "text": "nothing"}]
    session.execute(insert(tables.tables["note"]), rows)
    one = msgspec.structs.replace(shipped.lookalikes, sample=1)
    assert live(tables, msgspec.structs.replace(shipped, lookalikes=one), session) == []
    assert len(live(tables, shipped, session)) == 1


def test_a_category_that_was_removed_while_data_of_it_exists(
    tables: MetaData, shipped: PolicySet, session: Session
) -> None:
    """The number of rows that still hold some is told, and that the category has to come back or the data to go."""
    letters = Table(
        "letter",
        tables,
        Column("id", String, primary_key=True, info=OPS),
        Column("who", ForeignKey("person.id"), nullable=False, info=ID),
        Column("mood", String, info=tag("user.emotion")),
        info=record("user.account", owned_by("who")),
    )
    letters.create(session.connection())
    assert live(tables, shipped, session) == []
    session.execute(insert(letters), [{"id": n, "who": ADA, "mood": "glad" if n != "3" else None} for n in "123"])
    told = "2 rows of letter.mood still hold user.emotion, which the taxonomy does not name"
    assert live(tables, shipped, session) == [told]


def test_a_removed_category_of_records_key_paths_and_objects(
    tables: MetaData, shipped: PolicySet, session: Session
) -> None:
    """Wherever a tag names it, what is still there is counted."""
    gone = tag("user.emotion")
    diary = Table(
        "diary",
        tables,
        Column("id", String, primary_key=True, info=OPS),
        Column("facts", JSON(none_as_null=True), info=tag("user.account", paths={"day": OPS, "day.mood": gone})),
        info=record("user.emotion", nobody("a test")),
    )
    diary.create(session.connection())
    tagged = Catalog(tables, prefixes={"mood/": gone})

    def told(*keys: str) -> list[str]:
        return [finding.what for finding in checks.live(tagged, shipped, session, object_keys=keys)]

    assert told() == []
    facts = [{"day": {"mood": ["glad"], "at": 1}}, {"day": {"at": 2}}, None]
    session.execute(insert(diary), [{"id": str(n), "facts": each} for n, each in enumerate(facts)])
    assert sorted(told("mood/a", "mood/b")) == [
        "1 row of diary.facts day.mood still holds user.emotion, which the taxonomy does not name",
        "2 objects under mood/ still hold user.emotion, which the taxonomy does not name",
        "3 rows of diary still hold user.emotion, which the taxonomy does not name",
    ]
