"""E10: of a destroyed key nothing is left in the key store's file, log or free pages."""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from datasteward.errors import KeyStoreError
from datasteward.keys import FileRootKey, KeyStore, Use, Vault, sqlite
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.store import utc_now

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
    pieces = (blob[at : at + FRAGMENT] for blob in blobs for at in range(0, len(blob) - FRAGMENT + 1, 13))
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


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_found_where_rows_have_moved(tmp_path: Path, root_key: FileRootKey, seed: int) -> None:
    """Keysets that have got a new key are longer, so that rows move from page to page: nothing stays in their old places."""
    assert destroyed_after_a_rotation(tmp_path, root_key, seed) == 0


def test_without_rewriting_the_file_old_places_are_found(
    tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds what is there: overwriting and deleting a row does not reach where it was before."""
    monkeypatch.setattr(sqlite, "tidy", sqlite._checkpoint)
    found = 0
    for seed in range(8):
        (tmp_path / str(seed)).mkdir()
        found += destroyed_after_a_rotation(tmp_path / str(seed), root_key, seed)
    assert found > 0


def destroyed_after_a_rotation(directory: Path, root_key: FileRootKey, seed: int) -> int:
    """Gives everybody a new key, destroys some, and counts what is left of all the keysets that these have had."""
    store, chance = KeyStore(f"sqlite:///{directory / 'keys.db'}", root_key), random.Random(seed)
    vault, names = Vault(store), [f"{chance.getrandbits(128):032x}" for _ in range(PERSONS)]
    for name in names:
        vault.create(name)
    doomed = chance.sample(names, DESTROYED)
    blobs = wrapped(directory, doomed)
    KeyAdmin(Changing(store, per_second=10**9)).stage(made_before=utc_now() + timedelta(seconds=1))
    blobs += wrapped(directory, doomed)
    assert vault.destroy_all([(name, Use.CONTENT) for name in doomed]) == DESTROYED
    left = traces(directory, blobs)
    store.close()
    return left


@pytest.mark.parametrize("secure", ["ON", "OFF"])
def test_until_the_file_is_rewritten_deleted_rows_are_zeroed(
    tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch, secure: str
) -> None:
    """A process that dies before leaves at most what was in old places; without the pragma free pages hold keys."""
    told = tuple(each.replace("secure_delete = ON", f"secure_delete = {secure}") for each in sqlite.SETTINGS)
    monkeypatch.setattr(sqlite, "SETTINGS", told)
    monkeypatch.setattr(sqlite, "tidy", sqlite._checkpoint)
    assert (destroy_many(tmp_path, root_key) == 0) is (secure == "ON")


def test_without_the_checkpoint_they_are_found(
    tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds what is there: without the checkpoint the log still holds keys."""
    monkeypatch.setattr(sqlite, "tidy", lambda engine: None)
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
