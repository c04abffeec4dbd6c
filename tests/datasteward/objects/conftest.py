"""Stores of every kind, and encrypted objects of two persons on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.seaweed import PLAIN, VERSIONED, Seaweed

from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory, ObjectStore
from datasteward.objects.s3 import S3Bucket


@pytest.fixture
def directory(tmp_path: Path) -> LocalDirectory:
    """An empty store in objects/."""
    return LocalDirectory(tmp_path / "objects")


@pytest.fixture
def bucket(seaweed: Seaweed) -> S3Bucket:
    """An empty store under a prefix of a bucket that keeps versions."""
    return S3Bucket(seaweed.client(), VERSIONED, seaweed.prefix())


@pytest.fixture(params=["directory", "bucket", "plain bucket"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """An empty store of each kind; a test that asks for it runs once on every one."""
    if request.param != "plain bucket":
        made: ObjectStore = request.getfixturevalue(request.param)
        return made
    seaweed: Seaweed = request.getfixturevalue("seaweed")
    return S3Bucket(seaweed.client(), PLAIN, seaweed.prefix(), encryption=None)


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
def objects(store: ObjectStore, vault: Vault) -> EncryptedObjects:
    """Encrypted objects on a store of each kind."""
    return EncryptedObjects(store, vault)
