"""Records of people with the nine metadata fields of GDPRbench, once for the toolkit and once for statements by hand.

The fields are those of the benchmark's records (S. Shastri et al., Understanding and Benchmarking the Impact of GDPR on
Database Systems, PVLDB 13(7), 2020): purpose, time to live, user, objections, automated decisions, access list, shared
with, source, category. Ten records share each value of a field that is asked for, whatever the number of records.
"""

# ruff: noqa: RUF012 (SQLAlchemy reads __table_args__ as a plain class attribute)

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from datasteward import tables
from datasteward.base import NAMING
from datasteward.catalog import Catalog, is_subject, owned_by, record, tag
from datasteward.keys import Box
from datasteward.policy import PolicySet, Purpose
from datasteward.types import Sealed, UtcDateTime

SHARED = 10
BYTES = 100
METADATA = (
    "purpose", "time_to_live", "person_id", "objections", "decisions", "access", "shared_with", "source", "category",
)  # fmt: skip
INDEXED = ("purpose", "time_to_live", "person_id", "objections", "decisions", "shared_with")
USE = tag("user.content.private")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Person(Base):
    __tablename__ = "bench_person"
    __table_args__ = {"info": record("user.account", is_subject("id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("user.unique_id"))


class Record(Base):
    """As the toolkit keeps it: each column tagged, the data sealed under its person's key."""

    __tablename__ = "bench_record"
    __table_args__ = {"info": record("user.content.private", owned_by("person_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("system.operations"))
    data: Mapped[Box] = mapped_column(Sealed(), info=tag("user.content.private.prompt"))
    purpose: Mapped[str] = mapped_column(String(40), index=True, info=USE)
    time_to_live: Mapped[int] = mapped_column(index=True, info=USE)
    person_id: Mapped[str] = mapped_column(ForeignKey("bench_person.id"), index=True, info=tag("user.unique_id"))
    objections: Mapped[str] = mapped_column(String(40), index=True, info=USE)
    decisions: Mapped[str] = mapped_column(String(40), index=True, info=USE)
    access: Mapped[str] = mapped_column(String(40), info=USE)
    shared_with: Mapped[str] = mapped_column(String(40), index=True, info=USE)
    source: Mapped[str] = mapped_column(String(40), info=USE)
    category: Mapped[str] = mapped_column(String(40), info=USE)


CATALOG = Catalog(Base.metadata, tables.metadata)

PLAIN = MetaData(naming_convention=NAMING)
"""The same columns and indexes without anything of the toolkit."""

Table("bench_person", PLAIN, Column("id", String(40), primary_key=True))
RECORD = Table(
    "plain_record",
    PLAIN,
    Column("id", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    *(
        Column(
            name,
            Integer if name == "time_to_live" else String(40),
            *([ForeignKey("bench_person.id")] if name == "person_id" else []),
            nullable=False,
            index=name in INDEXED,
        )
        for name in METADATA
    ),
)
LOG = Table(
    "plain_log",
    PLAIN,
    Column("number", Integer, primary_key=True),
    Column("at", UtcDateTime(), nullable=False, index=True),
    Column("act", String(80), nullable=False, index=True),
    Column("actor", String(80), nullable=False),
    Column("subject_id", String(40), index=True),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
)


def key(number: int) -> str:
    """The key of a record."""
    return f"record{number:020d}"


def person(number: int) -> str:
    """The id of a person."""
    return f"person{number:020d}"


def value(field: str, number: int, records: int) -> Any:
    """What a field of the record holds. Records that share a value of one field share no other."""
    if field == "person_id":
        return person(number % (records // SHARED))
    step = 7 * METADATA.index(field) + 1
    group = (number // SHARED + step * (number % SHARED)) % (records // SHARED)
    return group if field == "time_to_live" else f"{field}{group}"


def metadata(number: int, records: int) -> dict[str, Any]:
    """The nine fields of a record."""
    return {field: value(field, number, records) for field in METADATA}


def with_purposes(policies: PolicySet) -> PolicySet:
    """The policies with a purpose for each of the benchmark's four roles.

    People may object to what the processor does; the regulator sees those too whose data is restricted.
    """
    made = (
        _purpose("controller", "contract"),
        _purpose("customer", "contract"),
        _purpose("processor", "legitimate_interests", objectable=True),
        _purpose("regulator", "legal_obligation", despite_restriction="The law asks for it."),
    )
    lines = {**policies.lines, **{("purposes.yaml", ("purposes", one.id)): 1 for one in made}}
    return msgspec.structs.replace(policies, purposes={one.id: one for one in made}, lines=lines)


def _purpose(name: str, basis: Any, **more: Any) -> Purpose:
    return Purpose(
        id=name, name=name, words=name, legal_basis=basis, categories=("user",), promise="", source="bench", **more
    )
