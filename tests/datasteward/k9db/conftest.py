"""Puts one of K9db's schemas on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, event
from support.k9db import Rows, Service

from datasteward import tables
from datasteward.catalog import Catalog
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import PolicySet, load
from datasteward.steward import Steward

POLICIES = Path(__file__).parents[3] / "policies"

ServiceMaker = Callable[[MetaData, Rows], Service]


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    """The shipped policies."""
    return load(POLICIES)


@pytest.fixture
def service(shipped: PolicySet, database_url: str, tmp_path: Path) -> Iterator[ServiceMaker]:
    """Makes the Service of a test: `service(SCHEMA, ROWS)`."""
    engine = create_engine(database_url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    FileRootKey.create(tmp_path / "root.key")
    vault = Vault(KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey.load(tmp_path / "root.key")))
    objects = EncryptedObjects(LocalDirectory(tmp_path / "objects"), vault)

    def make(metadata: MetaData, rows: Rows) -> Service:
        for each in (metadata, tables.metadata):
            each.create_all(engine)
        made = Service(Steward(Catalog(metadata, tables.metadata), shipped, vault, objects), engine, metadata)
        made.put(rows)
        return made

    yield make
    engine.dispose()
    vault.close()
