"""Roads by which people appear in rows: where they may lead, and where not."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table

from datasteward.catalog import (
    Catalog,
    Road,
    is_subject,
    owned_by,
    owned_through,
    owned_via,
    record,
    seen_through,
    seen_via,
    tag,
)
from datasteward.errors import CatalogError


def schema(ondelete: str | None = "SET NULL", /, **tables: tuple[list[str], list[Road]]) -> MetaData:
    """A table of people, and tables that each belong to one and may refer to the named others."""
    made = MetaData()
    info = tag("system.operations")
    key = Column("id", String, primary_key=True, info=info)
    Table("person", made, key, info=record("user.account", is_subject("id")))
    for name, (others, roads) in tables.items():
        keys = [Column(other, String, ForeignKey(f"{other}.id", ondelete=ondelete), info=info) for other in others]
        columns = [Column("id", String, primary_key=True, info=info), Column("owner", String, info=info)]
        Table(name, made, *columns, *keys, info=record("user.behavior.usage", *roads))
    return made


def test_roads_by_which_people_appear_may_not_lead_in_a_circle() -> None:
    """Two tables that are each seen by whoever sees the other would never be done."""
    made = schema(
        first=(["second"], [owned_by("owner"), seen_via("second")]),
        second=(["first"], [owned_by("owner"), seen_via("first")]),
    )
    with pytest.raises(CatalogError, match="lead in a circle"):
        Catalog(made)


def test_two_tables_may_not_own_each_other_through_one_association() -> None:
    """Whoever owns the first would own the second, and who owns that the first, over ever more rows."""
    made = schema(
        link=(["first", "second"], [owned_via("first"), owned_via("second")]),
        first=([], [owned_by("owner"), owned_through("link")]),
        second=([], [owned_by("owner"), owned_through("link")]),
    )
    with pytest.raises(CatalogError, match="the roads of first lead in a circle"):
        Catalog(made)


def test_a_table_may_not_be_seen_through_a_tree_that_is_seen_by_it() -> None:
    """Behind the row above, the way back is open again: whoever sees the first would see it once more, without end."""
    link = (["link", "first"], [owned_by("owner"), seen_via("link"), seen_via("first")])
    made = schema(link=link, first=([], [owned_by("owner"), seen_through("link")]))
    with pytest.raises(CatalogError, match="the roads of first lead in a circle"):
        Catalog(made)
    link = (["link", "first"], [owned_by("owner"), seen_via("link")])
    catalog = Catalog(schema(link=link, first=([], [owned_by("owner"), seen_through("link", "first")])))
    assert "WHERE" in str(catalog.concerning(catalog.table("first"), "somebody"))


def test_a_circle_of_which_one_half_owns_comes_to_an_end() -> None:
    """After an owning road only such follow: whoever owns the second owns the first, and sees the second for it."""
    made = schema(first=(["second"], [owned_via("second")]), second=(["first"], [owned_by("owner"), seen_via("first")]))
    catalog = Catalog(made)
    assert "WHERE" in str(catalog.concerning(made.tables["second"], "somebody"))


def test_rows_of_two_tables_that_must_refer_to_each_other_are_refused() -> None:
    """Neither could be deleted first; where one of the two may let go, both are in order."""
    must = schema(None, first=(["second"], [owned_by("owner")]), second=(["first"], [owned_by("owner")]))
    with pytest.raises(CatalogError, match=r"must refer to rows that refer to them.*ON DELETE SET NULL"):
        Catalog(must)
    Catalog(schema("SET NULL", first=(["second"], [owned_by("owner")]), second=(["first"], [owned_by("owner")])))


def test_a_tree_may_be_seen_and_not_owned_by_what_stands_above() -> None:
    """A key to the table itself is a road to see by; whose a row is must stand in the row."""
    Catalog(schema(comment=(["comment"], [owned_by("owner"), seen_via("comment")])))
    with pytest.raises(CatalogError, match="leads back to comment"):
        Catalog(schema(comment=(["comment"], [owned_by("owner"), owned_via("comment")])))


def test_a_table_that_is_seen_over_a_faulty_one_is_not_sound() -> None:
    """A faulty catalog leaves out what leads to a fault, by whichever road: nobody could follow it."""
    made = schema(first=([], [owned_by("owner")]), second=(["first"], [owned_by("owner"), seen_via("first")]))
    made.tables["first"].c.owner.info = {}
    assert [table.name for table in Catalog(made, faulty=True).sound()] == ["person"]
