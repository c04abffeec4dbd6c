"""Bringing an installation back from its backups, and erasing again whom they have brought back, before it is opened.

A mark in the data directory says that a restore has begun. As long as it is there nothing else opens the installation, and
the same restore, run again, goes on: each of its steps is done wholly or not at all, or can be done twice.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy import create_engine, insert, select
from sqlalchemy.pool import StaticPool

from datasteward import backup, keys
from datasteward.audit import log as audit
from datasteward.backup.manifest import Kind, Manifest
from datasteward.durable import sync_directory, write_new
from datasteward.errors import BackupError, ErasureUnfinished
from datasteward.keys import EpochDirectory
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.cache import KeyCache
from datasteward.keys.changing import Changing
from datasteward.keys.epochs import LIVING, Epochs
from datasteward.keys.store import CACHE_SECONDS
from datasteward.keys.tables import VERSION as KEY_STORE_VERSION
from datasteward.keys.tables import epoch
from datasteward.keys.tables import metadata as key_tables
from datasteward.ledger import Ledger
from gptimages import opening, schema
from gptimages.backups import OBJECTS_TOLD, Told, every
from gptimages.installation import Clock, open_installation, utc_now
from gptimages.settings import Settings

BY = "job:restore"
COPIED = b" copied"
CUT_OFF = "The restore did not get to its end ({}): see to that and run it again, with the same directories."


def restore(
    settings: Settings, directory: Path | None, of_keys: Path | None, *, told: Told, clock: Clock = utc_now
) -> backup.Replayed:
    """Restores database and objects, the key store, either or none of them, and replays the ledger.

    Everything is checked before anything is touched; no database and no key store is overwritten. Cut off anywhere, it is
    run again with the same directories. Raises BackupError, LedgerError, StartError, or what opening and erasing raise.
    """
    opening.make_directory(settings.data)
    with backup.faults(CUT_OFF):
        told("The ledger and the backup are checked")
        ledger = opening.ledger_of(settings)
        service = _read(directory, "service", ledger) if directory else None
        store = _read(of_keys, "keys", ledger) if of_keys else None
        _require_known(service, store)
        if store and store.destroy_by and store.destroy_by < clock():
            told("This backup of the key store is past its day: destroy it after this")
        if not _is_copied(settings, directory, of_keys):
            _require_empty(settings, directory, of_keys)
            if of_keys and store and not settings.restore_mark.exists():
                _require_openable(settings, of_keys, store)
            _set_mark(settings, _mark(directory, of_keys))
            _copy(settings, directory, service, of_keys, store, told)
            _set_mark(settings, _mark(directory, of_keys) + COPIED)  # what the replay destroys is not copied again
        told("The ledger is replayed")
        return _replay(settings, clock)


def _copy(
    settings: Settings,
    directory: Path | None,
    service: Manifest | None,
    of_keys: Path | None,
    store: Manifest | None,
    told: Told,
) -> None:
    if of_keys and store:
        told("The key store")
        _restore_keys(settings, of_keys, store)
    # Keys that do not fit are told before anything else comes back.
    with closing(opening.key_store(settings, utc_now)) as opened:
        if of_keys:
            KeyAdmin(Changing(opened, per_second=1)).take_over()
    if directory and service:
        told("The database")
        _restore_database(settings, directory, service)
        told("The objects")
        backup.restore_objects(directory, opening.object_store(settings), every(OBJECTS_TOLD, told))


def _read(directory: Path, kind: Kind, ledger: Ledger) -> Manifest:
    """The manifest of a whole backup of this installation, and of no more of its ledger than there still is."""
    manifest = backup.read(directory, kind, ledger.key)
    ledger.check(manifest.ledger)
    return manifest


def _require_known(service: Manifest | None, store: Manifest | None) -> None:
    if service is not None and not schema.known(service.revision):
        raise BackupError("The backup was made by a newer version of the service: install that version.")
    if store is not None and int(store.revision) > KEY_STORE_VERSION:
        raise BackupError("The key store's backup was made by a newer version of the service: install that version.")


def _is_copied(settings: Settings, directory: Path | None, of_keys: Path | None) -> bool:
    """Whether this same restore was cut off when everything had been copied. Raises BackupError for another one."""
    if not settings.restore_mark.exists():
        return False
    found = settings.restore_mark.read_bytes()
    if found.removesuffix(COPIED) != _mark(directory, of_keys):
        raise BackupError("Another restore has begun and not ended: run it again, with its own directories.")
    return found.endswith(COPIED)


def _require_empty(settings: Settings, directory: Path | None, of_keys: Path | None) -> None:
    """Raises BackupError when something would be overwritten, or keys or rows would not be there; not when it goes on."""
    if settings.restore_mark.exists():
        return
    (settings.data / "keys").mkdir(exist_ok=True, mode=0o700)
    no_keys = keys.is_empty(opening.key_store_url(settings))
    opening.require_apart(settings)
    if no_keys and not of_keys:
        raise BackupError("The key store is missing: put it back, or name its backup by --keys.")
    if not no_keys:
        opening.key_store(settings, utc_now).close()  # raises when it is damaged, newer, or of another root key
    if of_keys and not no_keys:
        raise BackupError("There is a key store already: leave --keys out, or move it away.")
    if not directory and not opening.is_settled(settings):
        raise BackupError("The database is missing: put it back, or name its backup.")
    if directory and not _is_empty(settings):
        raise BackupError(
            "The database is not empty: name an empty one by GPTIMAGES_DATABASE, or another GPTIMAGES_DATA."
        )


def _require_openable(settings: Settings, directory: Path, manifest: Manifest) -> None:
    """Raises KeyStoreError or RootKeyError when the keys of epochs, or the root key, do not open this backup."""
    engine = create_engine(opening.key_store_url(settings), hide_parameters=True)
    try:
        with backup.reading_first(engine, directory, manifest, key_tables.create_all, epoch.name) as copy:
            rows = [dict(row) for row in copy.execute(select(epoch)).mappings()]
    finally:
        engine.dispose()
    alone = create_engine("sqlite://", poolclass=StaticPool)  # in memory
    try:
        epoch.create(alone)
        with alone.begin() as connection:
            connection.execute(insert(epoch), rows)
        place, root = EpochDirectory(*opening.epochs(settings)), keys.open_root(opening.root_key(settings))
        Epochs(alone, place, root, KeyCache(age=CACHE_SECONDS, size=LIVING, clock=time.monotonic)).check()
    finally:
        alone.dispose()


def _mark(directory: Path | None, of_keys: Path | None) -> bytes:
    return " ".join(backup.digest_of(each) if each else "none" for each in (directory, of_keys)).encode()


def _set_mark(settings: Settings, mark: bytes) -> None:
    new = settings.restore_mark.with_suffix(".new")
    new.unlink(missing_ok=True)
    write_new(new, mark)
    new.rename(settings.restore_mark)
    sync_directory(settings.data)


def _is_empty(settings: Settings) -> bool:
    with closing(opening.database_to_fill(settings)) as db, db.engine.connect() as connection:
        return backup.is_empty(connection)


def _restore_keys(settings: Settings, directory: Path, manifest: Manifest) -> None:
    engine = create_engine(opening.key_store_url(settings), hide_parameters=True)
    try:
        backup.load(engine, directory, manifest, key_tables.create_all)
    finally:
        engine.dispose()


def _restore_database(settings: Settings, directory: Path, manifest: Manifest) -> None:
    with closing(opening.database_to_fill(settings)) as db:
        backup.load(db.engine, directory, manifest, lambda made: schema.upgrade(made, manifest.revision))


def _replay(settings: Settings, clock: Clock) -> backup.Replayed:
    here = open_installation(settings, clock, as_found=True, restoring=True)

    def forget() -> None:
        if not here.db.forget_deleted():
            raise ErasureUnfinished("Somebody is reading the database: stop whatever uses it, and run this again.")

    with closing(here):
        done = backup.replay(here.steward, here.ledger, here.db.write, clock=clock, after=forget)
        with here.writing("law", BY) as session:
            audit.append_all(session, "restore.done", [None], actor=BY, now=clock(), **msgspec.structs.asdict(done))
    settings.restore_mark.unlink(missing_ok=True)
    sync_directory(settings.data)
    return done
