"""The service and its key store: what is lost is told, and nothing new is made in its place."""

from __future__ import annotations

import shutil
from typing import Any

import msgspec
import pytest

from datasteward.errors import KeyStoreError, RootKeyError
from gptimages.installation import open_installation
from gptimages.settings import Settings


def test_a_lost_key_store_is_not_made_anew(any_settings: Settings, clock: Any) -> None:
    """An empty one in its place would look like a shredding of everybody; with it back in its place the service opens."""
    open_installation(any_settings, clock).close()
    keys = any_settings.data / "keys"
    other = msgspec.structs.replace(any_settings, key_store=f"sqlite:///{keys / 'elsewhere.db'}")
    with pytest.raises(KeyStoreError, match="The key store is not where it was"):
        open_installation(other, clock)
    open_installation(any_settings, clock).close()


def test_lost_keys_of_epochs_are_told(any_settings: Settings, clock: Any) -> None:
    """They are not made anew either."""
    open_installation(any_settings, clock).close()
    shutil.rmtree(any_settings.data / "keys" / "epochs")
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        open_installation(any_settings, clock)
    assert not (any_settings.data / "keys" / "epochs").exists()


def test_keys_of_epochs_are_kept_in_each_directory_of_the_setting(settings: Settings, clock: Any) -> None:
    """Two directories hold the same; with either of them the service opens."""
    one, two = settings.data / "one", settings.data / "two"
    told = msgspec.structs.replace(settings, epochs=f"{one}, {two}")
    open_installation(told, clock).close()
    assert [each.read_bytes() for each in one.iterdir()] == [each.read_bytes() for each in two.iterdir()]
    shutil.rmtree(one)
    open_installation(told, clock).close()


def test_a_root_key_service_that_is_away_is_told(settings: Settings, clock: Any, monkeypatch: Any) -> None:
    """A setting that names a key of AWS KMS reaches it, and says in a sentence that it is not there."""
    for name, value in {"KEY_ID": "AWS_ACCESS_KEY_ID", "SECRET": "AWS_SECRET_ACCESS_KEY"}.items():
        monkeypatch.setenv(value, name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    arn = "arn:aws:kms:eu-central-1:000000000000:key/k"
    with pytest.raises(RootKeyError, match="AWS KMS cannot be used"):
        open_installation(msgspec.structs.replace(settings, root_key=f"aws-kms:{arn}"), clock)
