"""A local directory of objects, and encrypted objects of two persons on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory


@pytest.fixture
def directory(tmp_path: Path) -> LocalDirectory:
    """An empty store in objects/."""
    return LocalDirectory(tmp_path / "objects")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with the keys of Ada and Ben."""
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey(bytes(range(32))))
    made = Vault(store)
    made.create("ada")
    made.create("ben")
    yield made
    made.close()


@pytest.fixture
def objects(directory: LocalDirectory, vault: Vault) -> EncryptedObjects:
    """Encrypted objects on the directory."""
    return EncryptedObjects(directory, vault)
