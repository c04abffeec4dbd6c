"""A root key, a key store, and a vault on both.

The key store is a file. A module whose tests have to hold on PostgreSQL too says so by a `key_store_url` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from support.key_world import World
from support.postgres import PostgresServer

from datasteward.keys import EpochDirectory, FileRootKey, KeyStore, Vault
from datasteward.keys.roles import grant

OpenStore = Callable[..., KeyStore]


@pytest.fixture
def root_key(tmp_path: Path) -> FileRootKey:
    """A new root key, in root.key."""
    return FileRootKey.create(tmp_path / "root.key")


@pytest.fixture
def key_store_url(tmp_path: Path) -> str:
    """Where the key store is: in keys.db."""
    return f"sqlite:///{tmp_path / 'keys.db'}"


@pytest.fixture
def open_store(tmp_path: Path, key_store_url: str, root_key: FileRootKey) -> Iterator[OpenStore]:
    """Opens the key store as another process would: `open_store()`, or with more of what KeyStore takes."""
    with ExitStack() as opened:

        def make(**more: Any) -> KeyStore:
            given = {"root_key": root_key, "epochs": EpochDirectory(tmp_path / "epochs"), **more}
            return opened.enter_context(closing(KeyStore(key_store_url, **given)))

        yield make


@pytest.fixture
def key_store(open_store: OpenStore) -> KeyStore:
    """A new key store."""
    return open_store()


@pytest.fixture
def vault(key_store: KeyStore) -> Vault:
    """A vault with the keys of Ada and Ben."""
    made = Vault(key_store)
    made.create("ada")
    made.create("ben")
    return made


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """Five people with keys in a key store on each kind of database."""
    made = World(tmp_path, database_url)
    yield made
    made.store.close()


@pytest.fixture
def granted(postgres: PostgresServer, tmp_path: Path, root_key: FileRootKey) -> Callable[[str], str]:
    """Makes the key store at a URL and gives the URL for the role `web`, which was granted the use of its keys."""

    def make(url: str) -> str:
        with closing(KeyStore(url, root_key, epochs=EpochDirectory(tmp_path / "epochs"))) as store:
            web = postgres.as_role(url, "web")
            grant(store.engine, "web")
        return web

    return make


@pytest.fixture
def session(database_url: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session on the empty tables of the module's `Base`, on each kind of database."""
    engine = create_engine(database_url)
    request.module.Base.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def on_disk(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], list[bytes]]:
    """Reads all files of the databases of this test's kind as they lie on the disk, logs and free pages included."""

    def sqlite() -> list[bytes]:
        return [path.read_bytes() for path in tmp_path.glob("*.db*")]

    def postgresql() -> list[bytes]:
        server: PostgresServer = request.getfixturevalue("postgres")
        with psycopg.connect(host=str(server.directory), user="postgres", dbname="postgres") as connection:
            connection.execute("CHECKPOINT")
        found = []
        for path in (server.directory / "data").rglob("*"):
            with suppress(FileNotFoundError):  # the server tidies up meanwhile
                found += [path.read_bytes()] if path.is_file() else []
        return found

    return sqlite if backend == "sqlite" else postgresql
