"""A database with the toolkit's tables, for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from datasteward import tables
from gptimages.db import Database


@pytest.fixture
def audit_db(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database with the toolkit's tables, once of each kind."""
    if backend == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'audit.db'}")
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
