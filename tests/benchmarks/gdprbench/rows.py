"""The figures: ten thousand operations of each mix on a hundred thousand records, in seconds, on PostgreSQL."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from benchmarks.measuring import Row, compared, timed
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import Session
from support.postgres import FOR_BENCHMARKS, PostgresServer, server

from datasteward.audit import log as audit
from datasteward.audit.journal import Journal, carry
from datasteward.audit.models import AuditEntry
from datasteward.consent.models import Standing
from datasteward.keys import Context, FileRootKey, KeyStore, Vault
from datasteward.policy import load
from datasteward.purposes import Purposes

from . import schema
from .byhand import ByHand
from .mixes import Mix, Operation, Side
from .ours import NOW, RECORD, Ours

ROOT = Path(__file__).parents[3]
RECORDS, OPERATIONS, TURNS = 100_000, 10_000, 10
MEMORY = Path("/dev/shm")  # so that making ten thousand keys does not wait for the disk
SAID = 10  # one person more for so many has objected or is restricted, and has no records
LOGGED = 10
AUDIT = AuditEntry.__table__
Role = Literal["controller", "customer", "processor", "regulator"]


def controller(full: bool) -> Row:
    """Create 25, delete by metadata 25, update metadata 50: seconds."""
    return _role("controller", full)


def customer(full: bool) -> Row:
    """Read and update own data and metadata, and delete, 20 each; Zipf 0.99: seconds."""
    return _role("customer", full)


def processor(full: bool) -> Row:
    """Read by key 80, by purpose, objection or decision 20: seconds."""
    return _role("processor", full)


def regulator(full: bool) -> Row:
    """Read metadata by user 46, logs 31, verify deletion 23: seconds."""
    return _role("regulator", full)


def growth(full: bool) -> Row:
    """How many times longer all four mixes take on ten times the records, against the same by hand.

    No steeper, within the twentieth by which two runs of the same differ.
    """
    few, many = (100_000, 1_000_000) if full else (10_000, 100_000)
    turn = few // 100  # more would use the small table up
    with (
        _servers(many) as (postgres, vault),
        _filled(postgres, vault, few, turn) as small,
        _filled(postgres, vault, many, turn) as big,
    ):
        sides = [side for table in (small, big) for side in _all(table)]
        for side in sides:
            side()
        taken = [[side() for side in sides] for _ in range(TURNS)]
    small_ours, small_its, big_ours, big_its = (median(each) for each in zip(*taken, strict=True))
    return compared("gdprbench-growth", big_ours / small_ours, big_its / small_its, "x", ("<=", 1.05))


def _all(table: Table) -> tuple[Callable[[], float], Callable[[], float]]:
    """A turn of each mix on both sides."""
    turns = [table.work(role) for role in get_args(Role)]
    return (lambda: sum(ours() for ours, _ in turns)), (lambda: sum(its() for _, its in turns))


@dataclass(frozen=True, slots=True)
class Table:
    """A filled database and both ways to work on it."""

    engine: Engine
    reading: Purposes
    writing: Purposes
    vault: Vault
    journals: Path
    policy: str
    records: int
    turn: int
    rows: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    """How many rows each operation concerned, on our side and on the other."""

    def work(self, role: Role) -> tuple[Callable[[], float], Callable[[], float]]:
        """A turn of operations on each side; each call goes on with new ones, which are the same on both."""
        reading, writing = (each.engine(role) for each in (self.reading, self.writing))
        journal = None if role == "regulator" else Journal(self.journals, self.policy)
        ours = Ours(reading, writing, f"bench:{role}", self.vault, journal)
        return self._side(role, ours, self.rows[0], self._carry), self._side(role, ByHand(self.engine), self.rows[1])

    def _carry(self) -> None:
        with Session(self.engine) as session, session.begin():
            carry(session, self.journals, now=NOW)

    def _side(
        self, role: Role, side: Side, rows: list[int], after: Callable[[], None] = lambda: None
    ) -> Callable[[], float]:
        mix = Mix(self.records, random.Random(role))
        draw: Callable[[], Operation] = getattr(mix, role)

        def work() -> float:
            operations = [draw() for _ in range(self.turn)]
            gc.collect()
            begun = time.perf_counter()
            for operation in operations:
                rows.append(operation(side))
            after()
            return time.perf_counter() - begun

        return work


def _role(role: Role, full: bool) -> Row:
    with _servers(RECORDS) as (postgres, vault), _filled(postgres, vault, RECORDS) as table:
        ours, its = timed(*table.work(role), rounds=TURNS * (3 if full else 1))
        assert table.rows[0] == table.rows[1]
    return compared(f"gdprbench-{role}", ours * TURNS, its * TURNS, "s", ("<=", 1.5))


@contextmanager
def _servers(records: int) -> Iterator[tuple[PostgresServer, Vault]]:
    """The database server, and the keys of as many people as so many records have, all of whom the cache holds for an hour."""
    people = records // schema.SHARED
    with server(FOR_BENCHMARKS) as postgres, TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        store = KeyStore(f"sqlite:///{name}/keys.db", FileRootKey.create(Path(name) / "root.key"))
        vault = Vault(store, cached_subjects=people, cache_seconds=3600)
        for number in range(people):
            vault.create(schema.person(number))
        yield postgres, vault
        vault.close()


@contextmanager
def _filled(postgres: PostgresServer, vault: Vault, records: int, turn: int = OPERATIONS // TURNS) -> Iterator[Table]:
    """A database with so many records on either side, and ten entries in the log of each person."""
    engine = create_engine(postgres.database())
    # What only looks at data waits for no disk: its entries are in the log when it ends, on the disk within 0.6 seconds.
    looking = create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})
    schema.Base.metadata.create_all(engine)
    schema.PLAIN.create_all(engine)
    people = [schema.person(number) for number in range(records // schema.SHARED)]
    with Session(engine) as session, session.begin():
        _fill_people(session, people)
        for _ in range(LOGGED):
            audit.append_all(session, "record.created", people, actor="bench", now=NOW, rows=1)
        logged = select(*(AUDIT.c[column.name] for column in schema.LOG.c))
        session.execute(insert(schema.LOG).from_select(schema.LOG.c.keys(), logged))
        _copy(session, schema.RECORD, records, lambda number, data: data)
        _copy(session, RECORD, records, lambda number, data: _sealed(vault, number, data, records))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    stated = schema.with_purposes(load(ROOT / "policies"))
    reading, writing = (Purposes(each, schema.CATALOG, stated) for each in (looking, engine))
    with TemporaryDirectory() as journals:
        yield Table(engine, reading, writing, vault, Path(journals), stated.hash, records, turn)
    looking.dispose()
    engine.dispose()


def _fill_people(session: Session, people: list[str]) -> None:
    said = [f"other{number}" for number in range(len(people) // SAID)]
    session.execute(insert(schema.Person), [{"id": who} for who in people])
    objections = [{"subject_id": who, "purpose": "processor", "kind": "objection"} for who in said]
    session.execute(insert(Standing), objections)


def _copy(session: Session, table: Any, records: int, stored: Callable[[int, bytes], bytes]) -> None:
    chance = random.Random(7)
    names = ", ".join(["id", "data", *schema.METADATA])
    cursor: Any = session.connection().connection.cursor()
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for number in range(records):
            data = stored(number, chance.randbytes(schema.BYTES))
            copy.write_row([schema.key(number), data, *schema.metadata(number, records).values()])


def _sealed(vault: Vault, number: int, data: bytes, records: int) -> bytes:
    who = schema.value("person_id", number, records)
    return vault.seal(Context(who, RECORD.name, "data", schema.key(number)), data).ciphertext
