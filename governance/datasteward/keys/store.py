"""The key store: each person's wrapped keysets, in a database apart from the data they protect.

It holds opaque ids and wrapped keys, nothing else. The service's backups do not contain it, and its own are
short-lived, so that a destroyed key does not come back with an old backup.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from datasteward.crypto import KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyStoreError, RootKeyError
from datasteward.keys import sqlite
from datasteward.keys.root import RootKey
from datasteward.types import UtcDateTime

VERSION = 1
CHECK = b"datasteward key store"
CHECK_CONTEXT = associated_data("datasteward/store/1")

metadata = MetaData()

subject_key = Table(
    "subject_key",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("keyset", String(16), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("root_key", String(200), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
)
"""One row for each person and kind of keyset; `root_key` is the id of the key that wraps it."""

key_store = Table(
    "key_store",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("check_value", LargeBinary, nullable=False),
    Column("root_key", String(200), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
)
"""One row: the version of these tables, and a known text wrapped by the root key, which tells a wrong key at once."""


def utc_now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


class KeyStore:
    """Wrapped keysets by subject, made at the first opening. May be used by several threads and processes.

    Raises KeyStoreError when the database cannot be used or is newer, RootKeyError when it belongs to another root key.
    """

    def __init__(self, url: str, root_key: RootKey, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.root_key = root_key
        self._clock = clock
        self._destroying = Lock()
        self._engine = _engine(url)
        try:
            with _faults():
                self._make()
                self._check()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        with self._engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
        check = self.root_key.wrap(CHECK, CHECK_CONTEXT)
        row = {"version": VERSION, "check_value": check, "root_key": self.root_key.id, "created_at": self._clock()}
        with self._engine.connect() as connection:
            made = connection.scalar(select(func.count()).select_from(key_store))
        if not made:
            self._insert(insert(key_store), [row])

    def _check(self) -> None:
        with self._engine.connect() as connection:
            version, check = connection.execute(select(key_store.c.version, key_store.c.check_value)).one()
        if version != VERSION:
            raise KeyStoreError("The key store was written by a newer version: install that version.")
        try:
            whole = self.root_key.unwrap(check, CHECK_CONTEXT) == CHECK
        except DecryptionFailed:
            whole = False
        if not whole:
            raise RootKeyError(
                "The root key is not the one that this key store was made with: "
                "put the right root key in place, or the key store that belongs to it."
            )

    def _insert(self, statement: object, rows: list[dict[str, object]]) -> bool:
        """Whether the rows were written; False when they were there, perhaps by another process just now."""
        try:
            with self._engine.begin() as connection:
                connection.execute(statement, rows)  # type: ignore[call-overload]
        except IntegrityError:
            return False
        return True

    def add(self, subject: str, keysets: Mapping[KeysetKind, bytes]) -> bool:
        """Stores a person's keysets, wrapped; durable when it returns. False, and nothing changed, when there are."""
        now = self._clock()
        rows: list[dict[str, object]] = [
            {
                "subject": subject,
                "keyset": kind.value,
                "wrapped": self.root_key.wrap(plain, _context(subject, kind)),
                "root_key": self.root_key.id,
                "created_at": now,
            }
            for kind, plain in keysets.items()
        ]
        with _faults():
            return self._insert(insert(subject_key), rows)

    def has(self, subject: str) -> bool:
        """Whether the person has keys."""
        with _faults(), self._engine.connect() as connection:
            found = connection.scalar(select(subject_key.c.keyset).where(subject_key.c.subject == subject).limit(1))
        return found is not None

    def count(self) -> int:
        """How many persons have keys."""
        with _faults(), self._engine.connect() as connection:
            return connection.scalar(select(func.count(subject_key.c.subject.distinct()))) or 0

    def keysets(self, subject: str) -> dict[KeysetKind, bytes]:
        """The person's keysets in the clear, empty when there are none. Raises DecryptionFailed when one is damaged."""
        query = select(subject_key.c.keyset, subject_key.c.wrapped).where(subject_key.c.subject == subject)
        with _faults(), self._engine.connect() as connection:
            found = [(KeysetKind(kind), wrapped) for kind, wrapped in connection.execute(query)]
        return {kind: self.root_key.unwrap(wrapped, _context(subject, kind)) for kind, wrapped in found}

    def destroy(self, subject: str) -> bool:
        """Overwrites and deletes the person's keysets, and leaves no copy in file, log or free pages (SQLite).

        False when there were none; what an interrupted call may have left in the log goes all the same. What lies
        below the file system (journal, flash cells, snapshots) is beyond it, as are backups.
        """
        mine = subject_key.c.subject == subject
        with self._destroying, _faults():  # one at a time: checkpoints stand in each other's way
            with self._engine.begin() as connection:
                kinds = connection.execute(select(subject_key.c.keyset, subject_key.c.wrapped).where(mine)).all()
                for kind, wrapped in kinds:
                    row = mine & (subject_key.c.keyset == kind)
                    connection.execute(update(subject_key).where(row).values(wrapped=os.urandom(len(wrapped))))
                connection.execute(delete(subject_key).where(mine))
            if self._engine.dialect.name == "sqlite":
                sqlite.checkpoint(self._engine)
        return bool(kinds)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def _context(subject: str, kind: KeysetKind) -> bytes:
    return associated_data("datasteward/keyset/1", subject, kind.value)


def is_empty(url: str) -> bool:
    """Whether nothing was ever stored at this URL, so that a first root key may be made. Raises KeyStoreError."""
    engine = _engine(url)
    try:
        with _faults():
            return not inspect(engine).has_table(key_store.name)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(make_url(url), hide_parameters=True)
    except (ArgumentError, ImportError):
        raise KeyStoreError("The key store's URL cannot be used: give one like sqlite:////directory/keys.db.") from None
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine)
    return engine


@contextmanager
def _faults() -> Iterator[None]:
    """Says what a failing database means here."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise KeyStoreError(f"The key store cannot be used ({reason}): check its file, rights and space.") from error
