"""Objects in a bucket of a real server: deleted for good, bounded in memory, and clear about what is wrong."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.buckets import silent
from support.seaweed import IDENTITY, PLAIN, REGION, Seaweed, running
from support.service import free_port

from datasteward import s3
from datasteward.errors import ObjectMissing, ObjectStoreError, UploadEnded
from datasteward.objects.s3 import PART_BYTES, S3Bucket
from datasteward.s3 import connect

SOON = timedelta(hours=1)
LONG = PART_BYTES + 5


def versions(bucket: S3Bucket) -> list[tuple[str, str]]:
    """Key and kind of all that the store still holds, delete markers and open uploads included."""
    here = {"Bucket": bucket._bucket, "Prefix": bucket._prefix}
    told = bucket._client.list_object_versions(**here) | bucket._client.list_multipart_uploads(**here)
    kinds = ("Versions", "DeleteMarkers", "Uploads")
    return sorted((each["Key"].removeprefix(bucket._prefix), kind) for kind in kinds for each in told.get(kind, ()))


def test_deletion_takes_versions_markers_and_open_uploads(bucket: S3Bucket) -> None:
    """A plain DELETE leaves readable versions and a listing hides uploads: afterwards there is none of either."""
    name = bucket._prefix + "a"
    for text in (b"first", b"second"):
        bucket._client.put_object(Bucket=bucket._bucket, Key=name, Body=text)
    bucket._client.delete_object(Bucket=bucket._bucket, Key=name)
    bucket._client.create_multipart_upload(Bucket=bucket._bucket, Key=name)
    bucket.put("a-b", [b"another's"])
    assert len(versions(bucket)) == 5
    assert [each for each in bucket.list("a") if not each.hidden] == [bucket.stat("a-b")]
    assert bucket.delete("a")
    assert versions(bucket) == [("a-b", "Versions")]
    assert not bucket.delete("a")


def test_a_replaced_version_does_not_stay(bucket: S3Bucket) -> None:
    """What a put replaces is gone for good, in a bucket that keeps versions too."""
    for _ in range(3):
        bucket.put("a", [os.urandom(9)])
    bucket.put("a", [bytes(LONG)])
    assert versions(bucket) == [("a", "Versions")]
    assert bucket.stat("a").size == LONG


@pytest.fixture(scope="module")
def suspended(seaweed: Seaweed) -> S3Bucket:
    """A store in a bucket that kept versions and was told to keep no more, with one of `a` from before and one from then.

    What is put now is the version `null`, and those from then stay. Where AWS says `null` this server says nothing, as of
    a bucket that never kept versions; it lists `null` behind the older ones, and keeps a delete marker of that version,
    which holds no bytes, whoever deletes it.
    """
    client, bucket = seaweed.client(), "suspended"
    client.create_bucket(Bucket=bucket)
    store = S3Bucket(client, bucket, seaweed.prefix())
    for status in ("Enabled", "Suspended"):
        client.put_object(Bucket=bucket, Key=store._prefix + "a", Body=status.encode())
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    return store


def test_a_version_from_before_versioning_was_suspended_does_not_stay(suspended: S3Bucket) -> None:
    """What a put replaces is gone for good there too, short and long; and so is what is deleted."""
    assert versions(suspended) == [("a", "Versions")] * 2
    suspended.put("a", [b"short"])
    assert versions(suspended) == [("a", "Versions")]
    suspended._client.delete_object(Bucket=suspended._bucket, Key=suspended._prefix + "a")
    suspended.put("a", [bytes(LONG)])
    assert suspended.stat("a").size == LONG
    assert [each for each in versions(suspended) if each[1] == "Versions"] == [("a", "Versions")]
    assert suspended.delete("a")
    assert [each for each in versions(suspended) if each[1] == "Versions"] == []


def test_what_lies_behind_a_delete_marker_is_listed_as_hidden(
    bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's plain DELETE hides an object, whose bytes stay; wherever a page of the listing ends."""
    for name in ("a", "b", "c"):
        for text in (b"first", b"second!"):
            bucket._client.put_object(Bucket=bucket._bucket, Key=bucket._prefix + name, Body=text)
    bucket._client.delete_object(Bucket=bucket._bucket, Key=bucket._prefix + "b")
    bucket._client.delete_object(Bucket=bucket._bucket, Key=bucket._prefix + "never")
    told = [(each.key, each.size, each.hidden) for each in bucket.list()]
    assert told == [("a", 7, False), ("b", 7, True), ("c", 7, False)]
    paginator = bucket._client.get_paginator

    def short_pages(operation: str) -> Any:
        made = paginator(operation)
        return SimpleNamespace(paginate=lambda **said: made.paginate(**said, PaginationConfig={"PageSize": 1}))

    monkeypatch.setattr(bucket._client, "get_paginator", short_pages)
    assert [(each.key, each.size, each.hidden) for each in bucket.list()] == told
    assert bucket.stat("a") == next(bucket.list("a"))


