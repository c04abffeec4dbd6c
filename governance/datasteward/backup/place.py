"""The directory of a backup: it has its name when it is whole, and nothing is left of one that is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from datasteward.durable import sync_directory
from datasteward.errors import BackupError, ObjectStoreError

SUFFIX = ".unfinished"
UNMADE = "No backup was made, and nothing of it is left ({}): see to that and do it again."


@contextmanager
def faults(said: str) -> Iterator[None]:
    """Says what files, objects and databases that fail mean here, as a BackupError: `said`, with the reason put in."""
    try:
        yield
    except (OSError, ObjectStoreError, SQLAlchemyError) as error:
        raise BackupError(said.format(_reason(error))) from error


def _reason(error: Exception) -> str:
    """Of a server only what kind of error it is, for its words may hold those of a row."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(cause, ObjectStoreError | sqlite3.Error):
        return str(cause).splitlines()[0].rstrip(".")
    return type(cause).__name__


@contextmanager
def making(directory: Path) -> Iterator[Path]:
    """A new directory beside the one named, for its owner alone; it gets the name when the block ends well.

    Raises BackupError when it cannot be made, when another backup is being made there, or for what the block raises of
    files, objects and databases. However the block ends badly, nothing is left; what a killed process left is cleared away.
    """
    if directory.exists():
        raise BackupError("There is something of that name already: name a directory that does not exist yet.")
    if not directory.parent.is_dir():
        raise BackupError("There is no directory to make the backup in: make it first, or name another.")
    place = directory.with_name(directory.name + SUFFIX)
    with faults(UNMADE), _locked(place):
        try:
            yield place
            _sync(place)
            place.rename(directory)
            sync_directory(directory.parent)
        except BaseException:  # an operator's Ctrl-C too
            shutil.rmtree(place, ignore_errors=True)
            raise


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    place.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in place.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    except BlockingIOError:
        raise BackupError("Another backup is being made there: wait for it, or name another directory.") from None
    finally:
        os.close(descriptor)


def _sync(place: Path) -> None:
    for path in place.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_directory(place)
