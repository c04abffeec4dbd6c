"""Entries in a bucket of a real server: none takes another's place, none can be deleted, and what is wrong is said."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.seaweed import IDENTITY, PLAIN, REGION, VERSIONED, Seaweed
from support.service import free_port

from datasteward import s3
from datasteward.errors import LedgerError
from datasteward.ledger import open_ledger
from datasteward.ledger.bucket import LONGEST_PAUSE, OFFERS, BucketOfEntries
from datasteward.s3 import connect

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def client_at(endpoint: str, *, secret: str = IDENTITY["AWS_SECRET_ACCESS_KEY"]) -> Any:
    """A client of whatever is there, in a hurry as the service's is."""
    return connect(
        endpoint, REGION, hurried=True, aws_access_key_id=IDENTITY["AWS_ACCESS_KEY_ID"], aws_secret_access_key=secret
    )


@contextmanager
def unconditional(client: Any) -> Iterator[None]:
    """The server never hears of the condition, as one that does not know it."""

    def forget(request: Any, **_more: Any) -> None:
        del request.headers["If-None-Match"]

    client.meta.events.register("before-sign.s3.PutObject", forget)
    yield
    client.meta.events.unregister("before-sign.s3.PutObject", forget)


@pytest.mark.parametrize("bucket", [PLAIN, VERSIONED])
def test_an_entry_never_takes_anothers_place(seaweed: Seaweed, bucket: str) -> None:
    """Whoever comes second is told so, and what was there stays, in a bucket that keeps versions too."""
    store = BucketOfEntries(seaweed.client(), bucket, seaweed.prefix())
    assert store.add(0, b"first")
    assert not store.add(0, b"second")
    assert list(store.lines([0])) == [b"first"]
    assert store.numbers() == [0]


