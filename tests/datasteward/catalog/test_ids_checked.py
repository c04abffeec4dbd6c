"""Ids of people are text, and tagged as personal."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Enum, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Uuid
from support.checked import ID, OPS, found, key

from datasteward.catalog import Catalog, Road, is_subject, owned_by, record, seen_by
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet


@pytest.mark.parametrize("kind", [Uuid(), Uuid(as_uuid=False), Integer(), LargeBinary(), Enum("a", "b")])
@pytest.mark.parametrize("road", [is_subject("who"), owned_by("who"), seen_by("who")])
def test_ids_of_people_are_text(people: MetaData, kind: Any, road: Road) -> None:
    """Where a road ends in another type, no hold, no archive and no erasure would find the person: the start stops."""
    columns = Column("who", kind, nullable=False, info=ID), Column("by", String, nullable=False, info=ID)
    Table("note", people, key(), *columns, info=record("user.account", owned_by("by"), road))
    with pytest.raises(CatalogError, match="note ends in who, which is no text: ids of people are text here"):
        Catalog(people)


def test_a_foreign_key_to_an_id_of_another_type_is_found(shipped: PolicySet) -> None:
    """It takes its type from the column that it refers to."""
    made = MetaData()
    Table(
        "person", made, Column("id", Integer, primary_key=True, info=ID), info=record("user.account", is_subject("id"))
    )
    who: Column[int] = Column("who", ForeignKey("person.id"), nullable=False, info=ID)
    Table("note", made, key(), who, info=record("user.account", owned_by("who")))
    assert sorted(found(made, shipped)) == [
        f"the road of {name} ends in {column}, which is no text: ids of people are text here"
        for name, column in (("note", "who"), ("person", "id"))
    ]


def test_an_id_of_a_person_is_personal(people: MetaData, shipped: PolicySet) -> None:
    """What a road or a foreign key says to hold somebody's id cannot be tagged as working data."""
    columns: tuple[Column[str], ...] = (
        Column("a", String, nullable=False, info=OPS),
        Column("b", ForeignKey("person.id", ondelete="SET NULL"), info=OPS),
    )
    Table("note", people, key(), *columns, info=record("user.account", owned_by("a")))
    assert found(people, shipped) == [
        f"note.{name} holds the id of a data subject, and is tagged as not personal" for name in ("a", "b")
    ]
