"""The ownership graph: every table stands in it, at each place that a road gives it, in text and in the picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table
from support.checked import OPS

from datasteward.catalog import (
    Catalog,
    anonymise,
    drawing,
    graph,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    record,
    seen_by,
)
from gptimages import installation

SVG = "{http://www.w3.org/2000/svg}"


def column(name: str, to: str) -> Column[str]:
    """A column that refers to a table."""
    return Column(name, String, ForeignKey(f"{to}.id"), info=OPS)


@pytest.fixture
def shared(people: MetaData) -> Catalog:
    """Albums of several people with photos in them, in which others are seen; and a table of nobody's."""
    key = (Column("id", String, primary_key=True, info=OPS) for _ in range(4))
    Table("album", people, next(key), info=record("user.account", owned_through("membership")))
    member = (column("who", "person"), column("album_id", "album"))
    Table("membership", people, next(key), *member, info=record("user.account", owned_by("who")))
    roads = (owned_via("album_id", leaving=anonymise("caption")), seen_by("shown", hides=("caption",)))
    caption = Column("caption", String, info=OPS)
    photo = (column("album_id", "album"), column("shown", "person"), caption)
    Table("photo", people, next(key), *photo, info=record("user.account", *roads))
    Table("setting", people, next(key), info=record("system.operations", nobody("Values & defaults.")))
    return Catalog(people)


def test_the_tree_says_how_everything_belongs(shared: Catalog) -> None:
    """Each road with what becomes of the row and what is hidden; a table with two roads stands twice."""
    assert graph.text(shared).splitlines() == [
        "person  the data subject",
        "├─ membership  owned by who",
        "│  └─ album  owned through rows of membership",
        "│     └─ photo  owned over album_id; is emptied of caption",
        "└─ photo  seen by shown; stays; hides caption  (see above)",
        "",
        "nobody's",
        "   setting  Values & defaults.",
    ]


def test_every_table_of_the_service_stands_in_text_and_picture() -> None:
    """Nothing that is stored is left out of either."""
    catalog = installation.catalog()
    text, picture = graph.text(catalog), drawing.svg(catalog)
    for table in catalog.tables:
        assert table.name in text
        assert f">{table.name}<" in picture


def test_the_picture_stands_alone(shared: Catalog) -> None:
    """Well-formed, without a script or anything from elsewhere; each box has a title, and all lies inside of it."""
    picture = drawing.svg(shared)
    root = ElementTree.fromstring(picture)
    assert not list(root.iter(f"{SVG}script"))
    assert picture.count("http") == 1  # the namespace alone
    assert "prefers-color-scheme: dark" in picture
    boxes = [g for g in root.iter(f"{SVG}g") if g.get("role") == "img"]
    assert [g.findtext(f"{SVG}title", "").split(":")[0] for g in boxes] == [
        "person",
        "membership",
        "album",
        "photo",
        "photo",
    ]
    for rect in root.iter(f"{SVG}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x + float(rect.get("width", 0)) <= float(root.get("width", 0))
        assert y + float(rect.get("height", 0)) <= float(root.get("height", 0))


def test_no_two_boxes_lie_on_each_other(shared: Catalog) -> None:
    """Each table has a place of its own."""
    for catalog in (shared, installation.catalog()):
        root = ElementTree.fromstring(drawing.svg(catalog))
        places = [(r.get("x"), r.get("y")) for r in root.iter(f"{SVG}rect") if r.get("class") == "box"]
        assert len(places) == len(set(places))


def test_who_has_no_table_of_people_is_still_a_person() -> None:
    """A schema that only knows opaque ids hangs on a person who is in no table."""
    made = MetaData()
    who = Column("who", String, nullable=False, info=OPS)
    Table("note", made, who, info=record("user.account", owned_by("who")))
    assert graph.text(Catalog(made)).splitlines()[:2] == [f"{graph.PEOPLE}  the data subject", "└─ note  owned by who"]
