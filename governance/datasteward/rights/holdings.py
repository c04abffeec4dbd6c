"""What is held about a person: how much of each kind, what for, until when, who received it, and what an erasure does.

Derived from catalog and policies, so that nothing with a road to the person is missing; counted by the database, no row
is loaded. The page of the privacy centre, the archive and the erasure's preview all read this.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import msgspec.structs
from sqlalchemy import String as Text
from sqlalchemy import Table, cast, func, null, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import within
from datasteward.errors import ObjectMissing
from datasteward.processors.models import AUTHORITY, Disclosure
from datasteward.rights import grouping
from datasteward.rights.grouping import Group
from datasteward.rights.keeping import ends, keeping_rule, rules_of
from datasteward.steward import Steward


class Received(msgspec.Struct, frozen=True):
    """Somebody outside who received data of a kind, and how often the register of disclosures says so."""

    recipient: str
    name: str
    region: str
    times: int


class TableHolding(msgspec.Struct, frozen=True):
    """What one table holds of the person.

    `files` and `bytes` count its objects, but for copies that the archive leaves out; `oldest` is UTC; `words` says in
    words how long a row is kept, `first_ends` and `last_ends` when the first and the last is due where a period runs.
    `stays`: an erasure leaves it, for the reason `why`.
    """

    table: str
    name: str
    category: str
    rows: int
    files: int
    bytes: int
    oldest: datetime | None
    words: str
    first_ends: datetime | None
    last_ends: datetime | None
    stays: bool
    why: str | None


class Holding(msgspec.Struct, frozen=True):
    """What is held under one heading; `purposes` by name, `until` in words."""

    key: str
    title: str
    description: str
    purposes: tuple[str, ...]
    until: tuple[str, ...]
    received: tuple[Received, ...]
    tables: tuple[TableHolding, ...]

    @property
    def rows(self) -> int:
        """How many records."""
        return sum(t.rows for t in self.tables)

    @property
    def files(self) -> int:
        """How many files."""
        return sum(t.files for t in self.tables)

    @property
    def bytes(self) -> int:
        """How many bytes the files have."""
        return sum(t.bytes for t in self.tables)

    @property
    def oldest(self) -> datetime | None:
        """When the oldest record was made, where the tables know."""
        return min((t.oldest for t in self.tables if t.oldest), default=None)

    @property
    def next_end(self) -> datetime | None:
        """When the next record is due by its period."""
        return min((t.first_ends for t in self.tables if t.first_ends), default=None)

    @property
    def stays(self) -> bool:
        """Whether an erasure leaves all of it."""
        return all(t.stays for t in self.tables)

    @property
    def leaving(self) -> list[TableHolding]:
        """What an erasure takes away, under each name once; what is empty is not named."""
        return _by_name(t for t in self.tables if t.rows and not t.stays)

    @property
    def staying(self) -> list[TableHolding]:
        """What an erasure leaves, under each name once; what is empty is not named."""
        return _by_name(t for t in self.tables if t.rows and t.stays)


def _by_name(tables: Iterable[TableHolding]) -> list[TableHolding]:
    """Tables of the same name as one, for the eyes of a person."""
    found: dict[str, TableHolding] = {}
    for table in tables:
        known = found.get(table.name)
        found[table.name] = (
            msgspec.structs.replace(
                known, rows=known.rows + table.rows, files=known.files + table.files, bytes=known.bytes + table.bytes
            )
            if known
            else table
        )
    return list(found.values())


def holdings(session: Session, steward: Steward, subject: str) -> list[Holding]:
    """Everything with a road to the person, under the headings of taxonomy.yaml; empty ones too."""
    received = disclosures(session, subject)
    return [_holding(session, steward, subject, group, received) for group in grouping.groups(steward)]


def disclosures(session: Session, subject: str) -> Counter[tuple[str, tuple[str, ...]]]:
    """How often each recipient received which categories of the person's data."""
    told = cast(Disclosure.categories, Text)
    query = select(Disclosure.recipient, told, func.count()).where(Disclosure.subject_id == subject)
    counted: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for recipient, categories, number in session.execute(query.group_by(Disclosure.recipient, told)):
        counted[recipient, tuple(json.loads(categories))] += number
    return counted


