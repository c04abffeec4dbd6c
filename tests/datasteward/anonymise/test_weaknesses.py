"""What the checker says of anonymisation that leaves a way back to the person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from datasteward import tables
from datasteward.anonymise import Weakness, weaknesses
from datasteward.catalog import (
    Catalog,
    Road,
    anonymise,
    is_subject,
    owned_by,
    owned_through,
    owned_via,
    record,
    seen_by,
    tag,
)
from datasteward.policy import Method, Period, PolicySet, RetentionRule, load
from datasteward.types import Sealed, UtcDateTime
from gptimages import all_models

ROOT = Path(__file__).parents[3]
KEY = tag("system.operations")
KIND = "user.behavior.usage"
EMPTY = Method(method="empty", why="test", source="test")


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    """The policies as they are shipped."""
    return load(ROOT / "policies")


def ruled(shipped: PolicySet, methods: Mapping[str, Method] | None = None, k: int = 5, **rule: Any) -> PolicySet:
    """The shipped policies with one rule for usage, and other methods."""
    words = {"id": "old", "name": "Old", "wording": "{period}", "legal_basis": "t", "promise": "intro", "source": "t"}
    one = RetentionRule(**words, category=KIND, clock="created", period=Period(days=1), **rule)
    crowd = msgspec.structs.replace(shipped.anonymisation.k, value=k)
    told = msgspec.structs.replace(shipped.anonymisation, k=crowd, methods=dict(methods or {}))
    return msgspec.structs.replace(shipped, retention={"old": one}, anonymisation=told)


def catalog(*columns: Column[Any], roads: tuple[Road, ...] = (owned_by("owner"),), more: Any = None) -> Catalog:
    """A catalog with the table `thing`, and what `more` adds."""
    made = MetaData()
    always = [
        Column("id", Integer, primary_key=True, info=KEY),
        Column("owner", String, info=tag("user.unique_id")),
        Column("kind", String, info=tag(KIND)),
        Column("at", UtcDateTime(), info=tag(KIND, identifiability="anonymous")),
    ]
    Table("thing", made, *always, *columns, info=record(KIND, *roads, clocks={"created": "at"}))
    if more:
        more(made)
    return Catalog(made)


def _member(made: MetaData) -> None:
    thing = Column("thing_id", ForeignKey("thing.id"), nullable=False, info=KEY)
    owner = Column("owner", String, nullable=False, info=tag("user.unique_id"))
    key = Column("id", Integer, primary_key=True, info=KEY)
    Table("member", made, key, thing, owner, info=record("user.account", owned_by("owner"), owned_via("thing_id")))


def _line(made: MetaData) -> None:
    thing = Column("thing_id", ForeignKey("thing.id"), nullable=False, info=KEY)
    key = Column("id", Integer, primary_key=True, info=KEY)
    Table("line", made, key, thing, info=record("user.account", owned_via("thing_id")))


OWNER = ("user.unique_id",)


def of(shipped: PolicySet, made: Catalog, **told: Any) -> list[Weakness]:
    """The weaknesses of an anonymisation of the owner's column and what is told beside it."""
    return weaknesses(made, ruled(shipped, **{"action": "anonymise", "anonymise": OWNER, **told}))


def test_the_shipped_policies_lead_nobody_back(shipped: PolicySet) -> None:
    """No anonymisation of the service has a grave weakness."""
    found = weaknesses(Catalog(all_models.metadata, tables.metadata), shipped)
    assert [str(each) for each in found if each.grave] == []


def test_a_row_whose_road_is_cut_and_names_nobody_has_no_weakness(shipped: PolicySet) -> None:
    """The record's own content may stay, for that is what it is kept for; so may what hangs on it alone."""
    assert of(shipped, catalog()) == []
    assert of(shipped, catalog(more=_line)) == []
    assert of(shipped, catalog(Column("name", String, info=tag("user.name"))), anonymise=(*OWNER, "user.name")) == []


