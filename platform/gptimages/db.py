"""The database at the edge: one transaction for each request, job or command, opened and ended here.

SQLite writers begin with BEGIN IMMEDIATE, so that two of them queue instead of failing half-way, and deleted bytes are
overwritten (`secure_delete`). Parameters never stand in exception texts (`hide_parameters`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

WRITING = "gptimages_writing"
BUSY_MILLISECONDS = 30_000


class Database:
    """The service's database. `read` and `write` are the only two ways in; `url` is a SQLAlchemy URL.

    Both see everything, for the toolkit's own engines and for migrations, unless they are given a purpose's view of the
    engine: the service opens data by Installation.reading and .writing, which do so.
    """

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
            self._one_state: dict[str, Any] = {}
        else:
            self._one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    @contextmanager
    def write(self, view: Engine | None = None, info: dict[Any, Any] | None = None) -> Iterator[Session]:
        """A session whose work is committed when the block ends and undone when it raises; `info` tells whose it is."""
        with (
            (view or self.engine).connect().execution_options(**{WRITING: True}) as connection,
            Session(connection, expire_on_commit=False, info=info) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self, view: Engine | None = None, info: dict[Any, Any] | None = None) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing: what it was made to change is undone."""
        with (
            (view or self.engine).connect().execution_options(**self._one_state) as connection,
            Session(connection, expire_on_commit=False, info=info) as session,
        ):
            try:
                yield session
            finally:
                session.expunge_all()  # what was read stays readable after the block
                session.rollback()

    def forget_deleted(self) -> bool:
        """Sees to it that no deleted byte is left in the write-ahead log (SQLite; elsewhere nothing is to be done here).

        False when somebody was reading an older state, or writing, so that it has to be done again. Waits for nobody: a
        checkpoint that waits for readers keeps every writer out meanwhile (sqlite.org/c3ref/wal_checkpoint_v2.html).
        """
        if self.engine.dialect.name != "sqlite":
            return True
        pooled = self.engine.raw_connection()  # outside of any transaction
        try:
            cursor = pooled.cursor()
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")  # back into the pool as it was
        finally:
            pooled.close()
        return not busy

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin event below opens the transaction, not the driver
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        writing = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
