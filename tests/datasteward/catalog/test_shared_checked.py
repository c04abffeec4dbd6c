"""Shared rows whose key lies where an owner could not open it, or would be given away, are found before anything is stored."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table
from support.boards import KEY, Base
from support.checked import ID, OPS, found, key

from datasteward.catalog import Catalog, Road, checks, owned_by, owned_through, owned_via, record, tag
from datasteward.catalog.sharing import sharing_of
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet
from datasteward.types import RowKey, Sealed

WORDS = tag("user.support.ticket")
BILLED = "user.financial.transaction.billed_to"


def boards(
    people: MetaData,
    *roads: Road,
    words: Any = "membership.board_key",
    more: tuple[Column[Any], ...] = (),
    of: tuple[Road, ...] = (owned_by("who"),),
    at: tuple[Column[Any], ...] = (),
    opens: dict[Any, Any] = KEY,
    category: dict[Any, Any] = WORDS,
) -> MetaData:
    """Boards of people by way of memberships, with whatever is wrong with them."""
    columns = (Column("words", Sealed(key=words), info=category), *more)
    Table("board", people, key(), *columns, info=record("user.account", *(roads or (owned_through("membership"),))))
    Table(
        "membership",
        people,
        key(),
        Column("who", ForeignKey("person.id"), nullable=False, info=ID),
        Column("board_id", ForeignKey("board.id"), nullable=False, info=OPS),
        Column("board_key", RowKey(), info=opens),
        *at,
        info=record("user.account", *of),
    )
    return people


def test_shared_rows_that_every_owner_can_read_are_sound(people: MetaData, shipped: PolicySet) -> None:
    """The example of the documentation has no fault, with one shared column or two, nor has the tests' service."""
    more = Column("note", Sealed(key="membership.board_key"), info=WORDS)
    assert found(boards(people, more=(more,)), shipped) == []
    assert found(Base.metadata, shipped) == []


OWN = Column("own", ForeignKey("person.id"), nullable=False, info=ID)

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no such table": (
        {"words": "member.board_key"},
        "the key of board.words is said to lie in member.board_key, which is no RowKey",
    ),
    "no such column": (
        {"words": "membership.key"},
        "the key of board.words is said to lie in membership.key, which is no RowKey",
    ),
    "no table": ({"words": "board_key"}, "the key of board.words is said to lie in board_key, which is no RowKey"),
    "no RowKey": (
        {"words": "membership.nick", "at": (Column("nick", Sealed(), info=WORDS),)},
        "the key of board.words is said to lie in membership.nick, which is no RowKey",
    ),
    "several people in a row of it": (
        {"of": (owned_by("who"), owned_by("other")), "at": (Column("other", String, nullable=False, info=ID),)},
        "a row of membership can belong to several people, and the key in it is sealed for one",
    ),
    "handed over": ({"opens": WORDS}, "the key in membership.board_key would be handed over"),
    "two keys": (
        {
            "more": (Column("note", Sealed(key="membership.note_key"), info=WORDS),),
            "at": (Column("note_key", RowKey(), info=KEY),),
        },
        "the shared columns of board name different keys",
    ),
    "words for records": (
        {"category": tag(BILLED)},
        "policies/encryption.yaml has, of board.words and its key membership.board_key, only board.words for records",
    ),
    "key for records": (
        {"opens": tag(BILLED, export=False, why_not="a test")},
        "policies/encryption.yaml has, of board.words and its key membership.board_key, only membership.board_key for records",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_that_lies_in_the_wrong_place_is_found(people: MetaData, shipped: PolicySet, fault: str) -> None:
    """The finding says which key, and what is wrong with its place."""
    made, told = FAULTS[fault]
    assert found(boards(people, **made), shipped) == [told]


def test_a_finding_stands_at_the_column_and_stops_the_start(people: MetaData, shipped: PolicySet) -> None:
    """Both the catalog and whoever seals without one refuse, with what to do."""
    made = boards(people, words="membership.key")
    (finding,) = checks.of(Catalog(made, faulty=True), shipped)
    assert (finding.file, finding.remedy[:8]) == (__file__, "name one")
    with pytest.raises(CatalogError, match=r"board\.words is said to lie in membership\.key"):
        Catalog(made)
    with pytest.raises(CatalogError, match=r"Of the shared rows of board, .* name one"):
        sharing_of(made.tables["board"])


@pytest.mark.parametrize(
    ("roads", "told"),
    [
        (
            (owned_by("own"),),
            "the key of board.words lies in membership, through which nobody owns a row of board",
        ),
        (
            (owned_through("membership"), owned_by("own")),
            "the key of board.words lies in membership, and a row of board has owners on other roads",
        ),
    ],
)
def test_every_owner_comes_through_the_association(
    people: MetaData, shipped: PolicySet, roads: tuple[Road, ...], told: str
) -> None:
    """Who owns the row by another road would have no key, and read nothing."""
    own: Column[str] = Column("own", ForeignKey("person.id"), nullable=False, info=ID)
    assert found(boards(people, *roads, more=(own,)), shipped) == [told]


def test_an_association_that_several_people_own_over_another_row_is_found(people: MetaData, shipped: PolicySet) -> None:
    """Its own road is one, and the row that it leads to belongs to several, or to people of an association."""
    up: Column[str] = Column("team_id", ForeignKey("team.id"), nullable=False, info=OPS)
    made = boards(people, of=(owned_via("team_id"),), at=(up,))
    people_of = [Column(name, String, nullable=False, info=ID) for name in ("a", "b")]
    team = Table("team", people, key(), *people_of, info=record("user.account", owned_by("a"), owned_by("b")))
    told = "a row of membership can belong to several people, and the key in it is sealed for one"
    assert found(made, shipped) == [told]
    at: Column[str] = Column("of", ForeignKey("team.id"), nullable=False, info=OPS)
    Table(
        "player",
        people,
        key(),
        at,
        Column("who", String, nullable=False, info=ID),
        info=record("user.account", owned_by("who")),
    )
    team.info.update(record("user.account", owned_through("player")))
    assert found(made, shipped) == [told]
    team.info.update(record("user.account", owned_by("a")))
    assert found(made, shipped) == []


def test_two_tables_do_not_share_a_key_column(people: MetaData, shipped: PolicySet) -> None:
    """A row of an association may refer to rows of two tables; each needs a key of its own."""
    to: Column[str] = Column("list_id", ForeignKey("list.id"), nullable=False, info=OPS)
    words = Column("words", Sealed(key="membership.board_key"), info=WORDS)
    Table("list", people, key(), words, info=record("user.account", owned_through("membership")))
    assert found(boards(people, at=(to,)), shipped) == [
        "membership.board_key is to hold the keys of board and of list",
        "membership.board_key is to hold the keys of list and of board",
    ]


@pytest.mark.parametrize("several", ["board", "membership"])
def test_a_key_of_several_columns_is_no_place_to_seal_for(people: MetaData, shipped: PolicySet, several: str) -> None:
    """As everywhere, what is sealed needs a primary key of one column: that of the row, and that of the association."""
    part = Column("part", String, primary_key=True, info=OPS)
    boards(people, **{"membership": {"at": (part,)}, "board": {"more": (part,)}}[several])
    told = f"the key of board.words is sealed for one place, and the primary key of {several} is not one column"
    assert found(people, shipped) == [told]


def test_whose_keys_seal_a_shared_value_is_not_said_twice() -> None:
    """A shared column is sealed under its row's key: what else it is said to be sealed under is refused."""
    with pytest.raises(ValueError, match="say under= at the RowKey"):
        Sealed(key="membership.board_key", under="who")