@pytest.mark.parametrize(
    ("made", "told", "says"),
    [
        (catalog(), {"anonymise": (KIND,)}, "through owner"),
        (
            catalog(Column("seen_by", String, info=tag("user.account")), roads=(owned_by("owner"), seen_by("seen_by"))),
            {},
            "through seen_by",
        ),
        (catalog(roads=(owned_by("owner"), owned_through("member")), more=_member), {}, "through the rows of member"),
        (catalog(roads=(is_subject("owner"),)), {}, "which it is"),
        (catalog(Column("name", String, info=tag("user.name"))), {}, "leaves name, which names the person"),
        (catalog(Column("agent", String, info=tag("user.device.user_agent"))), {}, "agent, which leads to the person"),
        (catalog(Column("kind2", String, info=tag(KIND, identifiability="identified"))), {}, "kind2, which names"),
        (catalog(Column("x", String, info=tag("nobody.knows"))), {}, "leaves x, which leads to the person"),
        (
            catalog(Column("name", String, nullable=False, info=tag("user.name"))),
            {"anonymise": (*OWNER, "user.name")},
            "must be filled",
        ),
        (
            catalog(Column("name", Sealed(), info=tag("user.name"))),
            {
                "anonymise": (*OWNER, "user.name"),
                "methods": {"user.name": Method(method="keyed_hash", why="test", source="test")},
            },
            "can only be emptied",
        ),
        (
            catalog(Column("mail", String, info=tag("user.contact.email"))),
            {
                "anonymise": (*OWNER, "user.contact"),
                "methods": {"user.contact": Method(method="hash", why="test", source="test")},
            },
            "tries out what was hashed",
        ),
        (catalog(roads=(owned_by("owner", leaving=anonymise("kind")),)), {}, "anonymised when a person leaves"),
    ],
)
def test_what_leads_back_is_grave(shipped: PolicySet, made: Catalog, told: dict[str, Any], says: str) -> None:
    """A row that still leads to its person is told of in one sentence that says what to do."""
    found = of(shipped, made, **told)
    assert [each.grave for each in found if says in str(each)] == [True], found


@pytest.mark.parametrize(
    ("made", "told", "says"),
    [
        (catalog(Column("when", UtcDateTime(), info=tag(KIND))), {}, "leaves the exact time in when"),
        (
            catalog(),
            {"methods": {"user.unique_id": Method(method="keyed_hash", why="test", source="test")}},
            "rows of one value stay together",
        ),
        (catalog(more=_member), {}, "rows of member refer to it"),
    ],
)
def test_traces_are_for_a_person_to_weigh(shipped: PolicySet, made: Catalog, told: dict[str, Any], says: str) -> None:
    """What may lead back by way of other data does not stop the start, but is told."""
    found = of(shipped, made, **told)
    assert [each.grave for each in found] == [False]
    assert says in str(found[0])


def test_a_road_that_a_leaving_person_takes_along_is_no_weakness(shipped: PolicySet) -> None:
    """When the road's own column is emptied for whoever leaves, the row leads to the others alone."""
    assert of(shipped, catalog(roads=(owned_by("owner", leaving=anonymise("owner", "kind")),))) == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"generalise": {"owner": "as_is"}}, "leads to one row or person"),
        ({"generalise": {"name": "as_is"}}, "which names people"),
        ({"generalise": {"kind": "day"}}, "UtcDateTime"),
        ({"generalise": {"kind": "as_is"}, "k": 1}, "2 or more"),
    ],
)
def test_an_archive_that_leads_to_people_is_grave(shipped: PolicySet, told: dict[str, Any], says: str) -> None:
    """So are columns that name people, a column that cannot be generalised, and groups of one."""
    made = catalog(Column("name", String, info=tag("user.name")))
    found = weaknesses(made, ruled(shipped, action="archive", **told))
    assert [each.grave for each in found] == [True]
    assert says in str(found[0])
    assert weaknesses(made, ruled(shipped, action="archive", generalise={"kind": "as_is", "at": "day"})) == []
