"""Databases for made-up services, quickly emptied: SQLite in memory, and one PostgreSQL database for all examples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, note, settings
from sqlalchemy import delete, event
from support.postgres import PostgresServer
from support.schemas import building
from support.schemas.filling import Service
from support.schemas.shapes import PEOPLE
from support.schemas.sketch import sketch
from support.schemas.world import NOW, Opened, World

from datasteward import tables
from datasteward.catalog import Catalog
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import PolicySet, load
from datasteward.steward import Steward
from gptimages.db import Database

POLICIES = Path(__file__).parents[3] / "policies"
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
THOROUGH = int(os.environ.get("ANY_SCHEMA_EXAMPLES", "0"))


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    """The policies as they are shipped; a made-up service adds its own retention rules."""
    return load(POLICIES)


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """The keys of the people of all examples."""
    directory = tmp_path_factory.mktemp("keys")
    opened = Vault(KeyStore(f"sqlite:///{directory / 'keys.db'}", FileRootKey.create(directory / "root.key")))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, vault: Vault) -> EncryptedObjects:
    """The objects of all examples."""
    return EncryptedObjects(LocalDirectory(tmp_path_factory.mktemp("objects")), vault)


@pytest.fixture
def emptied_db(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with the toolkit's tables alone, of each kind."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgresql" else None
    url = server.empty() if server else f"sqlite:///{tmp_path / 'made-up.db'}"
    db = Database(url)
    if not server:
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    tables.metadata.create_all(db.engine)
    yield db
    db.close()
    if server:
        server.drop(url)


@pytest.fixture
def opened(emptied_db: Database, shipped: PolicySet, vault: Vault, store: EncryptedObjects) -> Opened:
    """Opens a made-up service: `with opened(service) as world`; its tables and rows are gone when the block ends."""

    @contextmanager
    def open_it(service: Service, *, sealed: bool = True) -> Iterator[World]:
        if currently_in_test_context():
            note(sketch(service))
        made = building.metadata(service.schema)
        limits = shipped.limits
        limits = msgspec.structs.replace(
            limits, retention_batch=msgspec.structs.replace(limits.retention_batch, value=2)
        )
        retention = {**shipped.retention, **building.rules(service.schema)}
        policies = msgspec.structs.replace(shipped, retention=retention, limits=limits)
        world = World(service, emptied_db, made, Steward(Catalog(made, tables.metadata), policies, vault, store))
        made.create_all(emptied_db.engine)
        try:
            for person in PEOPLE if sealed else ():
                vault.create(person)
            world.fill(sealed=sealed)
            yield world
        finally:
            made.drop_all(emptied_db.engine)
            with emptied_db.write() as session:
                for table in reversed(tables.metadata.sorted_tables):
                    session.execute(delete(table))
            for key in world.objects() if sealed else ():
                store.delete(key)

    return open_it


@pytest.fixture
def examples(backend: str) -> settings:
    """How many examples a property is tried on: fewer where each is slower, more when ANY_SCHEMA_EXAMPLES says so.

    By default always the same ones, so that a red run says something about a change; asked for more, others each time.
    """
    number = THOROUGH or {"sqlite": 40, "postgresql": 12}[backend]
    found = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    return found if THOROUGH else settings(found, derandomize=True, database=None)


@pytest.fixture
def now() -> datetime:
    """The time, which stands."""
    return NOW
