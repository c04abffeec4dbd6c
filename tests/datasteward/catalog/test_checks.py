"""The checks of models and policies: what is forgotten or cannot hold is found with its line, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import JSON, Column, DateTime, ForeignKey, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from datasteward.catalog import (
    Catalog,
    Road,
    checks,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    record,
    seen_by,
    tag,
)
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet
from gptimages import all_models, installation
from gptimages.installation import open_installation
from gptimages.settings import Settings

OPS = tag("system.operations")
ID = tag("user.unique_id")
HERE = Path(__file__)


def key() -> Column[str]:
    """A primary key."""
    return Column("id", String, primary_key=True, info=OPS)


def found(made: MetaData, policies: PolicySet) -> list[str]:
    """What the checks say of the tables, without where and how to mend it."""
    return [finding.what for finding in checks.of(Catalog(made, faulty=True), policies)]


def line_of(text: str) -> int:
    """The line of this file that has the text, the first one."""
    return next(n for n, line in enumerate(HERE.read_text().splitlines(), 1) if text in line)


class Base(DeclarativeBase):
    """Tables with a fault each, apart from everything else."""


class Forgotten(Base):
    """A table with a column that nobody tagged."""

    __tablename__ = "forgotten"
    __table_args__ = {"info": record("system.operations", nobody("a test"))}  # noqa: RUF012

    id: Mapped[str] = mapped_column(primary_key=True, info=OPS)
    untagged_here: Mapped[str]


class Unspoken(Base):
    """A table that nobody spoke for."""

    __tablename__ = "unspoken"

    id: Mapped[str] = mapped_column(primary_key=True, info=OPS)


def test_nothing_is_wrong_with_the_service(shipped: PolicySet) -> None:
    """The service's own tables pass every check that is made at its start."""
    assert checks.of(installation.catalog(), shipped) == []


def test_a_finding_names_the_line_of_the_column_and_of_the_table(shipped: PolicySet) -> None:
    """Where something was forgotten no tag can remember its place: it is found in the source of the class."""
    told = checks.of(Catalog(Base.metadata, faulty=True), shipped)
    assert [(Path(f.file), f.line, f.what) for f in told] == [
        (HERE, line_of("untagged_here: "), "the column forgotten.untagged_here has no data category"),
        (HERE, line_of("class Unspoken"), "the table unspoken does not say whose its rows are"),
    ]
    assert str(told[0]).startswith(f"{HERE}:{told[0].line}: the column forgotten.untagged_here")


def test_the_line_of_a_plain_table_is_found(people: MetaData, shipped: PolicySet) -> None:
    """Tables without a class are found by their name, too."""
    Table("drawer", people, key(), Column("plainly_untagged", String), info=record("system.operations", nobody("test")))
    told = checks.of(Catalog(people, faulty=True), shipped)
    assert [f.line for f in told] == [line_of('Column("plainly_untagged"')]


def test_everything_is_said_at_once(people: MetaData, shipped: PolicySet) -> None:
    """A column without a tag hides nothing that is wrong elsewhere."""
    Table("drawer", people, key(), Column("text", String))
    Table("note", people, key(), Column("who", String, info=ID), info=record("user.acount", owned_by("who")))
    Table(
        "mail",
        people,
        key(),
        Column("to", LargeBinary, info=tag("user.contact.email")),
        info=record("user.account", nobody("a test")),
    )
    told = "\n".join(found(people, shipped))
    for part in (
        "drawer.text has no",
        "drawer does not say",
        "note is nobody's",
        "'user.acount'",
        "wants user.contact",
    ):
        assert part in told
    with pytest.raises(CatalogError) as stop:
        checks.require(Catalog(people, faulty=True), shipped)
    assert len(str(stop.value).splitlines()) == 5


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


def test_a_rule_names_tables_and_columns_that_there_are(people: MetaData, shipped: PolicySet) -> None:
    """A rule for a table, or with a condition or an archive of columns, that no model has is found in retention.yaml."""
    at = Column("at", DateTime, info=OPS)
    Table("event", people, key(), at, info=record("user.behavior.usage", nobody("a test"), clocks={"created": "at"}))
    usage = shipped.retention["usage-events"]
    archive = replace(
        usage, action="archive", only_if={"id": ("x",), "kind": ("made",)}, generalise={"at": "day", "of": "day"}
    )
    rules = {**shipped.retention, "usage-events": archive, "own": replace(usage, id="own", table="events")}
    policies = replace(shipped, retention=rules)
    findings = [f for f in checks.of(Catalog(people, faulty=True), policies) if f.file.endswith("retention.yaml")]
    assert {(f.what, f.remedy) for f in findings} == {
        ("the rule 'own' is for a table 'events', which no model has", "write 'event' if that is meant"),
        ("the rule 'usage-events' asks for a column 'kind', which event does not have", "use one of: at, id"),
        ("the rule 'usage-events' asks for a column 'of', which event does not have", "use one of: at, id"),
    }
    assert f"retention.yaml:{findings[-1].line}" == shipped.where("retention.yaml", ("rules", "usage-events"))


def test_a_retention_clock_that_no_table_has(people: MetaData, shipped: PolicySet) -> None:
    """Rows without the clock of their rule would never be due; a clock along the first road is enough."""
    who: Column[str] = Column("who", ForeignKey("person.id"), nullable=False, info=ID)
    Table("event", people, key(), who, info=record("user.behavior.usage", owned_by("who")))
    assert found(people, shipped) == [
        "no row of event is ever due: user.behavior.usage is kept from the clock created (usage-events)"
    ]
    made = MetaData()
    at = Column("at", DateTime, info=OPS)
    Table("event", made, key(), at, info=record("user.behavior.usage", nobody("a test"), clocks={"created": "at"}))
    up: Column[str] = Column("up", ForeignKey("event.id"), nullable=False, info=OPS)
    Table("part", made, key(), up, info=record("user.behavior.usage", owned_via("up")))
    assert found(made, shipped) == []


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


def test_the_start_makes_the_same_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: MetaData) -> None:
    """Before anything can be stored: no directory, no key and no database is made."""
    Table("note", people, key(), Column("who", String, info=ID), info=record("user.account", owned_by("who")))
    monkeypatch.setattr(all_models, "metadata", people)
    settings = Settings(data=tmp_path / "data", policies=HERE.parents[3] / "policies", demo=True)
    with pytest.raises(CatalogError, match=r"test_checks\.py:\d+: a row of note is nobody's when who is empty"):
        open_installation(settings)
    assert not (tmp_path / "data").exists()
