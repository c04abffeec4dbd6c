"""The key store on each kind of database: what it keeps, for whom, under which key, and threads that use it together."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from datasteward.crypto import KeysetKind
from datasteward.errors import DecryptionFailed, KeyStoreError, RootKeyError
from datasteward.keys import EpochDirectory, FileRootKey, KeyStore
from datasteward.keys.tables import Use, subject_key

BOTH = {KeysetKind.FIELDS: b"fields", KeysetKind.OBJECTS: b"objects"}
Opener = Callable[..., KeyStore]


@pytest.fixture
def key_store_url(database_url: str) -> str:
    """On each kind of database."""
    return database_url


def test_keysets_come_back_after_opening_again(open_store: Opener) -> None:
    """What one opening stored, the next one gives."""
    assert open_store().add("ada", BOTH)
    again = open_store()
    assert again.keysets("ada") == BOTH
    assert again.has("ada")
    assert not again.has("ben")
    assert again.keysets("ben") == {}


def test_who_of_many_has_keys_is_asked_at_once(key_store: KeyStore) -> None:
    """By person and use, whatever their ids are, and however many are named; nobody is told who was not named."""
    for subject in ("ada", "ben", "o'neil", '"quoted", {braced}', "a\\b"):
        key_store.add(subject, BOTH)
    key_store.add("ben", {KeysetKind.FIELDS: b"for records"}, Use.RECORDS)
    asked = {(subject, use) for subject in ("ada", "o'neil", '"quoted", {braced}', "a\\b", "%", "") for use in Use}
    there = {("ada", Use.CONTENT), ("o'neil", Use.CONTENT), ('"quoted", {braced}', Use.CONTENT), ("a\\b", Use.CONTENT)}
    assert key_store.having(asked) == there
    assert key_store.having({("ben", Use.RECORDS)}) == {("ben", Use.RECORDS)}
    assert key_store.having({(f"gone-{number}", Use.CONTENT) for number in range(50_000)} | there) == there
    assert key_store.having(set()) == set()


def test_keysets_that_are_there_are_never_replaced(key_store: KeyStore) -> None:
    """Adding a second time changes nothing and says so."""
    key_store.add("ada", BOTH)
    assert not key_store.add("ada", dict.fromkeys(KeysetKind, b"other"))
    assert key_store.keysets("ada") == BOTH


def test_nothing_is_stored_in_the_clear(key_store: KeyStore, on_disk: Callable[[], list[bytes]]) -> None:
    """No file of the database holds a keyset, though it holds what it is wrapped as; its row names the wrapping epoch."""
    keyset = secrets.token_bytes()
    key_store.add("ada", {KeysetKind.FIELDS: keyset})
    with key_store.engine.connect() as connection:
        (row,) = connection.execute(select(subject_key))
    assert (row.subject, row.use, row.keyset) == ("ada", Use.CONTENT, KeysetKind.FIELDS)
    assert row.epoch == key_store.epochs.present()
    stored = on_disk()
    assert any(row.wrapped in data for data in stored)
    assert not any(keyset in data for data in stored)


def test_the_time_of_making_is_the_clocks(open_store: Opener) -> None:
    """Time comes in from outside, and is UTC wherever the server stands."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store = open_store(clock=lambda: moment)
    store.add("ada", BOTH)
    with store.engine.connect() as connection:
        assert connection.scalars(select(subject_key.c.created_at).distinct()).all() == [moment]


@pytest.mark.usefixtures("key_store")
def test_another_root_key_is_refused(open_store: Opener) -> None:
    """Opening with a root key that is not this store's says so at once, not at the first person's key."""
    with pytest.raises(RootKeyError, match="not the one that this key store was made with"):
        open_store(root_key=FileRootKey(os.urandom(32)))


def test_e2_a_wrapped_keyset_moved_in_the_key_store_does_not_open(key_store: KeyStore) -> None:
    """Put in the place of another person's, of one for another use or of another kind, it is noticed, and theirs opens."""
    for name in ("ada", "ben", "carla", "dan"):
        key_store.add(name, BOTH)
    key_store.add("carla", {KeysetKind.FIELDS: b"records"}, Use.RECORDS)
    key = subject_key.c
    moved = select(key.wrapped).where(key.subject == "ada", key.keyset == KeysetKind.FIELDS).scalar_subquery()
    places = (
        (key.subject == "ben") & (key.keyset == KeysetKind.FIELDS),
        (key.subject == "carla") & (key.use == Use.RECORDS),
    )
    with key_store.engine.begin() as connection:
        before = connection.execute(select(key.wrapped).where(places[1])).scalar_one()
        content = (key.subject == "carla") & (key.use == Use.CONTENT) & (key.keyset == KeysetKind.FIELDS)
        for place, wrapped in ((places[0], moved), (content, before)):
            assert connection.execute(update(subject_key).where(place).values(wrapped=wrapped)).rowcount == 1
        connection.execute(delete(subject_key).where(key.subject == "dan", key.keyset == KeysetKind.FIELDS))
        connection.execute(update(subject_key).where(key.subject == "dan").values(keyset=KeysetKind.FIELDS))
    for subject in ("ben", "carla", "dan"):
        with pytest.raises(DecryptionFailed):
            key_store.keysets(subject)
    assert key_store.keysets("ada") == BOTH


def test_many_threads_make_one_set_of_keys(key_store: KeyStore) -> None:
    """Of sixteen threads that add the same person at once one wins, and all of them read its keys."""
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda n: key_store.add("ada", dict.fromkeys(KeysetKind, b"%d" % n)), range(16)))
        read = list(pool.map(lambda _: tuple(sorted(key_store.keysets("ada").items())), range(16)))
    assert won.count(True) == 1
    winner = b"%d" % won.index(True)
    assert set(read) == {(("fields", winner), ("objects", winner))}


def test_nothing_of_a_destroyed_person_is_left_in_its_tables(key_store: KeyStore) -> None:
    """Every keyset of theirs for the use that is named, then for the other; those of others stay."""
    for name in ("ada", "ben"):
        key_store.add(name, BOTH)
        key_store.add(name, {KeysetKind.FIELDS: b"records"}, Use.RECORDS)
    assert key_store.destroy_all([("ada", Use.CONTENT)]) == 1
    assert set(key_store.opened("ada")) == {Use.RECORDS}
    assert key_store.destroy_all([("ada", use) for use in Use]) == 1
    assert key_store.destroy_all([("ada", use) for use in Use]) == 0
    with key_store.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(subject_key.c.subject == "ada")) == 0
    assert set(key_store.opened("ben")) == set(Use)


def test_it_is_useless_without_the_root_key(tmp_path: Path, key_store: KeyStore, open_store: Opener) -> None:
    """Who has the key store alone has no key, nor who has the keys of epochs too."""
    key_store.add("ada", BOTH)
    stolen = {"root_key": FileRootKey(os.urandom(32)), "epochs": EpochDirectory(tmp_path / "stolen")}
    with pytest.raises(KeyStoreError, match="keys of epochs are not those"):
        open_store(**stolen)
    shutil.copytree(tmp_path / "epochs", tmp_path / "stolen")
    with pytest.raises(RootKeyError):
        open_store(**stolen)
