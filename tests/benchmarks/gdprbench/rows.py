"""The figures: ten thousand operations of each mix on a hundred thousand records, in seconds, on PostgreSQL."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import Session
from support.postgres import FOR_BENCHMARKS, PostgresServer, server

from benchmarks.measuring import Row, compared, timed
from datasteward.audit import log as audit
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


@dataclass(frozen=True, slots=True)
class Table:
    """A filled database and both ways to work on it."""

    engine: Engine
    reading: Purposes
    writing: Purposes
    vault: Vault
    records: int

    def work(self, role: Role) -> tuple[Callable[[], float], Callable[[], float]]:
        """A tenth of the operations on each side; each call goes on with new ones, which are the same on both."""
        reading, writing = (each.session(role, actor=f"bench:{role}") for each in (self.reading, self.writing))
        return self._side(role, Ours(reading, writing, self.vault)), self._side(role, ByHand(self.engine))

    def _side(self, role: Role, side: Side) -> Callable[[], float]:
        mix = Mix(self.records, random.Random(role))
        draw: Callable[[], Operation] = getattr(mix, role)

        def work() -> float:
            operations = [draw() for _ in range(OPERATIONS // TURNS)]
            gc.collect()
            begun = time.perf_counter()
            for operation in operations:
                operation(side)
            return time.perf_counter() - begun

        return work


def _role(role: Role, full: bool) -> Row:
    with _servers(RECORDS) as (postgres, vault), _filled(postgres, vault, RECORDS) as table:
        ours, its = timed(*table.work(role), rounds=TURNS * (3 if full else 1))
    return compared(f"gdprbench-{role}", ours * TURNS, its * TURNS, "s", ("<=", 1.5))


@contextmanager
def _servers(records: int) -> Iterator[tuple[PostgresServer, Vault]]:
    """The database server, and the keys of as many people as so many records have, all of whom the cache holds."""
    people = records // schema.SHARED
    with server(FOR_BENCHMARKS) as postgres, TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        store = KeyStore(f"sqlite:///{name}/keys.db", FileRootKey.create(Path(name) / "root.key"))
        vault = Vault(store, cached_subjects=people)
        for number in range(people):
            vault.create(schema.person(number))
        yield postgres, vault
        vault.close()


@contextmanager
def _filled(postgres: PostgresServer, vault: Vault, records: int) -> Iterator[Table]:
    engine = create_engine(postgres.database())
    schema.Base.metadata.create_all(engine)
    schema.PLAIN.create_all(engine)
    people = [schema.person(number) for number in range(records // schema.SHARED)]
    with Session(engine) as session, session.begin():
        session.execute(insert(schema.Person), [{"id": who} for who in people])
        said = [f"other{number}" for number in range(len(people) // SAID)]
        session.execute(insert(Standing), [{"subject_id": who, "purpose": "processor", "kind": "objection"} for who in said])
        audit.append_all(session, "record.created", people * schema.SHARED, actor="bench", now=NOW, rows=1)
        audits = select(*audit.AuditEntry.__table__.c)
        session.execute(insert(schema.LOG).from_select([c.name for c in schema.LOG.c], select(*(audit.AuditEntry.__table__.c[c.name] for c in schema.LOG.c))))
        names = ["id", "data", *schema.METADATA]
        cursor = session.connection().connection.cursor()
        for table, sealed in ((schema.RECORD, False), (RECORD, True)):
            chance = random.Random(7)
            with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                for number in range(records):
                    fields = schema.metadata(number, records)
                    key, data = schema.key(number), chance.randbytes(schema.BYTES)
                    if sealed:
                        data = vault.seal(Context(fields["person_id"], table.name, "data", key), data).ciphertext
                    copy.write_row([key, data, *fields.values()])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    stated = schema.with_purposes(load(ROOT / "policies"))
    seeing = create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})
    yield Table(
        engine,
        Purposes(seeing, schema.CATALOG, stated),
        Purposes(engine, schema.CATALOG, stated),
        vault,
        records,
    )
    seeing.dispose()
    engine.dispose()


def growth(full: bool) -> Row:
    raise NotImplementedError
