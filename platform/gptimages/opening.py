"""The steps of opening an installation, each with the sentence that says what is wrong and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from datasteward import durable
from datasteward.catalog import Catalog
from datasteward.catalog.records import for_records
from datasteward.errors import KeyStoreError, LedgerError
from datasteward.keys import KMS, EpochDirectory, FileRootKey, KeyStore, Vault, is_empty, open_root
from datasteward.ledger import DirectoryOfEntries, EntryStore, Ledger, LedgerKey, behind, open_ledger, returned
from datasteward.objects import EncryptedObjects, LocalDirectory, ObjectStore
from datasteward.policy import PolicySet, load
from gptimages import apart, origin, schema
from gptimages.db import Database
from gptimages.errors import StartError
from gptimages.settings import PREFIX, Settings

if TYPE_CHECKING:
    from datasteward.objects.s3 import S3Bucket

LOST = (
    "The key store is not where it was: put it back, restore it by gptimages restore --keys, "
    f"or correct {PREFIX}KEY_STORE."
)


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


def is_new(settings: Settings) -> bool:
    """Whether neither erasure ledger nor database tells of an installation: then only may keys and ledger be made.

    They are made before the database tells, so a first start that was cut off is taken up by the next one.
    Raises LedgerError, ObjectStoreError, StartError when it cannot be told.
    """
    return not _has_ledger(settings) and not is_settled(settings)


def _has_ledger(settings: Settings) -> bool:
    return settings.ledger_key_file.exists() or bool(entries(settings).numbers())


def is_settled(settings: Settings) -> bool:
    """Whether there is a database of an installation; none is made. Raises StartError when it cannot be told."""
    if settings.database is None and not sqlite_file(settings).exists():
        return False
    with closing(database_as_it_is(settings)) as db:
        return origin.is_settled(db)


def key_store(settings: Settings, clock: Callable[[], datetime], *, new: bool = False) -> KeyStore:
    """Opens root key and key store; where there are none they are made for a `new` installation alone (see `is_new`).

    Raises KeyStoreError, RootKeyError, and StartError as `require_apart`.
    """
    told, url = root_key(settings), key_store_url(settings)
    empty = is_empty(url)
    require_apart(settings)
    if new:
        durable.make_directory(settings.data / "keys")
    if empty:
        if not new:
            raise KeyStoreError(LOST)
        if is_file(told) and not Path(told).exists():
            FileRootKey.create(Path(told))
    return KeyStore(url, open_root(told), epochs=EpochDirectory(*epochs(settings)), clock=clock)


def vault(
    settings: Settings, clock: Callable[[], datetime], catalog: Catalog, policies: PolicySet, *, new: bool
) -> Vault:
    """Opens the vault as the policies want it, over the key store as `key_store` opens it, and raises what that does."""
    at_once = policies.role_file.exceptional_access.at_once
    return Vault(key_store(settings, clock, new=new), records=for_records(catalog, policies), at_once=at_once)


def root_key(settings: Settings) -> str:
    """What names the root key, or several while one follows another (see datasteward.keys.open_root)."""
    return settings.root_key or str(settings.data / "keys" / "root.key")


def is_file(told: str) -> bool:
    """Whether this names one root key in a file."""
    return "," not in told and not told.startswith(KMS)


def epochs(settings: Settings) -> list[Path]:
    """The directories of the keys of epochs; none of them belongs into a backup."""
    return [Path(each.strip()) for each in (settings.epochs or str(settings.data / "keys" / "epochs")).split(",")]


def key_store_url(settings: Settings) -> str:
    """Where the key store is."""
    return settings.key_store or f"sqlite:///{settings.data / 'keys' / 'keys.db'}"


def database_url(settings: Settings) -> str:
    """Where the database is."""
    return settings.database or f"sqlite:///{sqlite_file(settings)}"


def require_apart(settings: Settings) -> None:
    """Raises StartError when database and key store are one, or hold each other's tables, or the database fails."""
    try:
        apart.require_apart(database_url(settings), key_store_url(settings))
    except DatabaseError as error:
        raise _told(error) from None


