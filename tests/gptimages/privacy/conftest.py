"""People with one row in every table that leads to a person, made from the catalog, so that no table is forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, DateTime, Float, Integer, String, Table, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.base import new_id
from datasteward.keys import Context
from datasteward.types import Sealed, UtcDateTime
from gptimages.installation import Installation

PNG = b"\x89PNG\r\n\x1a\n"
PAST = datetime(2024, 3, 14, 15, 9, 26, tzinfo=UTC)


@dataclass
class Seeded:
    """One person's canaries: the readable value of every column, by table and column."""

    subject: str
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)

    def canaries(self) -> dict[tuple[str, str], bytes]:
        """The values that are long enough to be looked for in bytes."""
        told = {place: value for place, value in self.values.items() if isinstance(value, str | bytes)}
        as_bytes = {place: value.encode() if isinstance(value, str) else value for place, value in told.items()}
        return {place: value for place, value in as_bytes.items() if len(value) >= 9}


Seeder = Callable[[], Seeded]


@pytest.fixture
def seed(here: Installation) -> Seeder:
    """Makes a person with one row in every table, every column filled."""

    def make() -> Seeded:
        seeded = Seeded(new_id())
        here.vault.create(seeded.subject)
        with here.db.write() as session:
            for table in here.catalog.personal():
                _row(session, here, table, seeded)
        return seeded

    return make


def _row(session: Session, here: Installation, table: Table, seeded: Seeded) -> None:
    road = here.catalog.record(table).roads[0]
    own = road.kind in ("subject", "by") and table.c[road.columns[0]].primary_key
    key = seeded.subject if own else new_id()
    seeded.rows[str(table.name)] = key
    stored: dict[str, Any] = {}
    for column in table.columns:
        name = str(column.name)
        if road.kind == "by" and column.name in road.columns:
            value = seeded.subject
        elif column.primary_key and len(table.primary_key.columns) == 1:
            value = key
        elif column.foreign_keys:
            value = _referred(session, here, column, seeded)
        else:
            value = _canary(column, seeded.subject)
        seeded.values[str(table.name), name] = value
        stored[name] = _stored(here, table, column, key, value, seeded)
    session.execute(insert(table).values(stored))


def _referred(session: Session, here: Installation, column: Column[Any], seeded: Seeded) -> str:
    target = next(iter(column.foreign_keys)).column.table
    if str(target.name) in seeded.rows:
        return seeded.rows[str(target.name)]
    found = session.scalar(select(next(iter(target.primary_key.columns))).limit(1))
    if found is None:  # a row of nobody's, such as a version of the policy
        found = "2026-11-01"
        public = {c.name: _canary(c, "nobody") for c in target.columns if not c.primary_key}
        session.execute(insert(target).values({**public, next(iter(target.primary_key.columns)).name: found}))
    return str(found)


def _canary(column: Column[Any], subject: str) -> Any:
    place = f"{column.table.name}.{column.name}"
    mark = hashlib.sha256(f"{place} {subject}".encode()).hexdigest()
    kind = column.type
    if isinstance(kind, Sealed):
        return f"canary {place} {mark}"
    if "object" in str(column.info.get("datasteward.tag")) and column.info["datasteward.tag"].holds == "object":
        return PNG + mark.encode()
    if isinstance(kind, UtcDateTime | DateTime):
        return PAST
    if isinstance(kind, JSON):
        return [mark]
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Float):
        return 4711.5
    if isinstance(kind, Integer):
        return int(mark[:6], 16)
    assert isinstance(kind, String), place
    return mark[: kind.length or 64]


def _stored(here: Installation, table: Table, column: Column[Any], key: str, value: Any, seeded: Seeded) -> Any:
    if isinstance(column.type, Sealed):
        return here.vault.seal(Context(seeded.subject, str(table.name), str(column.name), key), value)
    if here.catalog.tag(column).holds == "object":
        name = f"seed/{table.name}/{column.name}/{key}"
        here.objects.put(seeded.subject, name, [value])
        return name
    return value
