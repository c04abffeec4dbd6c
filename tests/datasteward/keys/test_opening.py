"""Opening a key store: on both databases, by many at once, of the version before, with one thing missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, update

from datasteward.crypto import KeysetKind
from datasteward.errors import KeyStoreError
from datasteward.keys import EpochDirectory, FileRootKey, KeyStore, Vault, migrations, open_root
from datasteward.keys.epochs import Epochs
from datasteward.keys.roots import RootKeyFile, RootKeys
from datasteward.keys.tables import VERSION, epoch, subject_key
from datasteward.keys.tables import key_store as store_table


@pytest.fixture
def key_store_url(database_url: str) -> str:
    """On each kind of database."""
    return database_url


def test_many_that_start_together_make_one_store(tmp_path: Path, database_url: str, root_key: FileRootKey) -> None:
    """Eight openings at once make one store of one epoch, and each reads what another stored."""
    place = EpochDirectory(tmp_path / "epochs")
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: KeyStore(database_url, root_key, epochs=place), range(8)))
    assert len(rows(stores[0])) == 2
    stores[0].add("ada", dict.fromkeys(KeysetKind, b"keys"))
    assert len({store.epochs.present() for store in stores}) == 1
    assert all(store.keysets("ada") == dict.fromkeys(KeysetKind, b"keys") for store in stores)
    for store in stores:
        store.close()


def test_a_store_of_versions_before_is_brought_along(
    key_store: KeyStore, open_store: Callable[[], KeyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, each once and in order, in one transaction: where one fails nothing has changed."""
    key_store.add("ada", dict.fromkeys(KeysetKind, b"keys"))
    with key_store.engine.begin() as connection:
        connection.execute(update(store_table).values(version=VERSION - 2))
    before, failing = rows(key_store), [True]

    def first(connection: Connection, _epochs: Epochs, _now: datetime) -> None:
        connection.execute(update(subject_key).values(version=subject_key.c.version + 1))

    def second(connection: Connection, _epochs: Epochs, _now: datetime) -> None:
        connection.execute(update(subject_key).values(version=subject_key.c.version * 10))
        if failing:
            raise KeyStoreError(f"failed {failing.pop()}")

    monkeypatch.setattr(migrations, "STEPS", {VERSION - 2: first, VERSION - 1: second})
    with pytest.raises(KeyStoreError, match="failed"):
        open_store()
    assert rows(key_store) == before
    for _ in range(2):
        store = open_store()
        with store.engine.connect() as connection:
            assert set(connection.scalars(select(subject_key.c.version))) == {20}
            assert connection.scalar(select(store_table.c.version)) == VERSION
        assert store.keysets("ada") == dict.fromkeys(KeysetKind, b"keys")


def test_a_store_on_a_server_has_to_be_told_where_epochs_lie(root_key: FileRootKey) -> None:
    """Nothing is written beside whatever happens to be the working directory."""
    with pytest.raises(KeyStoreError, match="where the keys of epochs lie"):
        KeyStore("postgresql+psycopg://nobody@/nothing?host=/nowhere", root_key)


@pytest.mark.usefixtures("key_store")
def test_without_the_keys_of_epochs_it_is_said(tmp_path: Path, open_store: Callable[[], KeyStore]) -> None:
    """Lost or of another store: the sentence names both remedies."""
    shutil.rmtree(tmp_path / "epochs")
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        open_store()


def test_a_root_key_is_named_by_a_setting(tmp_path: Path) -> None:
    """A file, or several with the present one first."""
    one, two = (FileRootKey.create(tmp_path / name) for name in ("one.key", "two.key"))
    assert isinstance(open_root(str(tmp_path / "one.key")), RootKeyFile)
    both = open_root(f"{tmp_path / 'two.key'}, {tmp_path / 'one.key'}")
    assert isinstance(both, RootKeys)
    assert both.id == two.id
    assert both.unwrap(one.wrap(b"x", b"c"), b"c") == b"x"
    assert two.unwrap(both.wrap(b"x", b"c"), b"c") == b"x"


def test_the_vault_tells_no_key_and_lists_nobody() -> None:
    """What the service is given can use and destroy keys by name; listing, changing and telling them is another's.

    The marks are ids of keys, as each ciphertext tells them to whoever reads it.
    """
    public = {name for name in dir(Vault) if not name.startswith("_")}
    assert public <= {
        "at_once", "close", "count", "create", "derive", "destroy", "destroy_all", "epoch_begun", "forget", "has",
        "having", "marks_of_records", "open", "opener", "records", "reveal", "reveal_range", "reveal_stream", "reveal_text",
        "seal", "seal_stream", "sealer", "standing", "state", "use_of",
    }  # fmt: skip


@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_the_store_of_a_version_ahead_is_left_as_it_is(
    key_store: KeyStore, open_store: Callable[[], KeyStore], version: int
) -> None:
    """Nothing is written into it, by however many versions it is ahead."""
    key_store.add("ada", dict.fromkeys(KeysetKind, b"keys"))
    with key_store.engine.begin() as connection:
        connection.execute(update(store_table).values(version=version))
    before = rows(key_store)
    with pytest.raises(KeyStoreError, match="newer version"):
        open_store()
    assert rows(key_store) == before


def test_a_store_that_does_not_say_its_version_is_left_as_it_is(
    key_store: KeyStore, open_store: Callable[[], KeyStore]
) -> None:
    """The one row that says it is gone: the store is damaged, and nobody guesses."""
    with key_store.engine.begin() as connection:
        connection.execute(delete(store_table))
    before = rows(key_store)
    with pytest.raises(KeyStoreError, match=r"is damaged.*put it back from its backup\.$"):
        open_store()
    assert rows(key_store) == before


def rows(store: KeyStore) -> list[tuple[object, ...]]:
    """Everything that stands in the key store."""
    with store.engine.connect() as connection:
        return [tuple(row) for table in (store_table, epoch, subject_key) for row in connection.execute(select(table))]
