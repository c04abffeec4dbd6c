"""A key store in a file: its rights, its settings, and what is wrong with the file in a sentence."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datasteward.crypto import KeysetKind
from datasteward.errors import KeyStoreError
from datasteward.keys import FileRootKey, KeyStore, sqlite

BOTH = {KeysetKind.FIELDS: b"fields", KeysetKind.OBJECTS: b"objects"}


def url(directory: Path) -> str:
    """The URL of the key store in a directory."""
    return f"sqlite:///{directory / 'keys.db'}"


def test_the_file_is_for_its_owner_alone(tmp_path: Path, root_key: FileRootKey) -> None:
    """File, log and index have mode 0600 whatever the umask."""
    before = os.umask(0)
    try:
        store = KeyStore(url(tmp_path), root_key)
        store.add("ada", BOTH)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("keys.db*")}
    finally:
        os.umask(before)
    store.close()
    assert modes == dict.fromkeys(("keys.db", "keys.db-wal", "keys.db-shm"), 0o600)


def test_every_connection_is_set_up(key_store: KeyStore) -> None:
    """WAL, full synchronisation, secure deletion and patience hold in each thread's connection."""

    def pragmas(_: int) -> tuple[object, ...]:
        with key_store.engine.connect() as connection:
            names = ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
            return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(pragmas, range(32))) == {("wal", 2, 1, 30_000)}


def test_a_file_that_is_no_database_is_said(tmp_path: Path, root_key: FileRootKey) -> None:
    """Other bytes in its place are an error of the key store, and they are not overwritten."""
    (tmp_path / "keys.db").write_bytes(b"not a database" * 100)
    with pytest.raises(KeyStoreError, match="not a database"):
        KeyStore(url(tmp_path), root_key)
    assert (tmp_path / "keys.db").read_bytes() == b"not a database" * 100


@pytest.mark.parametrize("wrong", ["sqlite://", "sqlite:///:memory:", "no url", "nosuchdb://x/y"])
def test_a_url_without_a_file_is_refused(root_key: FileRootKey, wrong: str) -> None:
    """A store in memory would lose every key; the sentence shows what a URL looks like."""
    with pytest.raises(KeyStoreError, match=r"sqlite:////directory/keys\.db"):
        KeyStore(wrong, root_key)


def test_a_directory_that_is_not_there_is_said(tmp_path: Path, root_key: FileRootKey) -> None:
    """The sentence says what to check."""
    with pytest.raises(KeyStoreError, match="check its directory"):
        KeyStore(url(tmp_path / "absent"), root_key)


def test_the_keys_of_epochs_lie_beside_the_file(tmp_path: Path, root_key: FileRootKey) -> None:
    """Unless another place is given."""
    store = KeyStore(url(tmp_path), root_key)
    assert [path.name for path in (tmp_path / "epochs").iterdir()] == [store.epochs.present()]
    store.close()


def test_a_full_disk_changes_nothing(tmp_path: Path, root_key: FileRootKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """M5: when the database cannot grow the error is a sentence, nothing is half-written, and the rest is readable."""
    monkeypatch.setattr(sqlite, "SETTINGS", (*sqlite.SETTINGS, "PRAGMA max_page_count = 12"))
    store = KeyStore(url(tmp_path), root_key)
    store.add("ada", BOTH)
    with pytest.raises(KeyStoreError, match="full"):
        store.add("ben", dict.fromkeys(KeysetKind, bytes(30_000)))
    assert not store.has("ben")
    assert store.keysets("ada") == BOTH
    store.close()