def ledger(settings: Settings, now: datetime, *, new: bool) -> Ledger:
    """Opens the erasure ledger; for a `new` installation alone it and its key are made (see `is_new`).

    Raises LedgerError, ObjectStoreError.
    """
    if not new and not _has_ledger(settings):
        raise LedgerError(
            f"The erasure ledger and its key are not where they were: put both back, or correct {PREFIX}LEDGER."
        )
    return open_ledger(entries(settings), settings.ledger_key_file, now=now)


def ledger_of(settings: Settings) -> Ledger:
    """The ledger of an installation that there has been. Raises as `ledger`, and when it, or its key, is not there."""
    found = Ledger(entries(settings), LedgerKey.load(settings.ledger_key_file))
    found.head()
    return found


def entries(settings: Settings) -> EntryStore:
    """Where the ledger's entries are kept. Raises LedgerError, or ObjectStoreError when there is no client of its server."""
    directory = settings.ledger_directory
    if directory is not None:
        return DirectoryOfEntries(directory)
    from datasteward import s3  # boto3 takes as long to load as all the rest
    from datasteward.ledger.bucket import BucketOfEntries

    client = s3.connect(settings.s3_endpoint, settings.s3_region, hurried=True)  # it is asked inside of transactions
    return BucketOfEntries.at(str(settings.ledger), client)


def require_database(settings: Settings, keys: Vault) -> None:
    """Raises StartError when people have keys and there is no database with their rows: none is made in its place."""
    if not is_settled(settings) and keys.count():
        raise StartError(
            "The database is not where it was: put it back, restore it by gptimages restore DIRECTORY, "
            f"or correct {PREFIX}DATABASE."
        )


def require_replayed(session: Session, keys: Vault, ledger: Ledger) -> None:
    """Raises StartError when the ledger tells of destructions that database or key store have not seen.

    However they were put back: nothing of the erased is read before the ledger was replayed. Raises LedgerError as `behind`.
    """
    for which, older in (("database", behind(session, ledger)), ("key store", returned(session, keys, ledger))):
        if older:
            raise StartError(
                f"The {which} is older than the erasure ledger: run gptimages restore, which erases again."
            )


def require_restored(settings: Settings) -> None:
    """Raises StartError when a restore began and did not end: nothing may be read before the ledger was replayed."""
    if settings.restore_mark.exists():
        raise StartError("A restore has not ended: run gptimages restore again, with the same directories.")


def object_store(settings: Settings) -> ObjectStore:
    """Opens the bucket or the directory. Raises ObjectStoreError when it cannot be used."""
    if settings.objects is None:
        return LocalDirectory(settings.data / "objects")
    bucket = _bucket(settings, settings.objects)
    bucket.check()
    return bucket


def _bucket(settings: Settings, address: str, *, hurried: bool = False) -> S3Bucket:
    from datasteward import s3  # boto3 takes as long to load as all the rest
    from datasteward.objects.s3 import S3Bucket

    client = s3.connect(settings.s3_endpoint, settings.s3_region, hurried=hurried)
    encryption = None if settings.objects_encryption == "none" else settings.objects_encryption
    return S3Bucket.at(address, client, encryption=encryption)


def objects(settings: Settings, keys: Vault, *, abandoned: datetime) -> EncryptedObjects:
    """Opens the objects, rid of what interrupted writes have left; those begun before `abandoned` are taken for such."""
    deleting = None if settings.objects is None else _bucket(settings, settings.objects, hurried=True)
    opened = EncryptedObjects(object_store(settings), keys, deleting=deleting)
    opened.sweep(abandoned)
    return opened


def database(settings: Settings) -> Database:
    """Opens the database and brings it up to date. Raises StartError when it cannot be reached, read or is newer."""
    db = database_to_fill(settings)
    try:
        schema.migrate(db)
    except BaseException as error:
        db.close()
        raise _told(error) from None
    return db


def database_to_fill(settings: Settings) -> Database:
    """The database, made when it is a file and there is none; its tables are not looked at."""
    path = sqlite_file(settings)
    if settings.database is None and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return Database(database_url(settings))


def database_as_it_is(settings: Settings) -> Database:
    """The database without bringing it up to date. Raises StartError when there is none, or it cannot be read."""
    path = sqlite_file(settings)
    if settings.database is None and not path.exists():
        raise StartError(f"There is no database in {settings.data}: set {PREFIX}DATA to the directory that holds it.")
    db = Database(database_url(settings))
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
