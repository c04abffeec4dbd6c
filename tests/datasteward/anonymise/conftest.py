"""One database of each kind for all tests here; each example has a transaction that is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy.orm import Session
from support.anonymise_schema import METADATA
from support.postgres import PostgresServer

from datasteward.anonymise import prepare
from gptimages.db import Database

Opened = Callable[[], AbstractContextManager[Session]]


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Database]]:
    """The databases that are open, by kind."""
    opened: dict[str, Database] = {}
    yield opened
    for db in opened.values():
        db.close()


@pytest.fixture
def opened(backend: str, engines: dict[str, Database], request: pytest.FixtureRequest) -> Opened:
    """Opens a session that is ready for anonymisation, and undoes what it did."""
    if backend not in engines:
        server: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgresql" else None
        engines[backend] = Database(server.empty() if server else "sqlite://")
        METADATA.create_all(engines[backend].engine)

    @contextmanager
    def session() -> Iterator[Session]:
        with Session(engines[backend].engine) as one:
            prepare(one)
            yield one
            one.rollback()

    return session
