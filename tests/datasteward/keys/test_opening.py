"""Opening a key store: on both databases, by many at once, of the version before, with one thing missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    insert,
    select,
    update,
)

from datasteward.crypto import Keyset, KeysetKind, associated_data
from datasteward.errors import KeyStoreError, RootKeyError
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, Vault, open_root
from datasteward.keys.roots import RootKeyFile, RootKeys
from datasteward.keys.tables import VERSION, epoch, subject_key
from datasteward.keys.tables import key_store as store_table
from datasteward.types import UtcDateTime

MADE = datetime(2026, 1, 2, tzinfo=UTC)


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


def test_a_store_of_version_1_is_brought_along(tmp_path: Path, database_url: str, root_key: FileRootKey) -> None:
    """Keysets that the root key itself wrapped lie under an epoch's key, once, and open; a wrong root key changes nothing."""
    keysets = {kind: Keyset.random(kind).to_bytes() for kind in KeysetKind}
    version_1(database_url, root_key, keysets)
    place = EpochDirectory(tmp_path / "epochs")
    with pytest.raises(RootKeyError, match="not the one that this key store was made with"):
        KeyStore(database_url, FileRootKey(bytes(32)), epochs=place)
    for _ in range(2):
        store = KeyStore(database_url, root_key, epochs=place)
        assert store.keysets("ada") == keysets
        vault, here = Vault(store), Context("ada", "letter", "words", "1")
        assert vault.reveal_text(here, vault.seal(here, "dear")) == "dear"
        store.close()


def version_1(url: str, root_key: FileRootKey, keysets: dict[KeysetKind, bytes]) -> None:
    """A key store as the first version made it, with Ada's keys."""
    made = MetaData()
    key = Table(
        "subject_key",
        made,
        Column("subject", String(64), primary_key=True),
        Column("keyset", String(16), primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
        Column("root_key", String(200), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    store = Table(
        "key_store",
        made,
        Column("version", Integer, primary_key=True),
        Column("check_value", LargeBinary, nullable=False),
        Column("root_key", String(200), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    engine = create_engine(url)
    made.create_all(engine)
    with engine.begin() as connection:
        row = {"version": 1, "check_value": b"", "root_key": root_key.id, "created_at": MADE}
        connection.execute(insert(store), row)
        for kind, plain in keysets.items():
            wrapped = root_key.wrap(plain, associated_data("datasteward/keyset/1", "ada", kind.value))
            one = {"subject": "ada", "keyset": kind, "wrapped": wrapped, "root_key": root_key.id, "created_at": MADE}
            connection.execute(insert(key), one)
    engine.dispose()


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
