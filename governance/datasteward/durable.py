"""Files that survive a loss of power, and files for their owner alone: how keys, entries and manifests are kept."""

from __future__ import annotations

import glob
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

UNFINISHED = 16
"""How many hexadecimal digits end the name of a file that is not whole yet."""


class NotPrivate(Exception):
    """Others than this process's user can use the file; says who, as the end of a sentence, and what to do."""


def sync_directory(directory: Path) -> None:
    """Flushes the directory's entries to disk; `fsync` of a file alone does not (see fsync(2)). Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Makes a directory for its owner alone and those above that are missing, on disk when it returns. Raises OSError."""
    missing = [each for each in directory.parents if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in (directory, *missing):  # the directory also when it is there: who made it may have been killed
        with suppress(PermissionError):  # above a place that was mounted there may be nothing for us to read
            sync_directory(each.parent)


def write_new(path: Path, data: bytes) -> None:
    """Makes a file of mode 0600, whole and on disk or not at all. Raises FileExistsError when there is one, OSError."""
    unfinished = unfinished_beside(path)
    try:
        write(unfinished, data)
        os.link(unfinished, path)  # unlike a rename it takes no other's place
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(path.parent)


def write(path: Path, data: bytes) -> None:
    """Makes a file of mode 0600, on disk when it returns (see `private`). Raises FileExistsError, OSError."""
    with private(path) as file:
        file.write(data)


@contextmanager
def private(path: Path) -> Iterator[BinaryIO]:
    """A new file of mode 0600 to write to, on disk once the block has ended, and gone again when an error ends it.

    Raises FileExistsError, OSError. After a kill a part of it is there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def unfinished_beside(path: Path) -> Path:
    """A name of its own in the same directory, for what is not whole yet."""
    return path.with_name(f".{path.name}.{secrets.token_hex(UNFINISHED // 2)}")


def unfinished_of(path: Path) -> list[Path]:
    """What kills have left of the file under such names."""
    return [each for each in path.parent.glob(f".{glob.escape(path.name)}.*") if len(each.suffix) == 1 + UNFINISHED]


def read_private(path: Path, most: int = 1024) -> bytes:
    """Up to `most` bytes of a file that is this process's user's, or root's, and that only its owner may use.

    Raises NotPrivate, OSError.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid not in (os.geteuid(), 0):
            raise NotPrivate("belongs to another user: make the service's user its owner")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotPrivate("can be used by others than its owner: set its mode to 0600")
        return file.read(most)
