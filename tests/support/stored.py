"""Everything that an installation on SQLite has stored, so that a test can say: nothing was."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def everything(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the database and of the key store by table, and the names of all objects."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for file in ("gptimages.db", "keys/keys.db"):
        connection = sqlite3.connect(data / file)
        try:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in sorted(names):
                found[f"{file}:{name}"] = list(connection.execute(f'SELECT * FROM "{name}"'))
        finally:
            connection.close()
    found["objects"] = [
        (str(path.relative_to(data)),) for path in sorted((data / "objects").rglob("*")) if path.is_file()
    ]
    return found
