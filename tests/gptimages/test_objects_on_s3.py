"""The service's objects in a bucket: by its settings alone, and said in a sentence when they cannot be used."""

from __future__ import annotations

import msgspec
import pytest
from support.buckets import in_a_bucket
from support.seaweed import IDENTITY, Seaweed

from datasteward.errors import ObjectStoreError
from datasteward.objects.s3 import S3Bucket
from gptimages import installation
from gptimages.db import BUSY_MILLISECONDS
from gptimages.errors import SettingsError
from gptimages.settings import Settings, read

HERE = {"GPTIMAGES_DEMO": "true", "GPTIMAGES_OIDC_CLIENT_ID": "a", "GPTIMAGES_OIDC_CLIENT_SECRET": "b"}


def test_an_installation_keeps_its_objects_in_a_bucket(
    settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened again, what was stored is there; the data directory holds none of it."""
    there = in_a_bucket(settings, seaweed, monkeypatch, objects=seaweed.prefix())
    here = installation.open_installation(there)
    here.vault.create("ada")
    here.objects.put("ada", "images/a", [b"a heron"])
    here.close()
    again = installation.open_installation(there)
    assert again.objects.read("ada", "images/a") == b"a heron"
    assert list(again.objects.keys()) == ["images/a"]
    again.close()
    assert not (there.data / "objects").exists()


def test_a_deletion_gives_up_before_those_who_wait_for_its_transaction(
    settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nobody else writes meanwhile, and nobody is turned away for it; an upload may take its time."""
    here = installation.open_installation(in_a_bucket(settings, seaweed, monkeypatch, objects=seaweed.prefix()))
    longest = {}
    for what, store in (("delete", here.objects._deleting), ("put", here.objects.stored)):
        assert isinstance(store, S3Bucket)
        config = store._client.meta.config
        longest[what] = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    here.close()
    assert 1000 * longest["delete"] < BUSY_MILLISECONDS < 1000 * longest["put"]


def test_a_bucket_that_is_not_there_stops_the_start(
    settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is served."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    wrong = msgspec.structs.replace(settings, objects="s3://absent/here", s3_endpoint=seaweed.endpoint)
    with pytest.raises(ObjectStoreError, match="bucket of the object store does not exist"):
        installation.open_installation(wrong)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"OBJECTS": "/srv/pictures"}, "has to be s3://bucket/prefix"),
        ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "needs a bucket"),
        ({"LEDGER": "sftp://host/ledger"}, "LEDGER has to be a directory or s3://bucket/prefix"),
        ({"OBJECTS": "s3://bucket", "LEDGER": "s3://bucket/ledger"}, "LEDGER has to be apart from GPTIMAGES_OBJECTS"),
        ({"OBJECTS": "s3://bucket/a", "LEDGER": "s3://bucket/a/b/"}, "LEDGER has to be apart from GPTIMAGES_OBJECTS"),
        ({"OBJECTS": "s3://bucket/a/b", "LEDGER": "s3://bucket/a"}, "LEDGER has to be apart from GPTIMAGES_OBJECTS"),
        ({"OBJECTS": "s3://bucket", "OBJECTS_ENCRYPTION": "rot13"}, "OBJECTS_ENCRYPTION cannot be used"),
    ],
)
def test_settings_that_make_no_sense_are_said(given: dict[str, str], said: str) -> None:
    """Each names the setting and what to write."""
    with pytest.raises(SettingsError, match=said):
        read(HERE | {f"GPTIMAGES_{name}": value for name, value in given.items()})


@pytest.mark.parametrize(
    "given",
    [
        {"LEDGER": "s3://bucket/ledger", "S3_ENDPOINT": "http://127.0.0.1:1"},
        {"OBJECTS": "s3://bucket/ledger-of-nothing", "LEDGER": "s3://bucket/ledger"},
        {"OBJECTS": "s3://bucket-1", "LEDGER": "s3://bucket-12"},
    ],
)
def test_a_ledger_in_a_bucket_beside_the_objects_is_allowed(given: dict[str, str]) -> None:
    """Under a prefix of its own, in a bucket of its own, or alone in one."""
    assert read(HERE | {f"GPTIMAGES_{name}": value for name, value in given.items()}).ledger_directory is None
