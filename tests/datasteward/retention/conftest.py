"""A real database, the service's own catalog and the shipped policies, for plans and their runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import MetaData
from support.postgres import PostgresServer
from support.retention_tables import METADATA, NOW
from support.service_rows import account, use

from datasteward import tables
from datasteward.catalog import Catalog
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import PolicySet, RetentionRule, load
from datasteward.steward import Steward
from gptimages import all_models
from gptimages.db import Database

ROOT = Path(__file__).parents[3]

Ruled = Callable[..., Steward]


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    """The policies as they are shipped."""
    return load(ROOT / "policies")


@pytest.fixture
def retention_db(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database with every table of the service and the toolkit, once of each kind."""
    if backend == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'retention.db'}")
        all_models.metadata.create_all(db.engine)
        tables.metadata.create_all(db.engine)
        yield db
        db.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.database()
    db = Database(url)
    yield db
    db.close()
    server.drop(url)


@pytest.fixture
def small_db(retention_db: Database) -> Database:
    """The same with the empty tables of support.retention_tables."""
    METADATA.create_all(retention_db.engine)
    return retention_db


@pytest.fixture
def due(retention_db: Database) -> Database:
    """A database with two usage events that are due."""
    use(retention_db, account(retention_db), *[NOW - timedelta(days=500)] * 2)
    return retention_db


@pytest.fixture(scope="session")
def steward(tmp_path_factory: pytest.TempPathFactory, shipped: PolicySet) -> Steward:
    """The service's catalog, the shipped policies, real keys and objects."""
    tmp_path = tmp_path_factory.mktemp("steward")
    root = FileRootKey.create(tmp_path / "root.key")
    vault = Vault(KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", root))
    objects = EncryptedObjects(LocalDirectory(tmp_path / "objects"), vault)
    return Steward(Catalog(all_models.metadata, tables.metadata), shipped, vault, objects)


@pytest.fixture(scope="session")
def ruled(steward: Steward) -> Ruled:
    """The same with other rules, a smaller batch, or another catalog: `ruled({...}, batch=3, metadata=…)`."""

    def make(
        rules: Mapping[str, RetentionRule] | None = None,
        *,
        batch: int | None = None,
        most: int | None = None,
        metadata: MetaData | None = None,
    ) -> Steward:
        limits = steward.policies.limits
        if batch is not None:
            limits = msgspec.structs.replace(
                limits, retention_batch=msgspec.structs.replace(limits.retention_batch, value=batch)
            )
        if most is not None:
            limits = msgspec.structs.replace(
                limits, retention_most_per_run=msgspec.structs.replace(limits.retention_most_per_run, value=most)
            )
        chosen = steward.policies.retention if rules is None else dict(rules)
        policies = msgspec.structs.replace(steward.policies, retention=chosen, limits=limits)
        catalog = steward.catalog if metadata is None else Catalog(metadata, tables.metadata)
        return replace(steward, policies=policies, catalog=catalog)

    return make
