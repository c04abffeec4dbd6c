"""A made-up service in a real database, and a process that is killed at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import settings
from sqlalchemy import MetaData, event, insert, select, update
from sqlalchemy.orm import Session
from support.schemas.filling import Service
from support.schemas.oracle import Oracle, Place, State
from support.schemas.shapes import association_key

from datasteward import tables
from datasteward.crypto import FieldCipher, Keyset, KeysetKind
from datasteward.keys import Box, Context
from datasteward.keys.shared import SharedRow, seal_key
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Cut(BaseException):
    """The process was killed here."""


class Killer:
    """Kills at the moments with these numbers: before each statement, before each commit and after it is a moment.

    Counting begins anew after each kill; `run` tries again until nothing kills any more.
    """

    def __init__(self, db: Database, moments: Sequence[int]) -> None:
        self._db, self._moments, self._passed = db, list(moments), 0

    def run(self, work: Callable[[], object]) -> None:
        """Does the work, killed at each of the moments, and then in peace."""
        events = [("before_cursor_execute", self._tick), ("commit", self._tick)]
        for name, hear in events:
            event.listen(self._db.engine, name, hear)
        try:
            while True:
                try:
                    work()
                except Cut:
                    continue
                return
        finally:
            for name, hear in events:
                event.remove(self._db.engine, name, hear)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction of the service that can be cut off, also when it has just been committed."""
        with self._db.write() as session:
            yield session
        self._tick()

    def _tick(self, *_of_event: object) -> None:
        self._passed += 1
        if self._moments and self._passed >= self._moments[0]:
            self._moments.pop(0)
            self._passed = 0
            raise Cut


@dataclass
class World:
    """A made-up service in a real database, with real keys and objects."""

    service: Service
    db: Database
    made: MetaData
    steward: Steward
    before: State = field(default_factory=dict)
    row_keys: dict[Place, Keyset] = field(
        default_factory=lambda: defaultdict(partial(Keyset.random, KeysetKind.FIELDS))
    )

    def fill(self, *, sealed: bool = True) -> None:
        """Writes the rows, and with `sealed` what is encrypted in them and their objects, under the key of an owner."""
        oracle = Oracle(self.service)
        with self.db.write() as session:
            for place, row in oracle.state.items():
                shape, table = oracle.shape(place), self.made.tables[place[0]]
                owner = min(oracle.owners(place), default=None) if sealed else None
                later = {c for key in shape.keys if key.to == shape.name for c in key.columns}
                session.execute(insert(table).values(self._stored(place, row, owner, without=later)))
            for place, row in oracle.state.items():
                shape, table = oracle.shape(place), self.made.tables[place[0]]
                later = {c for key in shape.keys if key.to == shape.name for c in key.columns}
                if any(row[column] is not None for column in later):
                    mine = [table.c[name] == value for name, value in zip(shape.key, place[1], strict=True)]
                    session.execute(update(table).where(*mine).values({column: row[column] for column in later}))
        self.hold()
        self.before = self.read()

    def hold(self) -> None:
        """Places a hold on everything of each person who is to be under one."""
        with self.db.write() as session:
            for person in sorted(self.service.held):
                scope, review = Scope(subject=person), NOW + timedelta(days=30)
                holds.place(session, self.steward, scope, "24-117", review_at=review, by="tests", now=NOW)

    def _stored(self, place: Place, row: dict[str, Any], owner: str | None, *, without: set[str]) -> dict[str, Any]:
        values = {column: None if column in without else value for column, value in row.items()}
        values["at"] = None if row["at"] is None else NOW - timedelta(days=row["at"])
        values["secret"] = None
        if owner is not None and row["secret"] is not None:
            values["secret"] = self._sealed(place, row["secret"], owner)
        if "row_key" in values:
            values["row_key"] = None if owner is None else self._handed(place, owner)
        if owner is not None and row.get("object") is not None:
            self.steward.objects.put(owner, row["object"], [f"object of {row['object']}".encode()])
        return values

    def _sealed(self, place: Place, secret: str, owner: str) -> Box:
        row = "-".join(map(str, place[1]))
        if not Oracle(self.service).shape(place).shares:
            return self.steward.vault.seal(Context(owner, place[0], "secret", row), secret)
        cipher, context = FieldCipher(self.row_keys[place]), SharedRow(place[0], row).value_in("secret")
        return Box(cipher.encrypt(secret.encode(), context))

    def _handed(self, place: Place, owner: str) -> Box | None:
        """The key of the row to which a row of its association refers."""
        oracle = Oracle(self.service)
        shape = next(each for each in self.service.schema if each.shares == place[0])
        target = oracle.target(place, association_key(self.service.schema, shape, shape.owners[0]))
        if target is None:
            return None
        here, (row,) = Context(owner, place[0], "row_key", str(*place[1])), target[1]
        return seal_key(self.steward.vault, SharedRow(shape.name, row), here, self.row_keys[target].to_bytes())

    def read(self) -> State:
        """The rows that there are, as stored."""
        found: State = {}
        with self.db.read() as session:
            for table in self.made.sorted_tables:
                names = [column.name for column in table.primary_key.columns]
                for row in session.execute(select(table)).mappings():
                    values = {str(name): getattr(value, "ciphertext", value) for name, value in row.items()}
                    found[str(table.name), tuple(values[name] for name in names)] = values
        return found

    def as_stored(self, left: State) -> State:
        """What the oracle says is left, in the values that were stored at the beginning."""
        return {
            place: {name: None if value is None else self.before[place][name] for name, value in row.items()}
            for place, row in left.items()
        }

    def outbox(self) -> set[str]:
        """The keys of the objects that are promised to destruction."""
        with self.db.read() as session:
            return set(session.scalars(select(tables.ObjectDisposal.key)))

    def objects(self) -> set[str]:
        """The keys of the objects that there are."""
        return set(self.steward.objects.keys("thing/"))


Opened = Callable[..., AbstractContextManager[World]]
Examples = settings
