"""A service of three tables that uses the toolkit alone, on a real database, for the tests of rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.orm import Session
from support.postgres import PostgresServer

from datasteward import tables
from datasteward.catalog import Catalog
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.ledger import DirectoryOfEntries, open_ledger
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import PolicySet, load
from datasteward.steward import Steward

POLICIES = Path(__file__).parents[3] / "policies"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class World:
    """A database, keys, objects and policies, with whatever tables the test declares."""

    steward: Steward
    engine: Engine
    database: Path
    key_store: Path

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at its end."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def forget(self) -> None:
        """Empties the write-ahead log."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            assert connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0] == 0

    def clock(self) -> datetime:
        """The time, which stands."""
        return NOW


@pytest.fixture(scope="session")
def rights_policies() -> PolicySet:
    """The shipped policies."""
    return load(POLICIES)


WorldMaker = Callable[..., World]


@pytest.fixture
def world(
    rights_policies: PolicySet, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[WorldMaker]:
    """Makes a World over tables: `world(metadata)`; each call gives a fresh database of its kind, the keys are shared."""
    postgres: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgresql" else None
    root = tmp_path / "root.key"
    FileRootKey.create(root)
    store = tmp_path / "keys.db"
    vault = Vault(KeyStore(f"sqlite:///{store}", FileRootKey.load(root)))
    ledger = open_ledger(DirectoryOfEntries(tmp_path / "ledger"), tmp_path / "ledger.key", now=NOW)
    made: list[World] = []

    def make(metadata: MetaData) -> World:
        path = tmp_path / f"{len(made)}.db"
        engine = create_engine(postgres.empty(), hide_parameters=True) if postgres else open_sqlite(path)
        for each in (metadata, tables.metadata):
            each.create_all(engine)
        objects = EncryptedObjects(LocalDirectory(tmp_path / "objects"), vault)
        steward = Steward(Catalog(metadata, tables.metadata), rights_policies, vault, objects, ledger=ledger)
        made.append(World(steward, engine, path, store))
        return made[-1]

    yield make
    for one in made:
        one.engine.dispose()
        if postgres:
            postgres.drop(one.engine.url.render_as_string())
    vault.close()


def open_sqlite(path: Path) -> Engine:
    """An engine on a fresh file, set up as a service would."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connected(connection: object, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", "secure_delete = ON", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

    return engine
