"""What a backup says of itself: written last, signed by the ledger's key, and believed only when every byte agrees."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from datasteward.backup import objects
from datasteward.durable import write_new
from datasteward.errors import BackupError
from datasteward.ledger import LedgerKey
from datasteward.ledger.entries import Head

FORMAT = 1
NAME, SIGNATURE = "manifest.json", "manifest.signature"
Kind = Literal["service", "keys"]
KINDS = {"service": "database and objects", "keys": "the key store"}


class Table(msgspec.Struct, frozen=True):
    """A table as it was copied: its columns in the order of the copy, and how many rows it had."""

    name: str
    columns: tuple[str, ...]
    rows: int


class File(msgspec.Struct, frozen=True):
    """A file of the backup by its name in it: size in bytes, SHA-256. Objects are listed in a file of their own."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup of database and objects (`service`) or of the key store (`keys`).

    `ledger_key` names the installation, `installation` is the hash of its first audit entry, `ledger` is the last entry of
    its ledger when the backup began, `policies` the hash of its policy set, `revision` how far its schema was. Times are
    UTC; by `destroy_by` a backup of the key store has to be destroyed.
    """

    format: int = FORMAT
    kind: Kind
    ledger_key: str
    installation: str
    ledger: Head
    policies: str
    dialect: str = ""
    revision: str = ""
    begun_at: datetime
    ended_at: datetime | None = None
    destroy_by: datetime | None = None
    tables: tuple[Table, ...] = ()
    objects: int = 0
    object_bytes: int = 0
    files: tuple[File, ...] = ()


def write(place: Path, manifest: Manifest, key: LedgerKey) -> str:
    """Adds every file's hash and signs; gives the manifest's own hash. The last thing that comes into a backup."""
    whole = msgspec.structs.replace(manifest, files=_files(place))
    told = msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"
    write_new(place / SIGNATURE, key.sign(told).encode() + b"\n")
    write_new(place / NAME, told)
    return hashlib.sha256(told).hexdigest()


def read(place: Path, kind: Kind, key: LedgerKey) -> Manifest:
    """The manifest of a whole backup, every byte of which was checked.

    Raises BackupError when it is of another installation or of something else, of a newer version, not whole, or changed.
    """
    try:
        told = (place / NAME).read_bytes()
        signature = (place / SIGNATURE).read_text().strip()
        version = msgspec.json.decode(told, type=_Version)
    except (OSError, ValueError):
        raise BackupError("There is no whole backup: name the directory that gptimages backup has made.") from None
    if version.ledger_key != key.id:
        raise BackupError("This is a backup of another installation: it belongs to other keys and another ledger.")
    if version.format != FORMAT:
        raise BackupError("The backup was made by a newer version of the service: install that version.")
    if not key.signed(told, signature):
        raise BackupError("The backup's manifest was changed: use a backup that is whole.")
    manifest = msgspec.json.decode(told, type=Manifest)
    if manifest.kind != kind:
        raise BackupError(f"This is a backup of {KINDS[manifest.kind]}, not of {KINDS[kind]}.")
    _check(place, manifest)
    return manifest


def digest_of(place: Path) -> str:
    """The hash by which a backup is known: that of its manifest."""
    return hashlib.sha256((place / NAME).read_bytes()).hexdigest()


class _Version(msgspec.Struct):
    """What has to be looked at before the rest is."""

    format: int
    ledger_key: str


def _check(place: Path, manifest: Manifest) -> None:
    for each in manifest.files:
        path = place / each.name
        if not path.is_file() or path.stat().st_size != each.size:
            raise BackupError(f"{each.name} of the backup is missing or cut short: use a backup that is whole.")
        if _sha256(path) != each.sha256:
            raise BackupError(f"{each.name} of the backup was changed: use a backup that is whole.")
    if manifest.kind == "service":
        objects.check_objects(place)


def _files(place: Path) -> tuple[File, ...]:
    names = sorted(path.relative_to(place) for path in place.rglob("*") if path.is_file())
    ours = (name for name in names if name.parts[0] != objects.DIRECTORY)  # a table may have that name too
    return tuple(File(str(name), (place / name).stat().st_size, _sha256(place / name)) for name in ours)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
