"""E10: of a destroyed key nothing is left in the key store's file, log or free pages."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from datasteward.errors import KeyStoreError
from datasteward.keys import FileRootKey, KeyStore, Vault, sqlite

PERSONS = 90
DESTROYED = 60
FRAGMENT = 16


def wrapped(directory: Path, names: list[str]) -> list[bytes]:
    """The wrapped keysets of these persons."""
    marks = ",".join("?" * len(names))
    connection = sqlite3.connect(directory / "keys.db")
    rows = connection.execute(f"select wrapped from subject_key where subject in ({marks})", names).fetchall()
    connection.close()
    return [row[0] for row in rows]


def traces(directory: Path, blobs: list[bytes]) -> int:
    """How many 16-byte fragments of the blobs are found in the file, its log or its index."""
    stored = b"".join(path.read_bytes() for path in directory.glob("keys.db*"))
    pieces = (blob[at : at + FRAGMENT] for blob in blobs for at in range(0, len(blob) - FRAGMENT, 29))
    return sum(piece in stored for piece in pieces)


def destroy_many(directory: Path, root_key: FileRootKey) -> int:
    """Makes persons in one order, destroys some in another, and counts what is left of their keys."""
    store = KeyStore(f"sqlite:///{directory / 'keys.db'}", root_key)
    vault = Vault(store)
    names = [f"person-{number:03}" for number in range(PERSONS)]
    for name in random.Random(3).sample(names, PERSONS):
        vault.create(name)
    doomed = random.Random(4).sample(names, DESTROYED)
    blobs = wrapped(directory, doomed)
    assert len(blobs) == 2 * DESTROYED
    assert traces(directory, blobs) > 0
    for name in doomed:
        assert vault.destroy(name)
    left = traces(directory, blobs)
    store.close()
    return left


def test_nothing_of_destroyed_keys_is_found(tmp_path: Path, root_key: FileRootKey) -> None:
    """After sixty persons of ninety were destroyed, no fragment of their wrapped keys is in any byte on disk."""
    assert destroy_many(tmp_path, root_key) == 0


def test_without_secure_delete_they_are_found(
    tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds what is there: without the pragma free pages still hold keys."""
    off = tuple(each.replace("secure_delete = ON", "secure_delete = OFF") for each in sqlite.SETTINGS)
    assert off != sqlite.SETTINGS
    monkeypatch.setattr(sqlite, "SETTINGS", off)
    assert destroy_many(tmp_path, root_key) > 0


def test_without_the_checkpoint_they_are_found(
    tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds what is there: without the checkpoint the log still holds keys."""
    monkeypatch.setattr(sqlite, "checkpoint", lambda engine: None)
    assert destroy_many(tmp_path, root_key) > 0


def test_a_reader_in_the_way_is_said_and_doing_it_again_helps(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that holds the log makes it an error, though the key is refused already; later the traces go."""
    blobs = wrapped(tmp_path, ["ada"])
    reader = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("select count(*) from subject_key").fetchone()
    vault._store.engine.dispose()
    monkeypatch.setattr(sqlite, "SETTINGS", ("PRAGMA busy_timeout = 50", *sqlite.SETTINGS[1:]))
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 50)
    with pytest.raises(KeyStoreError, match="do it again"):
        vault.destroy("ada")
    assert not vault.has("ada")
    assert traces(tmp_path, blobs) > 0
    reader.execute("COMMIT")
    reader.close()
    assert not vault.destroy("ada")
    assert traces(tmp_path, blobs) == 0
