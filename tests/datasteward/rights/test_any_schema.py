"""Erasure and export on schemas and rows that hypothesis makes up: exactly the person's, whatever hangs on whatever."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from zipfile import ZipFile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

from datasteward.base import new_id
from datasteward.catalog import is_subject, owned_by, owned_via, record, tag
from datasteward.keys import Context
from datasteward.rights import requests
from datasteward.rights.erasure import Erasure
from datasteward.rights.export import Export
from datasteward.types import Sealed

GOES, STAYS = "user.behavior.usage", "user.financial.transaction"
PEOPLE = 3

ROAD = st.sampled_from(["owned", "loose", "kept", "via"])


class Shape:
    """One made-up table: its road, the table it hangs on, one it may let go of, and whether its rows name objects."""

    def __init__(self, road: str, parent: int, looks_at: int | None, has_object: bool) -> None:
        self.road, self.parent, self.looks_at, self.has_object = road, parent, looks_at, has_object


@st.composite
def schemas(draw: Any) -> list[Shape]:
    """Up to five tables; each hangs on a person or on a table before it, two levels and more."""
    shapes: list[Shape] = []
    for number in range(draw(st.integers(1, 5))):
        road = draw(ROAD) if number else draw(st.sampled_from(["owned", "loose"]))
        parent = draw(st.integers(0, number - 1)) if number else 0
        looks_at = draw(st.none() | st.integers(0, number - 1)) if number else None
        shapes.append(Shape(road, parent, looks_at, draw(st.booleans())))
    return shapes


def build(shapes: list[Shape]) -> tuple[MetaData, list[Table]]:
    """The tables of the shapes, after the table `person`."""
    metadata = MetaData()
    Table(
        "person",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("user.unique_id")),
        info=record("user.account", is_subject("id")),
    )
    made: list[Table] = []
    for number, shape in enumerate(shapes):
        owner: list[Any] = []
        if shape.road == "via":
            target = ForeignKey(f"t{shape.parent}.id", ondelete="CASCADE")
            owner = [Column("parent_id", String(26), target, nullable=False, info=tag("system.operations"))]
        else:
            key = [ForeignKey("person.id", ondelete="CASCADE")] if shape.road == "owned" else []
            owner = [Column("owner_id", String(26), *key, nullable=shape.road != "kept", info=tag("user.unique_id"))]
        if shape.looks_at is not None:
            target = ForeignKey(f"t{shape.looks_at}.id", ondelete="SET NULL")
            owner.append(Column("looks_at", String(26), target, nullable=True, info=tag("system.operations")))
        if shape.has_object:
            owner.append(Column("object", String(120), nullable=True, info=tag(GOES, holds="object")))
        made.append(
            Table(
                f"t{number}",
                metadata,
                Column("id", String(26), primary_key=True, info=tag("system.operations")),
                Column("note", String(80), info=tag(GOES)),
                Column("secret", Sealed(), nullable=True, info=tag("user.content.private.prompt")),
                *owner,
                info=record(
                    STAYS if shape.road == "kept" else GOES,
                    owned_via("parent_id") if shape.road == "via" else owned_by("owner_id"),
                ),
            )
        )
    return metadata, made


class Rows:
    """What was put into a made-up schema: of every row its table, its owner (or None) and its words."""

    def __init__(self, here: Any, shapes: list[Shape], made: list[Table], draw: Any) -> None:
        self.here, self.shapes, self.made, self.draw = here, shapes, made, draw
        self.people = [new_id() for _ in range(PEOPLE)]
        self.owner: dict[str, str | None] = {}
        self.ids: list[list[str]] = [[] for _ in made]
        self.objects: dict[str, str] = {}

    def put(self, session: Session) -> None:
        """Makes the people and up to six rows in every table."""
        person = self.made[0].metadata.tables["person"]
        for subject in self.people:
            self.here.steward.vault.create(subject)
            session.execute(insert(person).values(id=subject))
        for number in range(len(self.made)):
            for _ in range(self.draw(st.integers(0, 6))):
                self._row(session, number)

    def _row(self, session: Session, number: int) -> None:
        shape, table, row = self.shapes[number], self.made[number], new_id()
        values: dict[str, Any] = {"id": row, "note": f"note of {row}"}
        if shape.road == "via":
            if not self.ids[shape.parent]:
                return
            values["parent_id"] = self.draw(st.sampled_from(self.ids[shape.parent]))
            owner = self.owner[values["parent_id"]]
        else:
            some = st.sampled_from(self.people)
            owner = self.draw(some if shape.road == "kept" else st.none() | some)
            values["owner_id"] = owner
        if shape.looks_at is not None and self.ids[shape.looks_at]:
            values["looks_at"] = self.draw(st.none() | st.sampled_from(self.ids[shape.looks_at]))
        if owner is not None:
            place = Context(owner, str(table.name), "secret", row)
            values["secret"] = self.here.steward.vault.seal(place, f"secret of {row}")
            if shape.has_object:
                values["object"] = self.objects[row] = f"thing/{row}"
                self.here.steward.objects.put(owner, values["object"], [f"object of {row}".encode()])
        session.execute(insert(table).values(values))
        self.owner[row] = owner
        self.ids[number].append(row)

    def of(self, subject: str, number: int) -> set[str]:
        """The rows of that person in that table."""
        return {row for row in self.ids[number] if self.owner[row] == subject}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shapes=schemas())
def test_erasure_takes_exactly_the_persons_rows(world: Any, data: Any, shapes: list[Shape]) -> None:
    """After an erasure every row of the person is gone but for what law keeps, and every other row is there unchanged."""
    metadata, made = build(shapes)
    here = world(metadata)
    rows = Rows(here, shapes, made, data.draw)
    with here.write() as session:
        rows.put(session)
        request = requests.ask(
            session, here.steward.policies, rows.people[0], "erasure", country="NO", now=here.clock()
        )
    Erasure(here.steward, here.write, request.id, clock=here.clock).run()
    with here.write() as session:
        for number, table in enumerate(made):
            left = set(session.scalars(select(table.c.id)))
            gone = set() if shapes[number].road == "kept" else rows.of(rows.people[0], number)
            assert left == set(rows.ids[number]) - gone
        assert set(session.scalars(select(metadata.tables["person"].c.id))) == set(rows.people[1:])
    kept = {key for row, key in rows.objects.items() if rows.owner[row] != rows.people[0]}
    assert {key for key in here.steward.objects.keys("thing/") if key in rows.objects.values()} == kept
    for row, key in rows.objects.items():
        if key in kept:
            assert here.steward.objects.read(rows.owner[row], key) == f"object of {row}".encode()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shapes=schemas())
def test_the_archive_holds_exactly_the_persons_rows(world: Any, data: Any, shapes: list[Shape]) -> None:
    """The archive of a person holds each of their rows and objects, decrypted, and no word of anybody else's."""
    metadata, made = build(shapes)
    here = world(metadata)
    rows = Rows(here, shapes, made, data.draw)
    mine = rows.people[0]
    with here.write() as session:
        rows.put(session)
        export = Export(session, here.steward, mine, service="Service", request="none", asked_at=here.clock())
        archive = b"".join(export.chunks())
    with ZipFile(io.BytesIO(archive)) as opened:
        words = b"".join(opened.read(name) for name in opened.namelist())
        for number, table in enumerate(made):
            told = json.loads(opened.read(f"data/{table.name}.json"))["rows"]
            assert {row["id"] for row in told} == rows.of(mine, number)
            for row in told:
                assert row["note"] == f"note of {row['id']}"
                assert row["secret"] == f"secret of {row['id']}"
                if row["id"] in rows.objects:
                    assert opened.read(row["object"]) == f"object of {row['id']}".encode()
    for row, owner in rows.owner.items():
        if owner != mine:
            assert f"of {row}".encode() not in words
    assert zipfile.ZipFile(io.BytesIO(archive)).testzip() is None
