"""Objects as files in a local directory.

The file of an object is named for its key, with `~` for `/`, in one of 256 directories chosen by a hash of the key. A
write goes to a file beside it whose name has a `+`, which no key has, and is renamed when it is whole and on disk. The
writer keeps that file locked, so that `sweep` tells the leftover of a killed process from a write that goes on.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from datasteward.crypto import HEADER_BYTES, Part
from datasteward.durable import sync_directory
from datasteward.errors import ObjectMissing, ObjectStoreError
from datasteward.objects.reading import Reading
from datasteward.objects.store import Stored, check_key, is_key

UNFINISHED = "+part"


class LocalDirectory:
    """An ObjectStore in a directory, readable by its owner alone; made when it is absent. May be shared by threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        with _faults():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(256):
                (root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_directory(root)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Stores the chunks, and gives their size in bytes; atomic, durable when it returns."""
        path = self._path(key)
        with _faults():
            file, unfinished = _begin(path)
        try:
            with file:
                size = _fill(file, chunks)
                with _faults():
                    unfinished.rename(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        with _faults():
            sync_directory(path.parent)
        return size

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes, in chunks of 64 KiB. Raises ObjectMissing at the call."""
        with _faults(), _missing():
            return Reading(FileIO(self._path(key)), _faults)

    def get_range(self, key: str, start: int, length: int) -> Part:
        """So many bytes from `start` on, or what there is. Raises ObjectMissing at the call."""
        with _faults(), _missing(), ExitStack() as until_read:
            file = until_read.enter_context(FileIO(self._path(key)))
            size, head = os.fstat(file.fileno()).st_size, os.pread(file.fileno(), HEADER_BYTES, 0)
            file.seek(min(start, size))  # a file system may refuse a place that no file of it could have
            until_read.pop_all()
        return Part(size, head, Reading(file, _faults, length))

    def delete(self, key: str) -> bool:
        """Deletes the object, durably; False when there was none, or an earlier try that failed has taken it.

        A write under way goes on.
        """
        path, found = self._path(key), True
        with _faults():
            try:
                path.unlink()
            except FileNotFoundError:
                found = False
            sync_directory(path.parent)  # also after a try that got no further than this
        return found

    def stat(self, key: str) -> Stored:
        """Its size and age. Raises ObjectMissing."""
        with _faults(), _missing():
            return _stored(key, self._path(key))

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with the prefix, in no order."""
        for path in self._files():
            key = path.name.replace("~", "/")
            if key.startswith(prefix) and is_key(key) and path == self._path(key):
                with _faults(), suppress(FileNotFoundError):
                    yield _stored(key, path)

    def sweep(self, before: datetime) -> int:  # noqa: ARG002 - the lock tells who still writes, whenever it began
        """Deletes what interrupted writes have left, and gives their number; writes under way are left alone."""
        return sum(_is_abandoned(path) for path in self._files() if path.name.endswith(UNFINISHED))

    def _path(self, key: str) -> Path:
        fan = hashlib.sha256(check_key(key).encode()).hexdigest()[:2]
        return self._root / fan / key.replace("/", "~")

    def _files(self) -> Iterator[Path]:
        with _faults():
            directories = [path for path in self._root.iterdir() if path.is_dir()]
        for directory in directories:
            with _faults():
                files = list(directory.iterdir())
            yield from files


def _stored(key: str, path: Path) -> Stored:
    found = path.stat()
    return Stored(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _begin(path: Path) -> tuple[FileIO, Path]:
    """A new locked file beside the path."""
    while True:
        unfinished = path.with_name(secrets.token_hex(16) + UNFINISHED)
        file = FileIO(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, unfinished
        file.close()  # swept between its making and its locking


def _fill(file: FileIO, chunks: Iterable[bytes]) -> int:
    """Writes all chunks to disk. What the chunks raise goes through as it is."""
    size = 0
    for chunk in chunks:
        with _faults():
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]
        size += len(chunk)
    with _faults():
        os.fsync(file.fileno())
    return size


def _is_abandoned(path: Path) -> bool:
    """Deletes an unfinished file that no process holds; whether it did."""
    with _faults(), suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
        return True
    return False


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def _faults() -> Iterator[None]:
    """Says what an error of the operating system means here."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise ObjectStoreError("The object store is full: make room, then do it again.") from error
        if error.errno in FORBIDDEN:
            raise ObjectStoreError("The object store refuses this: check the rights of its directory.") from error
        raise ObjectStoreError(f"The object store fails ({error.strerror}): check its disk.") from error


@contextmanager
def _missing() -> Iterator[None]:
    """Says what an absent file means to a reader."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing("There is no object under this key: it was deleted or never stored.") from error