def facts_of(session: Session, steward: Steward, subject: str, group: Group) -> list[tuple[str, str]]:
    """What is known about one group, as the archive's page says it."""
    told = _holding(session, steward, subject, group, disclosures(session, subject))
    who = "; ".join(", ".join(part for part in (r.name, r.region, _often(r.times)) if part) for r in told.received)
    return [("What for", "; ".join(told.purposes)), ("Until", "; ".join(told.until)), ("Received by", who or "nobody")]


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times:,} times"


def _holding(
    session: Session,
    steward: Steward,
    subject: str,
    group: Group,
    received: Counter[tuple[str, tuple[str, ...]]],
) -> Holding:
    tables = tuple(_table(session, steward, subject, table) for table in group.tables)
    held = frozenset[str]().union(*(grouping.categories(steward, table) for table in group.tables))
    filled = [t for t in tables if t.rows] or tables
    return Holding(
        key=group.key,
        title=group.title,
        description=group.description,
        purposes=tuple(purpose.name for purpose in grouping.purposes(steward.policies, held)),
        until=tuple(dict.fromkeys(t.words for t in filled if t.words)),
        received=tuple(_received(steward, held, received)),
        tables=tables,
    )


def _table(session: Session, steward: Steward, subject: str, table: Table) -> TableHolding:
    mine = steward.catalog.belonging_to(table, subject)
    record, rules, keeping = steward.catalog.record(table), rules_of(steward, table), keeping_rule(steward, table)
    created = record.clocks.get("created")
    oldest = func.min(table.c[created], type_=table.c[created].type) if created else null()
    number, since = session.execute(select(func.count(), oldest).select_from(table).where(mine)).one()
    files, size = _files(session, steward, subject, table)
    due = ends(session, steward, table, mine)
    category = steward.policies.taxonomy.categories.get(record.category)
    return TableHolding(
        table=str(table.name),
        name=category.name if category else str(table.name).replace("_", " "),
        category=record.category,
        rows=number,
        files=files,
        bytes=size,
        oldest=since,
        words="; ".join(dict.fromkeys(rule.words for rule in rules)),
        first_ends=due[0] if due else None,
        last_ends=due[1] if due else None,
        stays=keeping is not None,
        why=keeping.erasure_reason if keeping else None,
    )


def _files(session: Session, steward: Steward, subject: str, table: Table) -> tuple[int, int]:
    """How many objects the rows name, and their bytes: by the column that says so, else asked of the object store."""
    mine = steward.catalog.belonging_to(table, subject)
    files = size = 0
    for column in steward.catalog.objects(table):
        if not steward.catalog.tag(column).export:
            continue
        told = size_column(table, column)
        total = func.coalesce(func.sum(told), 0) if told is not None else func.count()
        query = select(func.count(), total).select_from(table).where(mine, column.is_not(None))
        number, counted = session.execute(query).one()
        files += number
        size += int(counted) if told is not None else _measured(session, steward, column, mine)
    return files, size


def size_column(table: Table, column: Column[Any]) -> Column[Any] | None:
    """The column with the size of an object in bytes: `NAME_bytes` beside an object column NAME, else `bytes`."""
    return table.c.get(f"{column.name}_bytes", table.c.get("bytes"))


def _measured(session: Session, steward: Steward, column: Column[Any], mine: Any) -> int:
    total = 0
    for key in session.scalars(select(column).where(mine, column.is_not(None))):
        try:
            total += steward.objects.size(key)
        except ObjectMissing:
            continue
    return total


def _received(steward: Steward, held: frozenset[str], counted: Counter[tuple[str, tuple[str, ...]]]) -> list[Received]:
    times: Counter[str] = Counter()
    for (recipient, categories), number in counted.items():
        if any(within(told, mine) or within(mine, told) for told in categories for mine in held):
            times[recipient] += number
    known = steward.policies.processors
    return [
        Received(who, known[who].name, known[who].region, number)
        if who in known
        else Received(who, f"an {who}" if who == AUTHORITY else who.replace("_", " "), "", number)
        for who, number in sorted(times.items())
    ]
