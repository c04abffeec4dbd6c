"""Bringing a key store to this version's tables: numbered steps, all of them in the one transaction that opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Connection, LargeBinary, MetaData, String, Table, insert, inspect, select, update

from datasteward.crypto import associated_data
from datasteward.errors import DecryptionFailed, KeyStoreError, RootKeyError
from datasteward.keys.epochs import Epochs
from datasteward.keys.roles import is_owner
from datasteward.keys.tables import VERSION, Use, key_store, metadata, subject_key
from datasteward.types import UtcDateTime

Step = Callable[[Connection, Epochs, datetime], None]


def migrate(connection: Connection, epochs: Epochs, now: datetime) -> None:
    """Makes the tables, or takes the steps that are missing. Raises KeyStoreError when the store is a version ahead or
    does not say its version.
    """
    if not inspect(connection).has_table(key_store.name):
        metadata.create_all(connection, checkfirst=False)
        _begin(connection, epochs, now)
        return
    if _version(connection) > VERSION:
        raise KeyStoreError("The key store was written by a newer version: install that version.")
    while (found := _version(connection)) < VERSION:
        if not is_owner(connection):
            raise KeyStoreError("The key store was written by an older version: open it once by the URL of its owner.")
        STEPS[found](connection, epochs, now)


def _version(connection: Connection) -> int:
    found: int | None = connection.scalar(select(key_store.c.version))
    if found is None:
        raise KeyStoreError("The key store is damaged, as it does not say its version: put it back from its backup.")
    return found


def _begin(connection: Connection, epochs: Epochs, now: datetime) -> str:
    row = {"version": VERSION, "root_key": epochs.root_key.id, "root_since": now, "created_at": now}
    connection.execute(insert(key_store), row)
    return epochs.begin(connection, now)


def _to_epochs(connection: Connection, epochs: Epochs, now: datetime) -> None:
    """Version 1 had no epochs: the root key wrapped the keysets themselves, all of them for content."""
    old = Table(
        "subject_key",
        MetaData(),
        Column("subject", String),
        Column("keyset", String),
        Column("wrapped", LargeBinary),
        Column("created_at", UtcDateTime()),
    )
    kept = connection.execute(select(*old.c)).all()
    opened = [(*row, _opened(epochs, *row)) for row in kept]
    old.drop(connection)
    key_store.drop(connection)
    metadata.create_all(connection, checkfirst=False)
    name = _begin(connection, epochs, now)
    rows = [
        {
            "subject": subject,
            "use": Use.CONTENT,
            "keyset": kind,
            "wrapped": epochs.wrap(name, plain, subject, Use.CONTENT, kind),
            "epoch": name,
            "version": 1,
            "created_at": made,
        }
        for subject, kind, _, made, plain in opened
    ]
    if rows:
        connection.execute(insert(subject_key), rows)


def _to_roles(connection: Connection, _epochs: Epochs, _now: datetime) -> None:
    """Version 2 had no rules for roles that are not the owner and no views for them, version 3 no function."""
    metadata.create_all(connection)
    connection.execute(update(key_store).values(version=VERSION))


def _opened(epochs: Epochs, subject: str, kind: str, wrapped: bytes, _made: datetime) -> bytes:
    try:
        return epochs.root_key.unwrap(wrapped, associated_data("datasteward/keyset/1", subject, kind))
    except DecryptionFailed:
        raise RootKeyError(
            "The root key is not the one that this key store was made with: "
            "put the right root key in place, or the key store that belongs to it."
        ) from None


STEPS: dict[int, Step] = {1: _to_epochs, 2: _to_roles, 3: _to_roles}
"""By the version that a step begins from."""
