"""The steps of opening an installation, each with the sentence that says what is wrong and what to do about it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from datasteward.keys import FileRootKey, KeyStore, Vault, is_empty
from datasteward.ledger import DirectoryOfEntries, Ledger, behind, open_ledger
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import PolicySet, load
from gptimages.db import Database
from gptimages.errors import StartError
from gptimages.settings import PREFIX, Settings


def policies(directory: Path) -> PolicySet:
    """Loads the policy set. Raises PolicyError with every finding, or StartError when there is no such directory."""
    if not directory.is_dir():
        raise StartError(f"There is no policy set at {directory}: set {PREFIX}POLICIES to the directory that holds it.")
    return load(directory)


def make_directory(directory: Path) -> None:
    """Makes the data directory, for its owner alone. Raises StartError when it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        raise StartError(f"The data directory {directory} cannot be made: choose another by {PREFIX}DATA.") from None
    probe = directory / ".probe"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError:
        raise StartError(
            f"The data directory {directory} cannot be written: give this user the right to, or set {PREFIX}DATA."
        ) from None


def vault(settings: Settings) -> Vault:
    """Opens root key and key store; at the very first start both are made."""
    keys = settings.data / "keys"
    path = settings.root_key or keys / "root.key"
    keys.mkdir(exist_ok=True, mode=0o700)
    url = settings.key_store or f"sqlite:///{keys / 'keys.db'}"
    if not path.exists() and is_empty(url):
        FileRootKey.create(path)
    return Vault(KeyStore(url, FileRootKey.load(path)))


def ledger(settings: Settings, now: datetime) -> Ledger:
    """Opens the erasure ledger; at the very first start it and its key are made. Raises LedgerError."""
    return open_ledger(DirectoryOfEntries(settings.ledger_directory), settings.ledger_key, now=now)


def require_replayed(session: Session, ledger: Ledger) -> None:
    """Raises StartError when the ledger tells of erasures that this database has not seen; LedgerError as `behind`."""
    if behind(session, ledger):
        raise StartError("The database is older than the erasure ledger: run gptimages restore, which erases again.")


def objects(settings: Settings, keys: Vault) -> EncryptedObjects:
    """Opens the object directory."""
    store = LocalDirectory(settings.data / "objects")
    store.sweep()
    return EncryptedObjects(store, keys)


def database(settings: Settings) -> Database:
    """Opens the database and brings it up to date. Raises StartError when it cannot be reached, read or is newer."""
    path = sqlite_file(settings)
    if settings.database is None and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    db = Database(settings.database or f"sqlite:///{path}")
    try:
        migrate(db)
    except BaseException as error:
        db.close()
        raise _told(error) from None
    return db


def database_as_it_is(settings: Settings) -> Database:
    """The database without bringing it up to date. Raises StartError when there is none, or it cannot be read."""
    path = sqlite_file(settings)
    if settings.database is None and not path.exists():
        raise StartError(f"There is no database in {settings.data}: set {PREFIX}DATA to the directory that holds it.")
    db = Database(settings.database or f"sqlite:///{path}")
    try:
        with db.engine.connect() as connection:
            inspect(connection).get_table_names()
    except DatabaseError as error:
        db.close()
        raise _told(error) from None
    return db


def sqlite_file(settings: Settings) -> Path:
    """Where the database is when no other is set."""
    return settings.data / "gptimages.db"


def _told(error: BaseException) -> BaseException:
    """What an error while opening the database means to an operator."""
    if isinstance(error, OperationalError):
        return StartError(f"The database cannot be opened: check {PREFIX}DATABASE, its server and its rights.")
    if isinstance(error, DatabaseError):
        return StartError("The database file is damaged or is not a database: restore it from a backup.")
    return error


def migrate(db: Database) -> None:
    """Brings the database to the newest revision; raises StartError when it was written by a newer version."""
    config = alembic_config()
    known = ScriptDirectory.from_config(config)
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in known.walk_revisions()}:
        raise StartError("The database was written by a newer version of the service: install that version.")
    if current != known.get_current_head():
        with db.engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's configuration; the migrations stand in gptimages/migrations."""
    config = Config()
    config.set_main_option("script_location", "gptimages:migrations")
    return config
