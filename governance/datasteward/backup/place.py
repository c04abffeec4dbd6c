"""The directory of a backup: it has its name when it is whole, and nothing is left of one that is not."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from datasteward.durable import sync_directory
from datasteward.errors import BackupError, ObjectStoreError

SUFFIX = ".unfinished"


@contextmanager
def making(directory: Path) -> Iterator[Path]:
    """A new directory beside the one named, for its owner alone; it gets the name when the block ends well.

    Raises BackupError when there is one of that name, when another backup is being made there, or for what the block
    raises of files, objects and databases: then nothing is left. What a killed process left is cleared away.
    """
    place = directory.with_name(directory.name + SUFFIX)
    if directory.exists():
        raise BackupError("There is something of that name already: name a directory that does not exist yet.")
    with _faults(), _locked(place):
        try:
            yield place
            _sync(place)
            place.rename(directory)
            sync_directory(directory.parent)
        except Exception:
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


@contextmanager
def _faults() -> Iterator[None]:
    """Says what anything that fails means to a backup."""
    try:
        yield
    except OSError as error:
        raise _unmade(error.strerror or type(error).__name__) from error
    except ObjectStoreError as error:
        raise _unmade(str(error).rstrip(".")) from error
    except SQLAlchemyError as error:
        raise _unmade(str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]) from error


def _unmade(reason: str) -> BackupError:
    return BackupError(f"No backup was made, and nothing of it is left ({reason}): see to that and do it again.")
