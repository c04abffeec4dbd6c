"""Where the keys of epochs lie: a place of its own that forgets, apart from the key store and in none of its backups.

A key store's backup holds the wrapped keys of people who are destroyed later. It opens nothing once the key of its epoch is
gone, and that key can only be gone for good where no backup picks it up. So it is kept twice or more, not backed up:
`EpochDirectory` writes each key to several directories and destroys it in all of them, with whatever a kill left of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from datasteward.durable import make_directory, sync_directory, unfinished_beside, unfinished_of, write
from datasteward.errors import KeyStoreError


class EpochPlace(Protocol):
    """Keeps the wrapped keys of epochs by name, once or more. Every method raises KeyStoreError when it cannot be used.

    One process at a time calls `put`, and not for a key that is destroyed.
    """

    def put(self, name: str, wrapped: bytes) -> None:
        """Stores the key, or replaces it, wherever it is kept; durable when it returns."""

    def copies(self, name: str) -> list[bytes | None]:
        """The wrapped key, once for each place where it should be; None where it is not."""

    def names(self) -> set[str]:
        """The names of all keys that there are anywhere."""

    def destroy(self, name: str) -> None:
        """Destroys every copy of the key; does nothing where there is none."""


class EpochDirectory:
    """Files of mode 0600 in one directory or more, which hold the same: so one lost disk takes no key along.

    A new key and a destruction need all of the directories, reading needs one. Leave them out of every backup.
    """

    def __init__(self, *directories: Path) -> None:
        self._directories = directories

    def put(self, name: str, wrapped: bytes) -> None:
        """Writes a whole file beside the old one and puts it in its place, directory by directory."""
        with _faults():
            for directory in self._directories:
                make_directory(directory)
                _destroy(unfinished_of(directory / name))
                new = unfinished_beside(directory / name)
                write(new, wrapped)
                replace(new, directory / name)

    def copies(self, name: str) -> list[bytes | None]:
        """What each directory has. One that cannot be read counts as without, unless there is no other."""
        found: list[bytes | None] = []
        unread: OSError | None = None
        for directory in self._directories:
            try:
                found.append((directory / name).read_bytes())
            except OSError as error:
                found.append(None)
                unread = unread if isinstance(error, FileNotFoundError) else error
        if unread is not None and not any(found):
            with _faults():
                raise unread
        return found

    def names(self) -> set[str]:
        """What lies in any of the directories that is whole."""
        with _faults():
            found = (path for each in self._directories if each.is_dir() for path in each.iterdir())
            return {path.name for path in found if path.is_file() and not path.name.startswith(".")}

    def destroy(self, name: str) -> None:
        """Overwrites and removes the files. What lies below the file system (flash cells, snapshots) is beyond it."""
        with _faults():
            for directory in self._directories:
                directory.stat()
                _destroy([directory / name, *unfinished_of(directory / name)])
                sync_directory(directory)


def _destroy(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            wipe(path)
            path.unlink()


def wipe(path: Path) -> None:
    """Overwrites the bytes of a file in place with random ones. Raises OSError."""
    with path.open("r+b") as file:
        _overwrite(file.fileno())


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, os.urandom(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def replace(new: Path, path: Path) -> None:
    """Puts the new file in the place of the old one, whose bytes are overwritten once nobody finds them by name.

    Raises OSError.
    """
    try:
        old = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        new.replace(path)
    else:
        try:
            new.replace(path)
            sync_directory(path.parent)  # else a loss of power could leave the name with bytes that are overwritten
            _overwrite(old)
        finally:
            os.close(old)
    sync_directory(path.parent)


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyStoreError(
            f"The keys of epochs cannot be used ({error.strerror}): check that each of their directories is there, "
            "its rights and its space."
        ) from error
