"""The root key in AWS KMS, against a service that refuses what is deleted, disabled or another's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from support.kms import kms

from datasteward.errors import DecryptionFailed, RootKeyError
from datasteward.keys import Context, FileRootKey, KeyStore, RootKeys, Vault, sqlite
from datasteward.keys import kms as adapter
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.kms import KmsRootKey

REGION = "eu-central-1"
ARN = f"arn:aws:kms:{REGION}:000000000000:key/0f0e0d0c-0b0a-4900-8000-000000000000"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The service."""
    with kms() as started:
        yield started


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that the service takes, and none of this machine."""
    for name, value in {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    """An operator's client of the service."""
    made = boto3.client("kms", region_name=REGION, endpoint_url=address)
    yield made
    made.close()


def new_key(client: Any) -> str:
    """The ARN of a new key."""
    return str(client.create_key()["KeyMetadata"]["Arn"])


def test_what_is_wrapped_opens_in_its_context_alone(address: str, client: Any) -> None:
    """Another context, or what KMS never wrapped, is a failed decryption, as with a file."""
    root = KmsRootKey(new_key(client), endpoint=address)
    wrapped = root.wrap(b"an epoch's key", b"epoch 1")
    assert b"epoch" not in wrapped
    assert root.unwrap(wrapped, b"epoch 1") == b"an epoch's key"
    for what, context in (
        (wrapped, b"epoch 2"),
        *((what, b"epoch 1") for what in (b"not from here", b"", bytes(7000))),
    ):
        with pytest.raises(DecryptionFailed):
            root.unwrap(what, context)


@pytest.mark.parametrize("size", [0, 6145])
def test_what_is_of_no_size_that_kms_takes_is_told_without_asking(size: int) -> None:
    """AWS calls it invalid, which it says of much else too: a spoilt copy of an epoch's key must not hide the whole one."""
    arn = f"arn:aws:kms:{REGION}:000000000000:key/1"
    nobody = KmsRootKey(arn, endpoint="http://127.0.0.1:1")
    with pytest.raises(DecryptionFailed):
        nobody.unwrap(bytes(size), b"epoch 1")


def test_what_another_key_wrapped_is_a_failed_decryption() -> None:
    """KMS tells it by a code of its own, which the service for tests does not know."""
    error = botocore.exceptions.ClientError({"Error": {"Code": "IncorrectKeyException"}}, "Decrypt")
    with pytest.raises(DecryptionFailed), adapter._faults():
        raise error


def test_a_key_store_lives_under_it_and_can_move_there_from_a_file(tmp_path: Path, address: str, client: Any) -> None:
    """Both set, the new one first, then wrapped anew: the people's data opens, and the file's key opens nothing more."""
    url, file = f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey.create(tmp_path / "root.key")
    place = Context("ada", "letter", "words", "1")
    first = KeyStore(url, file)
    vault = Vault(first)
    vault.create("ada")
    box = vault.seal(place, "dear")
    first.close()
    root = KmsRootKey(new_key(client), endpoint=address)
    both = KeyStore(url, RootKeys([root, file]))
    KeyAdmin(Changing(both, per_second=100)).change_root()
    both.close()
    alone = KeyStore(url, root)
    assert Vault(alone).reveal_text(place, box) == "dear"
    alone.close()
    with pytest.raises(RootKeyError, match="not the one that this key store was made with"):
        KeyStore(url, file)


def test_a_disabled_and_a_deleted_key_are_refused_within_the_cache_age(
    tmp_path: Path, address: str, client: Any
) -> None:
    """The key of the epoch is kept for a while and no longer; then who withdrew the root key is obeyed, with a sentence."""
    arn, now = new_key(client), [0.0]
    root = KmsRootKey(arn, endpoint=address)
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", root, cache_seconds=60, ticks=lambda: now[0])
    vault = Vault(store, clock=lambda: now[0])
    vault.create("ada")
    client.disable_key(KeyId=arn)
    now[0] += 59
    place = Context("ada", "letter", "words", "1")
    vault.seal(place, "dear")
    now[0] += 61
    with pytest.raises(RootKeyError, match="disabled"):
        vault.seal(place, "dear")
    client.enable_key(KeyId=arn)
    vault.seal(place, "dear")
    now[0] += 61
    client.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    with pytest.raises(RootKeyError, match="deletion"):
        vault.seal(place, "dear")
    store.close()


def test_a_key_that_is_not_there_is_said(address: str) -> None:
    """A wrong ARN is a sentence."""
    with pytest.raises(RootKeyError, match="does not know the root key"):
        KmsRootKey(ARN, endpoint=address).wrap(b"x", b"y")


def test_a_service_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call waits for a bounded time and is tried a bounded number of times."""
    monkeypatch.setattr(adapter, "READ_SECONDS", 0.2)
    monkeypatch.setattr(adapter, "ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(RootKeyError, match="does not answer in time"):
            KmsRootKey(ARN, endpoint=f"http://127.0.0.1:{port}").wrap(b"x", b"y")
        asked = 0
        silent.settimeout(0)
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            asked += 1
    assert asked == 2


def test_who_waits_for_the_key_store_waits_longer_than_it_takes_to_give_up() -> None:
    """Epochs are changed while a key store in a file is held: nobody who makes keys meanwhile is turned away."""
    seconds = adapter.ATTEMPTS * (adapter.CONNECT_SECONDS + adapter.READ_SECONDS)
    assert 1000 * seconds < sqlite.BUSY_MILLISECONDS


def test_nobody_listening_and_no_credentials_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the SDK raises becomes a sentence that names the remedy."""
    with pytest.raises(RootKeyError, match="region, credentials and the network"):
        KmsRootKey(ARN, endpoint="http://127.0.0.1:9").wrap(b"x", b"y")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(RootKeyError, match="region, credentials and the network"):
        KmsRootKey(ARN, endpoint="http://127.0.0.1:9").wrap(b"x", b"y")


@pytest.mark.parametrize("wrong", ["", "alias/key", "arn:aws:s3:::bucket", "arn:aws:kms::0:key/x"])
def test_what_is_no_arn_of_kms_is_refused(wrong: str) -> None:
    """The setting's form is told."""
    with pytest.raises(RootKeyError, match="aws-kms:arn:aws:kms:"):
        KmsRootKey(wrong)


def test_an_endpoint_that_is_no_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where boto3 finds it in the environment, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "foo")
    with pytest.raises(RootKeyError, match="AWS_ENDPOINT_URL_KMS") as told:
        KmsRootKey(ARN)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("code", ["AccessDeniedException", "KeyUnavailableException", "Unheard"])
def test_each_refusal_is_one_sentence(code: str) -> None:
    """Whatever code the service answers with, the operator reads one sentence, without key or context."""
    error = botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "secret words"}}, "Encrypt")
    with pytest.raises(RootKeyError) as raised, adapter._faults():
        raise error
    said = str(raised.value)
    assert said.startswith("AWS KMS ")
    assert said.endswith(".")
    assert "secret" not in said
