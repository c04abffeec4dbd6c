"""The lock on a data directory: one server at a time works on it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from gptimages.errors import StartError

LOCK = "server.lock"


class DirectoryLock:
    """Holds a data directory for one server at a time: a second one would take up the first one's running jobs."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises StartError when another process holds it."""
        opened = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            opened.close()
            raise StartError(
                "Another server works on this data directory: stop it, or set GPTIMAGES_DATA to another."
            ) from None
        self._file = opened

    def release(self) -> None:
        """Lets the directory go."""
        if self._file is not None:
            self._file.close()
            self._file = None
