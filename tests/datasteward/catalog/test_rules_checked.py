"""Every retention rule can be carried out on the models: its table, its columns and its clock are there."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import Column, DateTime, ForeignKey, MetaData, String, Table
from support.checked import ID, OPS, found, key

from datasteward.catalog import Catalog, checks, nobody, owned_by, owned_via, record
from datasteward.policy import PolicySet


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
