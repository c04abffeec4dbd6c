"""A small service for retention: people, their visits with what hangs on these, and tables with keys of several columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, Row, String, Table, Text, insert, select

from datasteward.catalog import is_subject, nobody, owned_by, owned_via, record, tag
from datasteward.policy import Method, Period, RetentionRule
from datasteward.retention import certificate, plans
from datasteward.retention.applying import apply
from datasteward.retention.certificate import Certificate
from datasteward.retention.plan import Item, Plan
from datasteward.retention.result import Result
from datasteward.steward import Steward
from datasteward.types import Sealed, UtcDateTime
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEY = tag("system.operations")
METADATA = MetaData()


def _person() -> Column[Any]:
    return Column("person_id", String(40), ForeignKey("person.id"), nullable=False, info=tag("user.unique_id"))


person = Table(
    "person",
    METADATA,
    Column("id", String(40), primary_key=True, info=tag("user.unique_id")),
    Column("country", String(2), info=tag("user.contact.address.country")),
    Column("name", Sealed(), info=tag("user.name")),
    Column("created_at", UtcDateTime(), info=KEY),
    Column("closed_at", UtcDateTime(), info=KEY),
    info=record(
        "user.account",
        is_subject("id"),
        clocks={"created": "created_at", "closed": "closed_at"},
        country="country",
    ),
)

visit = Table(
    "visit",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False, info=KEY),
    _person(),
    Column("kind", String(40), info=tag("user.behavior.usage")),
    Column("number", Integer, info=tag("user.behavior.usage")),
    Column("open", Boolean, info=tag("user.behavior.usage")),
    Column("address", Text, info=tag("user.device.ip_address")),
    Column("browser", Text, info=tag("user.device.user_agent")),
    Column("token", Text, info=tag("user.authorization.token")),
    Column("seen_at", UtcDateTime(), info=tag("user.behavior.engagement")),
    Column("at", UtcDateTime(), info=KEY),
    info=record("user.behavior.usage", owned_by("person_id"), clocks={"created": "at"}),
)

step = Table(
    "step",
    METADATA,
    Column("visit_id", Integer, ForeignKey("visit.id"), primary_key=True, info=KEY),
    Column("place", Integer, primary_key=True, autoincrement=False, info=KEY),
    info=record("user.behavior.engagement", owned_via("visit_id")),
)

seat = Table(
    "seat",
    METADATA,
    Column("person_id", String(40), ForeignKey("person.id"), primary_key=True, info=tag("user.unique_id")),
    Column("place", Integer, primary_key=True, autoincrement=False, info=KEY),
    Column("at", UtcDateTime(), info=KEY),
    info=record("user.content.favourite", owned_by("person_id"), clocks={"created": "at"}),
)


def rule(name: str, category: str, *, days: int = 30, **more: Any) -> RetentionRule:
    """A rule that lets records of the category go after that many days from when they were made."""
    told = {"wording": "{period}", "legal_basis": "test", "promise": "intro", "source": "test", "clock": "created"}
    given = {"period": Period(days=days), **told, **more}
    return RetentionRule(id=name, name=name.capitalize(), category=category, **given)


def by_methods(steward: Steward, methods: dict[str, Method]) -> Steward:
    """The same steward with these methods of anonymisation, by category."""
    told = msgspec.structs.replace(steward.policies.anonymisation, methods=methods)
    return replace(steward, policies=msgspec.structs.replace(steward.policies, anonymisation=told))


def people(db: Database, *names: str, **values: object) -> None:
    """People who came a year ago."""
    with db.write() as session:
        for name in names:
            session.execute(insert(person).values(id=name, **{"created_at": ago(365), **values}))


def visits(db: Database, who: str, numbers: Iterable[int], *, days: int = 100, **values: object) -> None:
    """Visits with these ids, all at one moment that many days ago."""
    rows = [{"id": number, "person_id": who, "at": ago(days), **values} for number in numbers]
    with db.write() as session:
        session.execute(insert(visit), rows)


def ago(days: int) -> datetime:
    """That many days before NOW."""
    return NOW - timedelta(days=days)


def make(db: Database, steward: Steward, now: datetime = NOW) -> Plan:
    """Makes and stores a plan."""
    with db.write() as session:
        return plans.make(session, steward, by="tests", now=now)


def run(db: Database, steward: Steward, plan: Plan, now: datetime = NOW) -> Result:
    """Carries the plan out."""
    return apply(db.write, steward, plan, by="tests", clock=lambda: now)


def told(db: Database, plan_id: str) -> Certificate:
    """The certificate of the plan."""
    with db.read() as session:
        found = certificate.of(plans.row(session, plan_id))
    assert found is not None
    return found


def of(plan: Plan, table: str) -> Item:
    """The plan's one item about the table."""
    (found,) = [item for item in plan.items if item.table == table]
    return found


def rows(db: Database, table: Table) -> list[Row[Any]]:
    """All rows of the table, by key."""
    with db.read() as session:
        return list(session.execute(select(table).order_by(*table.primary_key.columns)))


def ids(db: Database, table: Table = visit) -> list[Any]:
    """The first column of each row."""
    return [row[0] for row in rows(db, table)]


def words(db: Database) -> Table:
    """A new table of words, each of which may answer another."""
    word = Table(
        "word",
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False, info=KEY),
        Column("answers", Integer, ForeignKey("word.id"), info=KEY),
        Column("at", UtcDateTime(), info=KEY),
        info=record("user.behavior.usage", nobody("tests"), clocks={"created": "at"}),
    )
    word.metadata.create_all(db.engine)
    return word