def test_the_time_of_an_object_is_one_wherever_it_is_told(bucket: S3Bucket) -> None:
    """Some servers list parts of a second, which the header of an answer has no room for (RFC 9110, 5.6.7)."""
    bucket.put("a", [b"x"])

    def finer(parsed: Any, **_: Any) -> None:
        for each in parsed["Versions"]:
            each["LastModified"] = each["LastModified"].replace(microsecond=987_000)

    bucket._client.meta.events.register("after-call.s3.ListObjectVersions", finer)
    assert list(bucket.list()) == [bucket.stat("a")]


def test_more_versions_than_a_request_may_name_go(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deletion goes on until none is left."""
    monkeypatch.setattr("datasteward.objects.s3.AT_ONCE", 2)
    for number in range(5):
        bucket._client.put_object(Bucket=bucket._bucket, Key=bucket._prefix + "a", Body=bytes([number]))
    assert bucket.delete("a")
    assert versions(bucket) == []


def test_an_error_inside_a_successful_answer_is_seen(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """`delete_objects` answers 200 when nothing was deleted: that is no deletion."""
    bucket.put("a", [b"x"])
    kept = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
    monkeypatch.setattr(bucket._client, "delete_objects", lambda **_: kept)
    with pytest.raises(
        ObjectStoreError, match=r"keeps 1 versions of an object .AccessDenied.: give this user the right"
    ):
        bucket.delete("a")


def test_a_put_that_cannot_drop_what_it_replaces_says_so(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new object is there and the old bytes too: it raises, and the next put or deletion takes all that stayed."""
    for again in (lambda: bucket.put("a", [b"third"]), lambda: bucket.delete("a")):
        bucket.put("a", [b"first"])
        with monkeypatch.context() as meanwhile:
            refused = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
            meanwhile.setattr(bucket._client, "delete_objects", lambda refused=refused, **_: refused)
            with pytest.raises(ObjectStoreError, match=r"keeps 1 versions .* then do it again"):
                bucket.put("a", [b"second"])
        assert b"".join(bucket.get("a")) == b"second"
        assert len(versions(bucket)) == 2
        again()
        assert len(versions(bucket)) <= 1


def test_sweep_aborts_what_was_begun_before_and_nothing_else(bucket: S3Bucket, seaweed: Seaweed) -> None:
    """An upload of a killed process goes once it is old enough; objects and young uploads stay, and other prefixes."""
    ask = bucket._client.create_multipart_upload
    ask(Bucket=bucket._bucket, Key=bucket._prefix + "a")
    ask(Bucket=bucket._bucket, Key=seaweed.prefix() + "/a")
    bucket.put("b", [b"x"])
    now = datetime.now(UTC)
    assert bucket.sweep(now - SOON) == 0
    assert bucket.sweep(now + SOON) == 1
    assert versions(bucket) == [("b", "Versions")]


@pytest.mark.parametrize("step", ["upload_part", "complete_multipart_upload"])
def test_an_upload_that_the_server_refuses_is_aborted(
    bucket: S3Bucket, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever request fails, one sentence says so and nothing of it is left."""

    def full(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InsufficientStorage"}}, step)

    monkeypatch.setattr(bucket._client, step, full)
    with pytest.raises(ObjectStoreError, match="full: make room"):
        bucket.put("a", [bytes(LONG)])
    assert versions(bucket) == []


@pytest.mark.parametrize("step", ["UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_a_deletion_ends_says_so(bucket: S3Bucket, step: str) -> None:
    """It is no missing object that somebody asked for; the write can be done again, and what was there before is gone too."""
    bucket.put("a", [b"before"])
    events, hook = bucket._client.meta.events, f"before-call.s3.{step}"

    def meanwhile(**_: Any) -> None:
        events.unregister(hook, meanwhile)
        bucket.delete("a")

    events.register(hook, meanwhile)
    with pytest.raises(UploadEnded, match="ended by a deletion before it was whole: do it again"):
        bucket.put("a", [bytes(LONG)])
    assert versions(bucket) == []
    assert bucket.put("a", [bytes(LONG)]) == LONG


def test_a_server_that_is_full_leaves_nothing_of_what_it_refused() -> None:
    """A real one, in the middle of an upload that it had begun to take: one sentence, no object, no upload, and what was
    there before stays."""
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while given < 32 * PART_BYTES:
            given += PART_BYTES
            yield os.urandom(PART_BYTES)

    with running("master.volumeSizeLimitMB=8", "volume.max=4") as small:
        bucket = S3Bucket(small.client(), PLAIN, small.prefix())
        bucket.put("before", [b"here"])
        for key, refused in (("long", endless()), ("short", [b"x"])):
            with pytest.raises(ObjectStoreError, match=r"fails .InternalError.: check its server and the room"):
                bucket.put(key, refused)
            assert versions(bucket) == [("before", "Versions")]
        assert 2 * PART_BYTES < given < 32 * PART_BYTES
        assert b"".join(bucket.get("before")) == b"here"


def test_a_write_keeps_a_few_parts_in_memory(bucket: S3Bucket) -> None:
    """However long the object is."""

    def chunks() -> Iterator[bytes]:
        for _ in range(1024):
            yield bytes(65536)

    bucket.put("before", [bytes(LONG)])
    tracemalloc.start()
    try:
        assert bucket.put("a", chunks()) == 64 << 20
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * PART_BYTES


def test_an_object_that_another_program_stored_is_read_by_range(bucket: S3Bucket) -> None:
    """Without our metadata the first bytes are fetched from the object itself."""
    whole = os.urandom(5000)
    bucket._client.put_object(Bucket=bucket._bucket, Key=bucket._prefix + "a", Body=whole)
    part = bucket.get_range("a", 1000, 10)
    assert part.head == whole[: len(part.head)]
    assert len(part.head) == 40
    assert b"".join(part.chunks) == whole[1000:1010]


@pytest.mark.parametrize("head", ["x", "=?UTF-8?B?w6k=?=", "YWJj"])
def test_metadata_of_another_program_is_not_taken_for_the_head(bucket: S3Bucket, head: str) -> None:
    """Whatever stands under the name of ours: what is no head is fetched from the object itself."""
    whole = os.urandom(5000)
    name = bucket._prefix + "a"
    bucket._client.put_object(Bucket=bucket._bucket, Key=name, Body=whole, Metadata={"head": head})
    assert bucket.get_range("a", 1000, 10).head == whole[:40]
    assert bucket.get_range("a", 9999, 10).head == whole[:40]


def test_the_server_encrypts_on_top(bucket: S3Bucket) -> None:
    """Short and long objects alike."""
    for key, size in (("short", 5), ("long", LONG)):
        bucket.put(key, [bytes(size)])
        told = bucket._client.head_object(Bucket=bucket._bucket, Key=bucket._prefix + key)
        assert told["ServerSideEncryption"] == "AES256"


def test_prefixes_keep_stores_apart(seaweed: Seaweed) -> None:
    """Two stores in one bucket see nothing of each other."""
    prefix, client = seaweed.prefix(), seaweed.client()
    one, other = S3Bucket(client, PLAIN, prefix + "/one"), S3Bucket.at(f"s3://{PLAIN}/{prefix}/other/", client)
    one.put("a", [b"1"])
    assert list(other.list()) == []
    with pytest.raises(ObjectMissing):
        other.get("a")
    assert not other.delete("a")
    assert [each.key for each in one.list()] == ["a"]


def test_what_cannot_be_used_is_said(seaweed: Seaweed) -> None:
    """No such bucket, a stranger's credentials, no such address: each a sentence, before anything is stored."""
    with pytest.raises(ObjectStoreError, match="bucket of the object store does not exist"):
        S3Bucket(seaweed.client(), "absent").check()
    stranger = connect(seaweed.endpoint, REGION, aws_access_key_id="the-tests", aws_secret_access_key="a guess")
    closed = S3Bucket(stranger, PLAIN)
    for use in (closed.check, closed.list().__next__, lambda: closed.put("a", [b""]), lambda: closed.get("a")):
        with pytest.raises(ObjectStoreError, match="check the credentials"):
            use()
    for address in ("s3://", "s3://a", "bucket", "s3://Bucket/a", "https://bucket"):
        with pytest.raises(ObjectStoreError, match="is s3://bucket"):
            S3Bucket.at(address, stranger)
    with pytest.raises(ObjectStoreError, match="write it as https"):
        connect("no address", None)


def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """After few attempts; every method says it in the same sentence."""
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    key, secret = IDENTITY.values()
    client = connect(f"http://127.0.0.1:{free_port()}", REGION, aws_access_key_id=key, aws_secret_access_key=secret)
    gone = S3Bucket(client, "bucket")
    uses = (gone.check, lambda: gone.put("a", [b""]), lambda: gone.delete("a"), lambda: list(gone.list()))
    for use in uses:
        with pytest.raises(ObjectStoreError, match=r"does not answer .EndpointConnectionError.: check its address"):
            use()


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts and never answers: the wait is bounded."""
    with silent(monkeypatch) as bucket, pytest.raises(ObjectStoreError, match=r"does not answer .ReadTimeoutError."):
        bucket.get("a")


def test_an_answer_that_breaks_off_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost in the middle of an object is told, and not taken for its end."""
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    key, secret = IDENTITY.values()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(70_000))

        breaking = threading.Thread(target=break_off)
        breaking.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = connect(address, REGION, aws_access_key_id=key, aws_secret_access_key=secret)
        reading = S3Bucket(client, "bucket").get("a")
        with pytest.raises(ObjectStoreError, match="does not answer"):
            list(reading)
        breaking.join()


def test_a_server_that_knows_no_ranges_is_said() -> None:
    """It may answer with the whole (RFC 9110, 14.2), and nobody takes that for the part."""
    key, secret = IDENTITY.values()
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe whole") as address:
        client = connect(address, REGION, aws_access_key_id=key, aws_secret_access_key=secret)
        for start, length in ((4, 5), (0, 1)):
            with pytest.raises(ObjectStoreError, match="answers no ranges: use a server that does"):
                S3Bucket(client, "bucket").get_range("a", start, length)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that answers every request so, as long as the block runs; gives its address."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


KILLED = """
import os, signal, sys
from datasteward.objects.s3 import PART_BYTES, S3Bucket
from datasteward.s3 import connect

def chunks():
    yield bytes(2 * PART_BYTES)
    os.kill(os.getpid(), signal.SIGKILL)

client = connect(sys.argv[1], "us-east-1", aws_access_key_id=sys.argv[3], aws_secret_access_key=sys.argv[4])
S3Bucket(client, sys.argv[2], sys.argv[5]).put("a", chunks())
"""


def test_m2_a_killed_writer_leaves_no_object(bucket: S3Bucket, seaweed: Seaweed) -> None:
    """Killed in the middle, nothing is readable; the sweep takes what it had sent, and deletion does too."""
    words = [seaweed.endpoint, bucket._bucket, *IDENTITY.values(), bucket._prefix]
    for clean in (lambda: bucket.sweep(datetime.now(UTC) + SOON), lambda: bucket.delete("a")):
        died = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
        assert died.returncode == -9
        assert versions(bucket) == [("a", "Uploads")]
        with pytest.raises(ObjectMissing):
            bucket.get("a")
        clean()
        assert versions(bucket) == []
