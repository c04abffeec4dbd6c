"""A database's contents in one consistent state, and back into an empty one.

SQLite copies itself, without the free pages in which deleted content may stand (sqlite.org/lang_vacuum.html, VACUUM INTO).
PostgreSQL copies table by table in one snapshot, in the order of the foreign keys (COPY, text format).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, func, inspect, literal, select, table
from sqlalchemy.exc import DatabaseError

from datasteward.backup.manifest import Manifest, Table
from datasteward.durable import private, sync_directory
from datasteward.errors import BackupError

FILE = "database.sqlite"
TABLES = "tables"
REVISION = "alembic_version"
"""The table that says how far the schema is; the manifest says it too."""

ONE_STATE: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def dump(engine: Engine, place: Path, told: Callable[[str], None] = lambda _table: None) -> tuple[Table, ...]:
    """Copies the database into the directory; others may write meanwhile. Parents come before what refers to them."""
    if engine.dialect.name == "sqlite":
        return _dump_file(engine, place / FILE)
    (place / TABLES).mkdir(mode=0o700)
    with engine.connect().execution_options(**ONE_STATE) as connection, connection.begin():
        found = []
        for name in _tables(connection):
            told(name)
            found.append(_dump_table(connection, name, place / TABLES / name))
        return tuple(found)


def load(engine: Engine, place: Path, manifest: Manifest, make: Callable[[Connection], object]) -> None:
    """Brings the copy into an empty database, all of it or nothing; leaves one that is not empty as it is.

    `make` makes the tables (PostgreSQL). Raises BackupError when the copy is of another kind of database.
    """
    _check_kind(engine, manifest)
    with engine.connect() as connection, connection.begin():
        if not is_empty(connection):
            return
        if engine.dialect.name != "sqlite":
            make(connection)
            for each in manifest.tables:
                _load_table(connection, each, place / TABLES / each.name)
            return
    engine.dispose()
    _load_file(place / FILE, Path(str(engine.url.database)))


@contextmanager
def reading(engine: Engine, place: Path, manifest: Manifest, name: str) -> Iterator[Connection]:
    """A connection on which the table of this name is the backup's copy of it; the database stays as it is.

    Raises BackupError as `load`.
    """
    _check_kind(engine, manifest)
    with _own_file(place) if engine.dialect.name == "sqlite" else engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            quoted = _quoted(connection, name)
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {quoted} (LIKE {quoted}) ON COMMIT DROP")
            _load_table(connection, _copied(manifest, name), place / TABLES / name)
        yield connection


@contextmanager
def reading_first(
    engine: Engine, place: Path, manifest: Manifest, make: Callable[[Connection], object], name: str
) -> Iterator[Connection]:
    """As `reading`, where there are no tables yet: the database is empty, and is so afterwards. `make` as for `load`."""
    _check_kind(engine, manifest)
    with _own_file(place) if engine.dialect.name == "sqlite" else engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            make(connection)
            _load_table(connection, _copied(manifest, name), place / TABLES / name)
        yield connection
        connection.rollback()


@contextmanager
def _own_file(place: Path) -> Iterator[Connection]:
    """A connection on the copy itself, which stays as it is (SQLite)."""
    copy = create_engine(f"sqlite:///file:{place / FILE}?mode=ro&uri=true")
    try:
        with copy.connect() as connection:
            yield connection
    finally:
        copy.dispose()


def _copied(manifest: Manifest, name: str) -> Table:
    (copied,) = (each for each in manifest.tables if each.name == name)
    return copied


def _check_kind(engine: Engine, manifest: Manifest) -> None:
    if manifest.dialect != engine.dialect.name:
        raise BackupError(
            f"The backup is of {manifest.dialect}, and this is {engine.dialect.name}: restore into its kind."
        )


def is_empty(connection: Connection) -> bool:
    """Whether no table has a row; how far the schema is does not count."""
    names = [name for name in inspect(connection).get_table_names() if name != REVISION]
    return not any(connection.scalar(select(literal(1)).select_from(table(name)).limit(1)) for name in names)


def _dump_file(engine: Engine, file: Path) -> tuple[Table, ...]:
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    pooled = engine.raw_connection()  # VACUUM runs outside of any transaction
    try:
        pooled.cursor().execute("VACUUM INTO ?", (str(file),))
    except sqlite3.Error as error:
        raise DatabaseError("VACUUM INTO", None, error) from error
    finally:
        pooled.close()
    copy = create_engine(f"sqlite:///{file}")
    try:
        with copy.connect() as connection:
            return tuple(_counted(connection, name) for name in _tables(connection))
    finally:
        copy.dispose()


def _counted(connection: Connection, name: str) -> Table:
    rows = connection.scalar(select(func.count()).select_from(table(name))) or 0
    return Table(name, _columns(connection, name), rows)


def _load_file(copy: Path, target: Path) -> None:
    unfinished = target.with_name(target.name + ".restoring")
    unfinished.unlink(missing_ok=True)  # that of a killed process
    with copy.open("rb") as source, private(unfinished) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    for log in ("-wal", "-shm"):  # of the empty database in whose place it comes
        target.with_name(target.name + log).unlink(missing_ok=True)
    unfinished.rename(target)
    sync_directory(target.parent)


def _tables(connection: Connection) -> list[str]:
    ordered = inspect(connection).get_sorted_table_and_fkc_names()
    if ordered[-1] != (None, []):
        raise BackupError("The tables refer to each other in a circle, which no order of copying respects.")
    return [name for name, _ in ordered if name not in (None, REVISION)]


def _columns(connection: Connection, name: str) -> tuple[str, ...]:
    return tuple(column["name"] for column in inspect(connection).get_columns(name))


def _dump_table(connection: Connection, name: str, file: Path) -> Table:
    columns = _columns(connection, name)
    target = f"{_quoted(connection, name)} ({', '.join(_quoted(connection, each) for each in columns)})"
    with (
        os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        _cursor(connection) as cursor,
    ):
        with cursor.copy(f"COPY {target} TO STDOUT") as rows:
            for some in rows:
                out.write(some)
        out.flush()
        os.fsync(out.fileno())
        return Table(name, columns, cursor.rowcount)


def _load_table(connection: Connection, copied: Table, file: Path) -> None:
    columns = ", ".join(_quoted(connection, each) for each in copied.columns)
    with file.open("rb") as source, _cursor(connection) as cursor:
        with cursor.copy(f"COPY {_quoted(connection, copied.name)} ({columns}) FROM STDIN") as rows:
            while some := source.read(1 << 20):
                rows.write(some)
        if cursor.rowcount != copied.rows:
            raise BackupError(f"The backup holds another number of rows of {copied.name} than it says.")


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor, for COPY; its errors come as SQLAlchemy's."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        raise DatabaseError("COPY", None, error) from error


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
