"""The key store: settings, opening, threads and processes, and what is wrong with it in a sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3 as raw
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datasteward.crypto import KeysetKind
from datasteward.errors import DecryptionFailed, KeyStoreError, RootKeyError
from datasteward.keys import FileRootKey, KeyStore, sqlite

BOTH = {KeysetKind.FIELDS: b"fields", KeysetKind.OBJECTS: b"objects"}


def url(directory: Path) -> str:
    """The URL of the key store in a directory."""
    return f"sqlite:///{directory / 'keys.db'}"


def test_keysets_come_back_after_opening_again(tmp_path: Path, root_key: FileRootKey, key_store: KeyStore) -> None:
    """What one opening stored, the next one gives."""
    assert key_store.add("ada", BOTH)
    again = KeyStore(url(tmp_path), root_key)
    assert again.keysets("ada") == BOTH
    assert again.has("ada")
    assert not again.has("ben")
    assert again.keysets("ben") == {}
    again.close()


def test_keysets_that_are_there_are_never_replaced(key_store: KeyStore) -> None:
    """Adding a second time changes nothing and says so."""
    key_store.add("ada", BOTH)
    assert not key_store.add("ada", dict.fromkeys(KeysetKind, b"other"))
    assert key_store.keysets("ada") == BOTH


def test_nothing_is_stored_in_the_clear(tmp_path: Path, key_store: KeyStore) -> None:
    """Neither file nor log holds a keyset; each row names the epoch whose key wraps it."""
    key_store.add("ada", {KeysetKind.FIELDS: b"a keyset in the clear"})
    for path in tmp_path.glob("keys.db*"):
        assert b"in the clear" not in path.read_bytes()
    with raw.connect(tmp_path / "keys.db") as connection:
        (row,) = connection.execute("select subject, use, keyset, epoch from subject_key")
    connection.close()
    assert row == ("ada", "content", "fields", key_store.epochs.present())


def test_the_time_of_making_is_the_clocks(tmp_path: Path, root_key: FileRootKey) -> None:
    """Time comes in from outside."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store = KeyStore(url(tmp_path), root_key, clock=lambda: moment)
    store.add("ada", BOTH)
    store.close()
    connection = raw.connect(tmp_path / "keys.db")
    assert connection.execute("select distinct created_at from subject_key").fetchall() == [
        ("2026-01-02 03:04:05.000000",)
    ]
    connection.close()


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
        assert set(pool.map(pragmas, range(32))) == {("wal", 2, 1, 10_000)}


def test_another_root_key_is_refused(tmp_path: Path, key_store: KeyStore) -> None:
    """Opening with a root key that is not this store's says so at once, not at the first person's key."""
    with pytest.raises(RootKeyError, match="not the one that this key store was made with"):
        KeyStore(url(tmp_path), FileRootKey(os.urandom(32)))


def test_a_newer_store_is_refused(tmp_path: Path, root_key: FileRootKey, key_store: KeyStore) -> None:
    """A store one version ahead is left alone."""
    with raw.connect(tmp_path / "keys.db") as connection:
        connection.execute("update key_store set version = 3")
    connection.close()
    with pytest.raises(KeyStoreError, match="newer version"):
        KeyStore(url(tmp_path), root_key)


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


def test_e2_a_wrapped_keyset_moved_to_another_person_or_kind_does_not_open(tmp_path: Path, key_store: KeyStore) -> None:
    """Rows swapped in the key store are noticed."""
    key_store.add("ada", BOTH)
    key_store.add("ben", BOTH)
    connection = raw.connect(tmp_path / "keys.db")
    connection.execute(
        "update subject_key set wrapped = (select wrapped from subject_key where subject = 'ada' and keyset = 'fields')"
        " where subject = 'ben' and keyset = 'fields'"
    )
    connection.execute("update subject_key set keyset = 'x' where subject = 'ada' and keyset = 'fields'")
    connection.execute("update subject_key set keyset = 'fields' where subject = 'ada' and keyset = 'objects'")
    connection.execute("delete from subject_key where keyset = 'x'")
    connection.commit()
    connection.close()
    for subject in ("ada", "ben"):
        with pytest.raises(DecryptionFailed):
            key_store.keysets(subject)


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


def test_many_threads_make_one_set_of_keys(key_store: KeyStore) -> None:
    """Of sixteen threads that add the same person at once one wins, and all of them read its keys."""
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda n: key_store.add("ada", dict.fromkeys(KeysetKind, b"%d" % n)), range(16)))
        read = list(pool.map(lambda _: tuple(sorted(key_store.keysets("ada").items())), range(16)))
    assert won.count(True) == 1
    winner = b"%d" % won.index(True)
    assert set(read) == {(("fields", winner), ("objects", winner))}


def test_several_openings_at_once_make_one_store(tmp_path: Path, root_key: FileRootKey) -> None:
    """Processes that start together do not stumble over one another."""
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: KeyStore(url(tmp_path), root_key), range(8)))
    stores[0].add("ada", BOTH)
    assert all(store.has("ada") for store in stores)
    for store in stores:
        store.close()
    connection = raw.connect(tmp_path / "keys.db")
    assert connection.execute("select count(*) from key_store").fetchone() == (1,)
    connection.close()


def test_a_copy_of_the_file_is_useless_without_the_root_key(tmp_path: Path, key_store: KeyStore) -> None:
    """Who has the key store alone has no key, nor who has the keys of epochs too."""
    key_store.add("ada", BOTH)
    key_store.close()
    (tmp_path / "stolen").mkdir()
    shutil.copy(tmp_path / "keys.db", tmp_path / "stolen" / "keys.db")
    with pytest.raises(KeyStoreError, match="keys of epochs are not those"):
        KeyStore(url(tmp_path / "stolen"), FileRootKey(os.urandom(32)))
    shutil.copytree(tmp_path / "epochs", tmp_path / "stolen" / "epochs")
    with pytest.raises(RootKeyError):
        KeyStore(url(tmp_path / "stolen"), FileRootKey(os.urandom(32)))
