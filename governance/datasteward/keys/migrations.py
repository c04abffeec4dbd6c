"""Bringing a key store to this version's tables: numbered steps, all of them in the one transaction that opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, insert, inspect, select, update

from datasteward.errors import KeyStoreError
from datasteward.keys.epochs import Epochs
from datasteward.keys.roles import is_owner
from datasteward.keys.tables import VERSION, key_store, metadata

Step = Callable[[Connection, Epochs, datetime], None]
STEPS: dict[int, Step] = {}
"""By the version that a step begins from: there has been one version so far."""


def migrate(connection: Connection, epochs: Epochs, now: datetime) -> None:
    """Makes the tables, or takes the steps that are missing. Raises KeyStoreError when the store is a version ahead or
    does not say its version.
    """
    if not inspect(connection).has_table(key_store.name):
        metadata.create_all(connection, checkfirst=False)
        row = {"version": VERSION, "root_key": epochs.root_key.id, "root_since": now, "created_at": now}
        connection.execute(insert(key_store), row)
        epochs.begin(connection, now)
        return
    found = _version(connection)
    if found > VERSION:
        raise KeyStoreError("The key store was written by a newer version: install that version.")
    if found < VERSION and not is_owner(connection):
        raise KeyStoreError("The key store was written by an older version: open it once by the URL of its owner.")
    for version in range(found, VERSION):
        STEPS[version](connection, epochs, now)
        connection.execute(update(key_store).values(version=version + 1))


def _version(connection: Connection) -> int:
    found: int | None = connection.scalar(select(key_store.c.version))
    if found is None:
        raise KeyStoreError("The key store is damaged, as it does not say its version: put it back from its backup.")
    return found
