"""Backups of database, objects and key store, made while the service runs, and what brings them back.

    with making(directory) as place:
        tables = dump(engine, place)
        copy_objects(store, place)
        write(place, manifest, ledger.key)

A backup never holds the ledger, and the service's never the key store. `read` gives a manifest only when every byte of the
backup is as it was written; `replay` erases again whom the backup has brought back.
"""

from datasteward.backup.database import dump, is_empty, load, reading, reading_first
from datasteward.backup.manifest import Manifest, digest_of, read, write
from datasteward.backup.objects import copy_objects, restore_objects
from datasteward.backup.place import faults, making
from datasteward.backup.replay import Replayed, replay

__all__ = [
    "Manifest",
    "Replayed",
    "copy_objects",
    "digest_of",
    "dump",
    "faults",
    "is_empty",
    "load",
    "making",
    "read",
    "reading",
    "reading_first",
    "replay",
    "restore_objects",
    "write",
]
