"""Backups of this installation, made while it runs: of database and objects, or of the key store, never of both in one.

The neighbours in datasteward.backup know how a database and an object store are copied; here it is said which.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import create_engine, select

from datasteward import backup
from datasteward.audit import log as audit
from datasteward.audit.models import AuditEntry
from datasteward.backup.manifest import Kind, Manifest
from datasteward.keys.roles import require_owner
from datasteward.keys.tables import VERSION as KEY_STORE_VERSION
from gptimages import opening, schema
from gptimages.installation import Installation

Told = Callable[[str], None]
Fill = Callable[[Path, Manifest], Manifest]

OBJECTS_TOLD = 1000


def make(here: Installation, directory: Path, *, by: str, told: Told) -> Manifest:
    """Backs database and objects up. Raises BackupError, LedgerError.

    The database is copied first: what one of its rows names has then been copied, or was disposed of meanwhile.
    """

    def fill(place: Path, manifest: Manifest) -> Manifest:
        told("The database")
        tables = backup.dump(here.db.engine, place)
        told("The objects")
        number, size = backup.copy_objects(here.objects.stored, place, every(OBJECTS_TOLD, told))
        return msgspec.structs.replace(
            manifest,
            dialect=here.db.engine.dialect.name,
            revision=schema.revision(here.db) or "",
            tables=tables,
            objects=number,
            object_bytes=size,
        )

    return _make(here, directory, "service", fill, by)


def make_of_keys(here: Installation, directory: Path, *, by: str, told: Told) -> Manifest:
    """Backs the key store up, to be destroyed when it is as old as policies/limits.yaml allows.

    Raises as `make`, and KeyStoreError for anybody but the owner of the key store.
    """

    def fill(place: Path, manifest: Manifest) -> Manifest:
        told("The key store")
        engine = create_engine(opening.key_store_url(here.settings), hide_parameters=True)
        try:
            require_owner(engine)
            tables = backup.dump(engine, place)
        finally:
            engine.dispose()
        return msgspec.structs.replace(
            manifest,
            dialect=engine.dialect.name,
            revision=str(KEY_STORE_VERSION),
            destroy_by=manifest.begun_at + here.policies.limits.key_backup_age.span,
            tables=tables,
        )

    return _make(here, directory, "keys", fill, by)


def every(number: int, told: Told) -> Callable[[int], None]:
    """Tells of each so many objects."""

    def tell(done: int) -> None:
        if done % number == 0:
            told(f"{done:,} objects")

    return tell


def _make(here: Installation, directory: Path, kind: Kind, fill: Fill, by: str) -> Manifest:
    begun = here.clock()
    with backup.making(directory) as place:
        with here.writing("law", by) as session:
            audit.append(session, "backup.begun", actor=by, now=begun, kind=kind)
            first = session.scalar(select(AuditEntry.leaf).where(AuditEntry.number == 0))
        assert first is not None  # noqa: S101 - there is an entry, at least that of just now
        plain = Manifest(
            kind=kind,
            ledger_key=here.ledger.key.id,
            installation=first.hex(),
            ledger=here.ledger.head(),
            policies=here.policies.hash,
            begun_at=begun,
        )
        manifest = msgspec.structs.replace(fill(place, plain), ended_at=here.clock())
        digest = backup.write(place, manifest, here.ledger.key)
    with here.writing("law", by) as session:
        audit.append(session, "backup.made", actor=by, now=here.clock(), kind=kind, manifest=digest)
    return manifest