def test_an_entry_is_offered_again_while_somebody_else_is_at_it(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 409 when two write at once, and wants to be asked again: each time after a pause, and not for ever."""
    pauses: list[float] = []
    store = BucketOfEntries(seaweed.client(), PLAIN, seaweed.prefix(), pause=pauses.append)
    put, conflicts = store._client.put_object, iter(range(3))

    def contended(**given: Any) -> Any:
        if next(conflicts, None) is not None:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
        return put(**given)

    monkeypatch.setattr(store._client, "put_object", contended)
    assert store.add(0, b"first")
    assert store.numbers() == [0]
    assert len(pauses) == 3
    conflicts = iter(range(99))
    with pytest.raises(LedgerError, match="Others are writing into the erasure ledger: do it again"):
        store.add(1, b"second")
    assert store.numbers() == [0]
    assert len(pauses) == 3 + OFFERS - 1
    assert len({*pauses}) == len(pauses)
    assert all(0 < each <= LONGEST_PAUSE for each in pauses)


def test_who_comes_second_pauses_before_the_next_number(seaweed: Seaweed) -> None:
    """So that the same two do not meet there again."""
    pauses: list[float] = []
    prefix = seaweed.prefix()
    assert BucketOfEntries(seaweed.client(), PLAIN, prefix).add(0, b"first")
    assert not BucketOfEntries(seaweed.client(), PLAIN, prefix, pause=pauses.append).add(0, b"another")
    assert len(pauses) == 1


def test_a_server_that_replaces_founds_no_ledger(seaweed: Seaweed, tmp_path: Path) -> None:
    """However often it is tried; on one that does not, it is founded then."""
    client = seaweed.client()
    store = BucketOfEntries(client, PLAIN, seaweed.prefix())
    with unconditional(client):
        for _ in range(2):
            with pytest.raises(LedgerError, match="replaces what is there: choose one that honours If-None-Match"):
                open_ledger(store, tmp_path / "ledger.key", now=NOW)
    assert open_ledger(store, tmp_path / "ledger.key", now=NOW).head().number == 0


def test_a_server_that_replaces_gets_no_entry(seaweed: Seaweed, tmp_path: Path) -> None:
    """Nor when a ledger that was founded elsewhere was moved there: it is refused each time, and nothing was written."""
    client = seaweed.client()
    ledger = open_ledger(BucketOfEntries(client, PLAIN, seaweed.prefix()), tmp_path / "ledger.key", now=NOW)
    ledger.add("ada", "erasure", now=NOW)
    with unconditional(client):
        for _ in range(2):
            with pytest.raises(LedgerError, match="replaces what is there"):
                ledger.add("ben", "erasure", now=NOW)
    assert [entry.subject for entry in ledger.since()] == ["ada"]


def test_all_pages_of_a_listing_are_read(seaweed: Seaweed, tmp_path: Path) -> None:
    """However few entries the server tells at once; objects that are none are passed over."""
    client = seaweed.client()
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 2})
    prefix = seaweed.prefix()
    client.put_object(Bucket=PLAIN, Key=f"{prefix}/a note", Body=b"")
    ledger = open_ledger(BucketOfEntries(client, PLAIN, prefix), tmp_path / "ledger.key", now=NOW)
    for number in range(6):
        ledger.add(f"person-{number}", "erasure", now=NOW)
    assert BucketOfEntries(client, PLAIN, prefix).numbers() == list(range(7))


def test_an_entry_under_object_lock_cannot_be_deleted(seaweed: Seaweed, tmp_path: Path) -> None:
    """The bucket's own default retention keeps every version; a delete marker before it is found, and no loss."""
    client = seaweed.client()
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    days = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    client.put_object_lock_configuration(
        Bucket="locked", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": days}
    )
    store = BucketOfEntries(client, "locked", seaweed.prefix())
    ledger = open_ledger(store, tmp_path / "ledger.key", now=NOW)
    ledger.add("ada", "erasure", now=NOW)
    for each in client.list_object_versions(Bucket="locked")["Versions"]:
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(Bucket="locked", Key=each["Key"], VersionId=each["VersionId"])
    name = f"{store._prefix}0000000000.entry"
    marker = client.delete_object(Bucket="locked", Key=name)["VersionId"]
    with pytest.raises(LedgerError, match="is not where it should be"):
        ledger.head()
    client.delete_object(Bucket="locked", Key=name, VersionId=marker)
    assert [entry.subject for entry in ledger.since()] == ["ada"]


def test_what_cannot_be_used_is_said(seaweed: Seaweed, tmp_path: Path) -> None:
    """No such bucket, a stranger's credentials, no such address: each a sentence, and no key file is made."""
    stranger = client_at(seaweed.endpoint, secret="a guess")
    for client, bucket, said in (
        (seaweed.client(), "absent", "bucket of the erasure ledger does not exist"),
        (stranger, PLAIN, "erasure ledger refuses this: check the credentials"),
    ):
        with pytest.raises(LedgerError, match=said):
            open_ledger(BucketOfEntries(client, bucket), tmp_path / "ledger.key", now=NOW)
    with pytest.raises(LedgerError, match="is s3://bucket"):
        BucketOfEntries.at("s3://Bucket/a", stranger)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """After few attempts; every method says it in the same sentence."""
    monkeypatch.setattr(s3, "HURRIED_ATTEMPTS", 1)
    gone = BucketOfEntries(client_at(f"http://127.0.0.1:{free_port()}"), PLAIN)
    for use in (gone.numbers, lambda: gone.add(0, b""), lambda: list(gone.lines([0]))):
        with pytest.raises(
            LedgerError, match=r"erasure ledger does not answer .EndpointConnectionError.: check its address"
        ):
            use()


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts and never answers: it is asked twice, each time for some seconds, because others wait meanwhile."""
    assert s3.HURRIED_ATTEMPTS == 2
    monkeypatch.setattr(s3, "HURRIED_READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = BucketOfEntries(client_at(f"http://127.0.0.1:{silent.getsockname()[1]}"), PLAIN)
        with pytest.raises(LedgerError, match=r"does not answer .ReadTimeoutError."):
            store.add(0, b"")
        silent.settimeout(0)
        assert [silent.accept()[0].close() for _ in range(2)] == [None, None]
        with pytest.raises(BlockingIOError):
            silent.accept()
