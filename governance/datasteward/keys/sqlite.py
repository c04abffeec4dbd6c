"""What SQLite needs so that a destroyed key is gone: settings of each connection, and tidying up afterwards.

`secure_delete` zeroes deleted content in the database file, but not what is left of a row in its old place when it moves
from page to page, as rows do that grow. VACUUM writes all pages anew, without that. With a write-ahead log the old pages
stay in file and log until a checkpoint that truncates the log.
Source: https://sqlite.org/pragma.html, secure_delete, wal_checkpoint; https://sqlite.org/lang_vacuum.html.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from datasteward.errors import KeyStoreError

BUSY_MILLISECONDS = 30_000
"""Longer than a root key in a service is waited for (datasteward.keys.kms) by who holds the key store to change epochs."""
RETRY_SECONDS = 0.01
SETTINGS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
)


def prepare(engine: Engine) -> None:
    """Makes the file, for its owner alone, and has each connection set up. Raises KeyStoreError without a file."""
    name = engine.url.database
    if not name or name == ":memory:" or name.startswith("file:"):
        raise KeyStoreError("The key store needs a file of its own: give a URL like sqlite:////directory/keys.db.")
    try:
        os.close(os.open(Path(name), os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise KeyStoreError(f"The key store cannot be opened ({error.strerror}): check its directory.") from error
    event.listen(engine, "connect", _set_up)


def _set_up(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for setting in SETTINGS:
        cursor.execute(setting)
    cursor.close()


def tidy(engine: Engine) -> None:
    """Leaves in file and log only what rows hold now. Raises KeyStoreError when others stood in the way too long.

    It takes about a second and a hundred megabytes for a hundred thousand people, and nobody else writes meanwhile.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
    _checkpoint(engine)


def _checkpoint(engine: Engine) -> None:
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # SQLite waits for readers and writers, but gives up at once when another checkpoint is under way.
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > until:
                raise KeyStoreError(
                    "A key is deleted, but traces of it stay in the key store's log, for somebody is reading it: "
                    "do it again."
                )
            time.sleep(RETRY_SECONDS)
