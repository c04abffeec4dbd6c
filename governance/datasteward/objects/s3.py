"""Objects in an S3 bucket, on AWS or on any server that speaks its protocol.

A write of up to a part is one request; a longer one is a multipart upload, of which nobody sees anything before it is
completed. The first bytes of an object stand in its metadata as well, so that a range is one request, header included.
Deleting takes every version, every delete marker and every open upload: a plain DELETE in a versioned bucket leaves the
bytes readable, a listing does not show open uploads, and a deletion of many answers 200 with the errors inside.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, dropwhile, islice
from typing import Any

from datasteward.crypto import HEADER_BYTES, Part
from datasteward.errors import ObjectMissing, ObjectStoreError
from datasteward.objects.reading import Reading
from datasteward.objects.store import Stored, check_key
from datasteward.s3 import Bucket, Kept

PART_BYTES = 8 << 20
"""Bytes of a part of an upload. S3 wants 5 MiB at least and 10,000 parts at most."""
MOST_PARTS = 10_000
AT_ONCE = 1000
"""Versions that one request may delete."""
HEAD = "head"

SEALS = ("ETag", "ChecksumCRC32")
"""What the answer to a part says that the completion has to repeat."""

MISSING = ("404", "NoSuchKey", "NoSuchUpload")


class _OutOfRange(ObjectStoreError):
    """The range begins where the object has ended."""


OBJECTS = Kept(
    "object store",
    ObjectStoreError,
    dict.fromkeys(MISSING, (ObjectMissing, "There is no object under this key: it was deleted or never stored."))
    | dict.fromkeys(
        ("416", "InvalidRange"),
        (_OutOfRange, "The range begins behind the end of the object: ask for an earlier one."),
    ),
)


class S3Bucket(Bucket):
    """An ObjectStore in a bucket, under a prefix of its keys. May be shared by threads.

    `encryption` is what S3 itself encrypts with, on top: `AES256`, `aws:kms`, or None for what the bucket does by default.
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "", *, encryption: str | None = "AES256") -> None:
        super().__init__(client, bucket, prefix, OBJECTS)
        self._encryption = {"ServerSideEncryption": encryption} if encryption else {}

    @classmethod
    def at(cls, url: str, client: Any, *, encryption: str | None = "AES256") -> S3Bucket:
        """The store at `s3://bucket/prefix`. Raises ObjectStoreError when that is no such address."""
        return cls(client, *OBJECTS.address(url), encryption=encryption)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Stores the chunks, and gives their size in bytes; keeps a few parts of 8 MiB in memory."""
        name = self._name(key)
        parts = _parts(chunks)
        first = next(parts)
        kept = {**self._encryption, "Metadata": {HEAD: base64.b64encode(first[:HEADER_BYTES]).decode()}}
        if len(first) < PART_BYTES:
            made = self._ask("put_object", Key=name, Body=first, **kept)
            size = len(first)
        else:
            made, size = self._upload(name, first, parts, kept)
        if made.get("VersionId", "null") != "null":
            older = dropwhile(lambda each: each["VersionId"] != made["VersionId"], self._versions(name, "Versions"))
            self._drop(list(islice(older, 1, None)))
        return size

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes, in chunks of 64 KiB. Raises ObjectMissing at the call."""
        return Reading(self._ask("get_object", Key=self._name(key))["Body"], OBJECTS.faults)

    def get_range(self, key: str, start: int, length: int) -> Part:
        """So many bytes from `start` on, or what there is. Raises ObjectMissing at the call."""
        name = self._name(key)
        try:
            got = self._ask("get_object", Key=name, Range=f"bytes={start}-{start + length - 1}")
        except _OutOfRange:
            found = self._ask("head_object", Key=name)
            return Part(found["ContentLength"], self._head(name, found), iter(()))
        size = int(got["ContentRange"].rpartition("/")[2])
        return Part(size, self._head(name, got), Reading(got["Body"], OBJECTS.faults))

    def delete(self, key: str) -> bool:
        """Deletes every version, delete marker and open upload of the object; False when nothing of it could be read."""
        name = self._name(key)
        for upload in self._uploads(name):
            if upload["Key"] == name:
                self._abort(name, upload["UploadId"])
        versions = list(self._versions(name, "Versions"))
        self._drop([*versions, *self._versions(name, "DeleteMarkers")])
        return bool(versions)

    def stat(self, key: str) -> Stored:
        """Its size and age. Raises ObjectMissing."""
        found = self._ask("head_object", Key=self._name(key))
        return Stored(key, found["ContentLength"], found["LastModified"].astimezone(UTC))

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with the prefix."""
        for page in self._pages("list_objects_v2", self._prefix + prefix):
            for each in page.get("Contents", ()):
                key = each["Key"].removeprefix(self._prefix)
                yield Stored(key, each["Size"], each["LastModified"].astimezone(UTC))

    def sweep(self, before: datetime) -> int:
        """Aborts the uploads that were begun before then, and gives their number: nobody can be at them any more."""
        old = [each for each in self._uploads(self._prefix) if each["Initiated"] < before]
        for each in old:
            self._abort(each["Key"], each["UploadId"])
        return len(old)

    def check(self) -> None:
        """Raises ObjectStoreError unless the bucket is there and may be used."""
        try:
            self._ask("head_bucket")
        except ObjectMissing as error:
            raise OBJECTS.no_bucket from error

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _upload(
        self, name: str, first: bytes, rest: Iterator[bytes], kept: dict[str, Any]
    ) -> tuple[dict[str, Any], int]:
        """A multipart upload, completed, and its size; aborted when anything fails, the chunks included."""
        upload = self._ask("create_multipart_upload", Key=name, **kept)["UploadId"]
        try:
            size, done = 0, []
            for number, part in enumerate(chain([first], rest), start=1):
                if number > MOST_PARTS:
                    raise ObjectStoreError("An object has 80 GiB at most: this one is longer, divide it.")
                told = self._ask("upload_part", Key=name, UploadId=upload, PartNumber=number, Body=part)
                done.append({"PartNumber": number} | {each: told[each] for each in SEALS if each in told})
                size += len(part)
            whole = {"Parts": done}
            return self._ask("complete_multipart_upload", Key=name, UploadId=upload, MultipartUpload=whole), size
        except BaseException:
            with suppress(ObjectStoreError):
                self._abort(name, upload)
            raise

    def _abort(self, name: str, upload: str) -> None:
        with suppress(ObjectMissing):  # it was completed or aborted meanwhile
            self._ask("abort_multipart_upload", Key=name, UploadId=upload)

    def _head(self, name: str, got: dict[str, Any]) -> bytes:
        """The first bytes of the version that was got: from its metadata, or fetched when another program stored it."""
        if HEAD in got["Metadata"]:
            return base64.b64decode(got["Metadata"][HEAD])
        with suppress(_OutOfRange):  # it is empty
            first = self._ask("get_object", Key=name, Range=f"bytes=0-{HEADER_BYTES - 1}", IfMatch=got["ETag"])
            return b"".join(Reading(first["Body"], OBJECTS.faults))
        return b""

    def _uploads(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._pages("list_multipart_uploads", prefix):
            yield from page.get("Uploads", ())

    def _versions(self, name: str, kind: str) -> Iterator[dict[str, str]]:
        """`Versions` or `DeleteMarkers` of one object, the newest first, as `_drop` takes them."""
        for page in self._pages("list_object_versions", name):
            for each in page.get(kind, ()):
                if each["Key"] == name:
                    yield {"Key": name, "VersionId": each["VersionId"]}

    def _drop(self, versions: Sequence[dict[str, str]]) -> None:
        for start in range(0, len(versions), AT_ONCE):
            some = {"Objects": versions[start : start + AT_ONCE], "Quiet": True}
            kept = self._ask("delete_objects", Delete=some).get("Errors", ())
            if kept:
                raise ObjectStoreError(
                    f"The object store keeps {len(kept)} versions of an object ({kept[0].get('Code')}): "
                    "give this user the right to delete versions, then do it again."
                )


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks cut into parts of 8 MiB, the last one shorter; one empty part when there is nothing."""
    held, given = bytearray(), False
    for chunk in chunks:
        held += chunk
        while len(held) >= PART_BYTES:
            yield bytes(memoryview(held)[:PART_BYTES])
            given = True
            del held[:PART_BYTES]
    if held or not given:
        yield bytes(held)
