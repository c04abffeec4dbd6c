"""The objects of a backup, as they are stored: encrypted, under keys that the backup does not hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from datasteward.errors import BackupError, ObjectMissing
from datasteward.objects import LocalDirectory
from datasteward.objects.store import ObjectStore

DIRECTORY = "objects"
LIST = "objects.jsonl"


class Copied(msgspec.Struct, frozen=True):
    """An object of the backup: its key, its size in bytes, and their SHA-256."""

    key: str
    size: int
    sha256: str


def copy_objects(store: ObjectStore, place: Path, told: Callable[[int], None] = lambda _done: None) -> tuple[int, int]:
    """Copies every object and lists it; gives how many and their bytes. One that is deleted meanwhile is left out."""
    target, number, size = LocalDirectory(place / DIRECTORY), 0, 0
    with os.fdopen(os.open(place / LIST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for each in store.list():
            try:
                chunks = store.get(each.key)
            except ObjectMissing:
                continue
            hashed = hashlib.sha256()
            length = target.put(each.key, _through(chunks, hashed.update))
            out.write(msgspec.json.encode(Copied(each.key, length, hashed.hexdigest())) + b"\n")
            number, size = number + 1, size + length
            told(number)
    return number, size


def check_objects(place: Path) -> None:
    """Raises BackupError when an object is missing from the backup, or is not as it was copied."""
    source = LocalDirectory(place / DIRECTORY)
    for each in _listed(place):
        try:
            same = _is_as_copied(source, each)
        except ObjectMissing:
            raise BackupError("An object is missing from the backup: use one that is whole.") from None
        if not same:
            raise BackupError("An object of the backup is not as it was copied: use one that is whole.")


def restore_objects(place: Path, store: ObjectStore, told: Callable[[int], None] = lambda _done: None) -> int:
    """Brings back every object of the backup that is not there as it was copied; gives how many came back."""
    source, done = LocalDirectory(place / DIRECTORY), 0
    for each in _listed(place):
        if not _is_there(store, each):
            store.put(each.key, source.get(each.key))
            done += 1
            told(done)
    return done


def _listed(place: Path) -> Iterator[Copied]:
    with (place / LIST).open("rb") as lines:
        for line in lines:
            yield msgspec.json.decode(line, type=Copied)


def _is_there(store: ObjectStore, each: Copied) -> bool:
    try:
        return store.stat(each.key).size == each.size and _is_as_copied(store, each)
    except ObjectMissing:
        return False


def _is_as_copied(store: ObjectStore, each: Copied) -> bool:
    """Whether the bytes are those of the list; all of them are read. Raises ObjectMissing."""
    hashed = hashlib.sha256()
    for chunk in store.get(each.key):
        hashed.update(chunk)
    return hashed.hexdigest() == each.sha256


def _through(chunks: Iterator[bytes], see: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        see(chunk)
        yield chunk
