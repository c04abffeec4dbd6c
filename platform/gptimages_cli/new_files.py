"""Files that a command writes and that name rows or objects: new ones, for their owner alone, on disk or not there at all."""

from __future__ import annotations

from pathlib import Path

from datasteward import durable
from gptimages.errors import InputError


def require_new(path: Path) -> None:
    """To be asked before work that takes long. Raises InputError when there is something at the path."""
    if path.exists() or path.is_symlink():
        raise InputError(f"There is something at {path} already: name a file that does not exist yet.")


def write_new(path: Path, data: bytes) -> None:
    """Writes the file. Raises InputError when there is one, or it cannot be written."""
    try:
        durable.write(path, data)
    except FileExistsError:
        raise InputError(f"There is something at {path} already: name a file that does not exist yet.") from None
    except OSError:
        raise InputError(f"{path} cannot be written: name a file in a directory where you may write.") from None
