"""A root key, a key store in a file, and a vault on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datasteward.keys import FileRootKey, KeyStore, Vault


@pytest.fixture
def root_key(tmp_path: Path) -> FileRootKey:
    """A new root key, in root.key."""
    return FileRootKey.create(tmp_path / "root.key")


@pytest.fixture
def key_store(tmp_path: Path, root_key: FileRootKey) -> Iterator[KeyStore]:
    """A new key store, in keys.db."""
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", root_key)
    yield store
    store.close()


@pytest.fixture
def vault(key_store: KeyStore) -> Vault:
    """A vault with the keys of Ada and Ben."""
    made = Vault(key_store)
    made.create("ada")
    made.create("ben")
    return made
