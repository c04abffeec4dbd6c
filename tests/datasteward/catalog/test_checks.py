"""The checks of models and policies: what is forgotten or cannot hold is found with its line, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from datasteward.catalog import (
    Catalog,
    Road,
    checks,
    is_subject,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    record,
    seen_by,
    seen_via,
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


class Boxed(TypeDecorator[Any]):
    """JSON behind a type of one's own."""

    impl = JSON
    cache_ok = True


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
        "no row of event is ever due by the rule usage-events: nothing tells its clock created"
    ]
    made = MetaData()
    whose = Column("who", String, nullable=False, info=ID)
    at = Column("at", DateTime, info=OPS)
    Table(
        "event", made, key(), whose, at, info=record("user.behavior.usage", owned_by("who"), clocks={"created": "at"})
    )
    up: Column[str] = Column("up", ForeignKey("event.id"), nullable=False, info=OPS)
    Table("part", made, key(), up, info=record("user.behavior.usage", owned_via("up")))
    assert found(made, shipped) == []


def test_each_rule_needs_its_clock(people: MetaData, shipped: PolicySet) -> None:
    """That one rule has its clock does not hide that another never applies."""
    at = Column("at", DateTime, info=OPS)
    Table("event", people, key(), at, info=record("user.behavior.usage", nobody("test"), clocks={"created": "at"}))
    second = replace(shipped.retention["usage-events"], id="second", clock="closed")
    policies = replace(shipped, retention={**shipped.retention, "second": second})
    assert found(people, policies) == [
        "no row of event is ever due by the rule second: nothing tells its clock closed",
    ]


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


def test_a_table_in_a_database_schema_is_found(shipped: PolicySet) -> None:
    """The checks of the database look in one schema alone, and tables are known by their bare names."""
    made = MetaData(schema="app")
    Table("drawer", made, key(), info=record("system.operations", nobody("a test")))
    assert found(made, shipped) == [
        "the table drawer stands in the database schema app, where no check of the database looks"
    ]


@pytest.mark.parametrize("kind", [JSON(), JSONB(), Boxed()])
def test_a_json_column_says_what_is_inside(people: MetaData, shipped: PolicySet, kind: Any) -> None:
    """Without key paths, a tag has to say that it holds a list of plain values."""
    inside, listed = tag("system.operations", paths={"a": OPS}), tag("system.operations", holds="list")
    columns = (Column("free", kind, info=OPS), Column("a", kind, info=inside), Column("b", kind, info=listed))
    Table("note", people, key(), *columns, info=record("system.operations", nobody("a test")))
    assert found(people, shipped) == ["nothing says what the JSON of note.free holds"]


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


def test_a_set_without_names_of_lookalikes_finds_none(people: MetaData, shipped: PolicySet) -> None:
    """An empty list is allowed, and then no name looks personal."""
    Table("thing", people, key(), Column("email", String, info=OPS), info=record("system.operations", nobody("test")))
    policies = replace(shipped, lookalikes=replace(shipped.lookalikes, names={}))
    assert found(people, policies) == []
