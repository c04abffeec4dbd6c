"""A category is one that the policies speak about, and nothing is tagged as less than its name or place says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import JSON, Column, MetaData, String, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from support.checked import OPS, found, key

from datasteward.catalog import Catalog, checks, nobody, record, tag
from datasteward.policy import PolicySet


class Boxed(TypeDecorator[Any]):
    """JSON behind a type of one's own."""

    impl = JSON
    cache_ok = True


@pytest.mark.parametrize(
    ("category", "told"),
    [
        ("user.emotion", "unknown category 'user.emotion'"),
        ("user.contact", "the category 'user.contact' is a branch of the taxonomy"),
    ],
)
def test_a_category_that_the_policies_do_not_speak_about(
    people: MetaData, shipped: PolicySet, category: str, told: str
) -> None:
    """In a column, a record, a key path, a prefix of objects and a field of the log alike."""
    inside = tag("user.account", paths={"a.b": tag(category)})
    columns = (Column("x", String, info=tag(category)), Column("y", JSON, info=inside))
    Table("note", people, key(), *columns, info=record(category, nobody("a test")))
    tagged = Catalog(people, prefixes={"p/": tag(category)}, log_fields={"f": tag(category)})
    assert {f.what for f in checks.of(tagged, shipped)} == {told}
    assert len({f.line for f in checks.of(tagged, shipped)}) == 4  # the two on one line are one


def test_what_must_be_encrypted_is_not_logged(people: MetaData, shipped: PolicySet) -> None:
    """A log is in the clear, so a field of it with such a category is found."""
    tagged = Catalog(people, log_fields={"to": tag("user.contact.email"), "job": OPS})
    assert [f.what for f in checks.of(tagged, shipped)] == [
        "the log's field to holds user.contact.email, which policies/encryption.yaml wants encrypted"
    ]


@pytest.mark.parametrize("kind", [JSON(), JSONB(), Boxed()])
def test_a_json_column_says_what_is_inside(people: MetaData, shipped: PolicySet, kind: Any) -> None:
    """Without key paths, a tag has to say that it holds a list of plain values."""
    inside, listed = tag("system.operations", paths={"a": OPS}), tag("system.operations", holds="list")
    columns = (Column("free", kind, info=OPS), Column("a", kind, info=inside), Column("b", kind, info=listed))
    Table("note", people, key(), *columns, info=record("system.operations", nobody("a test")))
    assert found(people, shipped) == ["nothing says what the JSON of note.free holds"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reply_to_email", "a mail address"),
        ("phoneNumber", "a telephone number"),
        ("first_ip_address", "a network address"),
        ("last_user_agent", "a browser"),
        ("dob", "an age or a day of birth"),
        ("lat", "a place"),
        ("iban", "a bank account"),
        ("platform", None),
        ("message_id", None),
        ("average", None),
        ("flat", None),
    ],
)
def test_a_name_that_looks_personal(people: MetaData, shipped: PolicySet, name: str, told: str | None) -> None:
    """By whole words of the name, never by letters inside one."""
    Table("thing", people, key(), Column(name, String, info=OPS), info=record("system.operations", nobody("a test")))
    expected = [f"thing.{name} is named like {told}, and is tagged as not personal"] if told else []
    assert found(people, shipped) == expected


def test_a_reason_lets_a_lookalike_be(people: MetaData, shipped: PolicySet) -> None:
    """A tag may say why its column is not what its name says."""
    told = tag("system.operations", not_personal="The name of a file of ours.")
    Table("thing", people, key(), Column("name", String, info=told), info=record("system.operations", nobody("test")))
    assert found(people, shipped) == []


def test_names_inside_json_and_in_the_log_are_asked_too(people: MetaData, shipped: PolicySet) -> None:
    """A key path and a log field may not hide what a column may not."""
    facts = Column("facts", JSON, info=tag("user.account", paths={"by.email": OPS, "by.name": tag("user.name")}))
    Table("note", people, key(), facts, info=record("user.account", nobody("a test")))
    tagged = Catalog(people, log_fields={"user_agent": OPS, "job": OPS})
    assert sorted(f.what for f in checks.of(tagged, shipped)) == [
        "note.facts by.email is named like a mail address, and is tagged as not personal",
        "the log's field user_agent is named like a browser, and is tagged as not personal",
    ]


def test_a_set_without_names_of_lookalikes_finds_none(people: MetaData, shipped: PolicySet) -> None:
    """An empty list is allowed, and then no name looks personal."""
    Table("thing", people, key(), Column("email", String, info=OPS), info=record("system.operations", nobody("test")))
    policies = replace(shipped, lookalikes=replace(shipped.lookalikes, names={}))
    assert found(people, policies) == []
