"""Every row has an owner or a reason: roads that can be empty, lead to nobody or lose their owner are found."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, DateTime, ForeignKey, MetaData, String, Table
from support.checked import ID, OPS, found, key

from datasteward.catalog import Road, nobody, owned_by, owned_through, owned_via, record, seen_by, seen_via
from datasteward.policy import PolicySet


@pytest.mark.parametrize(
    ("road", "told"),
    [
        (owned_by("must"), None),
        (owned_by("may"), "is nobody's when may is empty"),
        (owned_by("may", or_nobody="a reason"), None),
        (owned_by("lost"), "loses its owner when a row of person goes (SET NULL)"),
        (owned_by("lost", or_nobody="a reason"), None),
        (owned_by("reset"), "loses its owner when a row of person goes (SET DEFAULT)"),
    ],
)
def test_a_road_that_can_be_empty_needs_its_reason(
    people: MetaData, shipped: PolicySet, road: Road, told: str | None
) -> None:
    """A row that can be nobody's, from the beginning or when its owner goes, is found unless a road says why."""
    Table(
        "note",
        people,
        key(),
        Column("must", ForeignKey("person.id"), nullable=False, info=ID),
        Column("may", ForeignKey("person.id"), info=ID),
        Column("lost", ForeignKey("person.id", ondelete="SET NULL"), info=ID),
        Column("reset", ForeignKey("person.id", ondelete="SET DEFAULT"), nullable=False, info=ID),
        info=record("user.account", road),
    )
    assert [what.endswith(told or "") for what in found(people, shipped)] == ([True] if told else [])


def test_one_road_that_always_leads_is_enough(people: MetaData, shipped: PolicySet) -> None:
    """A second owner may be missing where the first cannot be."""
    columns = (Column("a", String, nullable=False, info=ID), Column("b", String, info=ID))
    Table("note", people, key(), *columns, info=record("user.account", owned_by("a"), owned_by("b")))
    assert found(people, shipped) == []


def test_a_person_who_is_merely_seen_is_no_owner(people: MetaData, shipped: PolicySet) -> None:
    """That somebody appears in a row does not make it theirs."""
    columns = (Column("a", String, info=ID), Column("b", String, nullable=False, info=ID))
    Table("note", people, key(), *columns, info=record("user.account", owned_by("a"), seen_by("b")))
    assert found(people, shipped) == ["a row of note is nobody's when a is empty"]


def shared(people: MetaData, *, lets_go: bool = False, goes_by: str = "user.account") -> MetaData:
    """An album of several people by way of memberships, which are kept as the category `goes_by` is."""
    Table("album", people, key(), info=record("user.account", owned_through("membership")))
    Table(
        "membership",
        people,
        key(),
        Column("who", ForeignKey("person.id"), nullable=False, info=ID),
        Column("album_id", ForeignKey("album.id"), nullable=lets_go, info=OPS),
        Column("at", DateTime, info=OPS),
        info=record(goes_by, owned_by("who"), clocks={"created": "at"}),
    )
    return people


def test_an_association_that_goes_first_orphans_its_row(people: MetaData, shipped: PolicySet) -> None:
    """A shared row is nobody's when its association lets go of it, or is taken by a retention rule of its own."""
    assert found(shared(people), shipped) == []


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"lets_go": True}, "a row of membership can let go of its row of album, which stays without an owner"),
        (
            {"goes_by": "user.behavior.usage"},
            "the rule usage-events takes rows of membership while those of album stay without an owner",
        ),
    ],
)
def test_an_association_that_can_go_is_found(
    people: MetaData, shipped: PolicySet, made: dict[str, Any], told: str
) -> None:
    """The finding says what takes the owner away."""
    assert found(shared(people, **made), shipped) == [told]


@pytest.mark.parametrize("road", [owned_via("up"), seen_via("up")])
def test_a_road_over_a_table_of_nobody_leads_to_nobody(people: MetaData, shipped: PolicySet, road: Road) -> None:
    """A row would count as somebody's, and never be found for anybody."""
    Table("kind", people, key(), info=record("system.operations", nobody("a test")))
    up: Column[str] = Column("up", ForeignKey("kind.id"), nullable=False, info=OPS)
    Table("note", people, key(), up, info=record("user.account", road))
    assert found(people, shipped) == ["the road of note goes over kind, whose rows are nobody's"]


def test_an_association_of_nobody_leads_to_nobody(people: MetaData, shipped: PolicySet) -> None:
    """Nor does one whose only road leads back; those who are merely seen in a row own nothing that hangs on it."""
    at: Column[str] = Column("album_id", ForeignKey("album.id"), nullable=False, info=OPS)
    who = Column("who", String, nullable=False, info=ID)
    Table("album", people, key(), info=record("user.account", owned_through("membership")))
    Table("membership", people, key(), at, info=record("user.account", owned_via("album_id")))
    Table("talk", people, key(), who, info=record("user.account", seen_by("who")))
    up: Column[str] = Column("up", ForeignKey("talk.id"), nullable=False, info=OPS)
    Table("line", people, key(), up, info=record("user.account", owned_via("up")))
    assert sorted(found(people, shipped)) == [
        "the road of album goes over membership, whose rows are nobody's",
        "the road of line goes over talk, whose rows are nobody's",
        "the road of membership goes over album, whose rows are nobody's",
    ]


def test_a_row_of_a_row_of_nobody_is_nobodys(people: MetaData, shipped: PolicySet) -> None:
    """The reason that a table gives does not count for what hangs on it, over any number of steps."""
    may: Column[str] = Column("may", ForeignKey("person.id", ondelete="SET NULL"), info=ID)
    Table("a", people, key(), may, info=record("user.account", owned_by("may", or_nobody="a reason")))
    for name, above in (("b", "a"), ("c", "b")):
        up: Column[str] = Column("up", ForeignKey(f"{above}.id"), nullable=False, info=OPS)
        Table(name, people, key(), up, info=record("user.account", owned_via("up")))
    assert found(people, shipped) == ["a row of b is nobody's when its row of a is"]
    people.tables["b"].info.update(record("user.account", owned_via("up", or_nobody="the same")))
    assert found(people, shipped) == ["a row of c is nobody's when its row of b is"]
