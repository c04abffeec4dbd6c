"""Making a new file, and any change of a directory (a new, renamed or removed name), survive a loss of power."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Flushes the directory's entries to disk; `fsync` of a file alone does not (see fsync(2)). Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes) -> None:
    """Makes a file of mode 0600, whole and on disk or not at all. Raises FileExistsError when there is one, OSError."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a rename it takes no other's place
    finally:
        unfinished.unlink()
    sync_directory(path.parent)
