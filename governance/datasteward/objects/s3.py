"""Objects in an S3 bucket, on AWS or on any server that speaks its protocol.

A write of up to a part is one request; a longer one is a multipart upload, of which nobody sees anything before it is
completed. The first bytes of an object stand in its metadata as well, so that a range is one request, header included.
Deleting takes every version, every delete marker and every open upload: a plain DELETE in a versioned bucket leaves the
bytes readable, a listing shows neither them nor open uploads, and a deletion of many answers 200 with the errors inside.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from datasteward.crypto import HEADER_BYTES, Part
from datasteward.errors import ObjectMissing, ObjectStoreAway, ObjectStoreError, UploadEnded
from datasteward.objects.reading import Reading
from datasteward.objects.store import Stored, check_key, is_key
from datasteward.s3 import Bucket, Kept

PART_BYTES = 8 << 20
"""Bytes of a part of an upload. S3 wants 5 MiB at least and 10,000 parts at most."""
MOST_PARTS = 10_000
AT_ONCE = 1000
"""Versions that one request may delete."""
HEAD = "head"
UNVERSIONED = "null"
"""The version of what was put while the bucket kept none: before it did, or while that is suspended."""

SEALS = ("ETag", "ChecksumCRC32")
"""What the answer to a part says that the completion has to repeat."""

MISSING = ("404", "NoSuchKey")


class _OutOfRange(ObjectStoreError):
    """The range begins where the object has ended."""


OBJECTS = Kept(
    "object store",
    ObjectStoreError,
    dict.fromkeys(MISSING, (ObjectMissing, "There is no object under this key: it was deleted or never stored."))
    | dict.fromkeys(
        ("416", "InvalidRange"),
        (_OutOfRange, "The range begins behind the end of the object: ask for an earlier one."),
    )
    | {"NoSuchUpload": (UploadEnded, "The upload was ended by a deletion before it was whole: do it again.")},
    away=ObjectStoreAway,
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
        """Stores the chunks, and gives their size in bytes; keeps a few parts of 8 MiB in memory.

        Raises UploadEnded when the key is deleted meanwhile, and ObjectStoreError too when they are stored but the versions
        that they replace could not be dropped.
        """
        name = self._name(key)
        parts = _parts(chunks)
        first = next(parts)
        kept = {**self._encryption, "Metadata": {HEAD: base64.b64encode(first[:HEADER_BYTES]).decode()}}
        if len(first) < PART_BYTES:
            made = self._ask("put_object", Key=name, Body=first, **kept)
            size = len(first)
        else:
            made, size = self._upload(name, first, parts, kept)
        self._drop_older(name, made.get("VersionId", UNVERSIONED))
        return size

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes, in chunks of 64 KiB. Raises ObjectMissing at the call."""
        return Reading(self._ask("get_object", Key=self._name(key))["Body"], OBJECTS.faults)

    def get_range(self, key: str, start: int, length: int) -> Part:
        """So many bytes from `start` on, or what there is. Raises ObjectMissing at the call."""
        name = self._name(key)
        if length:
            with suppress(_OutOfRange):
                size, got = self._ask_range(name, start, length)
                return Part(size, self._head(name, got), Reading(got["Body"], OBJECTS.faults))
        found = self._ask("head_object", Key=name)
        return Part(found["ContentLength"], self._head(name, found), iter(()))

    def delete(self, key: str) -> bool:
        """Deletes every version, delete marker and open upload of the object; False when nothing of it could be read."""
        name = self._name(key)
        for upload in self._uploads(name):
            if upload["Key"] == name:
                self._abort(name, upload["UploadId"])
        there = self._of(name)
        self._drop(there)
        return any("Size" in each for each in there)

    def stat(self, key: str) -> Stored:
        """Its size and age. Raises ObjectMissing."""
        found = self._ask("head_object", Key=self._name(key))
        return Stored(key, found["ContentLength"], _modified(found))

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with the prefix; one that a delete marker stands before is `hidden`."""
        for name, entries in groupby(self._entries(self._prefix + prefix), key=itemgetter("Key")):
            versions = [each for each in entries if "Size" in each]  # a delete marker has none
            key = name.removeprefix(self._prefix)
            if versions and is_key(key):
                shown = max(versions, key=itemgetter("IsLatest", "LastModified"))
                yield Stored(key, shown["Size"], _modified(shown), hidden=not shown["IsLatest"])

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
        with suppress(UploadEnded, ObjectMissing):  # it was completed or aborted meanwhile
            self._ask("abort_multipart_upload", Key=name, UploadId=upload)

    def _head(self, name: str, got: dict[str, Any]) -> bytes:
        """The first bytes of the version that was got: from its metadata, or fetched when another program stored it."""
        with suppress(ValueError):  # what another program wrote under this name need not be Base64
            head = base64.b64decode(got["Metadata"].get(HEAD, ""), validate=True)
            if len(head) == HEADER_BYTES:
                return head
        with suppress(_OutOfRange):  # it is empty
            _, first = self._ask_range(name, 0, HEADER_BYTES, IfMatch=got["ETag"])
            return b"".join(Reading(first["Body"], OBJECTS.faults))
        return b""

    def _ask_range(self, name: str, start: int, length: int, **more: Any) -> tuple[int, dict[str, Any]]:
        """The size of the object, and the answer with the range; it has at least one byte, or S3 passes it over."""
        got = self._ask("get_object", Key=name, Range=f"bytes={start}-{start + length - 1}", **more)
        size = got.get("ContentRange", "").rpartition("/")[2]
        if not size.isdecimal():
            got["Body"].close()
            raise ObjectStoreError("The server of the object store answers no ranges: use a server that does.")
        return int(size), got

    def _uploads(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._pages("list_multipart_uploads", prefix):
            yield from page.get("Uploads", ())

    def _entries(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Versions and delete markers, key by key; of one key as the server lists them."""
        for page in self._pages("list_object_versions", prefix):
            found = chain(page.get("Versions", ()), page.get("DeleteMarkers", ()))
            yield from sorted(found, key=itemgetter("Key"))

    def _of(self, name: str) -> Sequence[dict[str, Any]]:
        """Versions and delete markers of one object."""
        return [each for each in self._entries(name) if each["Key"] == name]

    def _drop_older(self, name: str, mine: str) -> None:
        """Drops the versions before this one: all others when it is the latest, else those that are listed after it.

        The latest is looked for because not every server lists `null`, the version of a bucket whose versioning is
        suspended, in its place.
        """
        there = [each for each in self._of(name) if "Size" in each]
        at = next((number for number, each in enumerate(there) if each["VersionId"] == mine), len(there))
        if at < len(there):
            self._drop([*there[:at], *there[at + 1 :]] if there[at]["IsLatest"] else there[at + 1 :])

    def _drop(self, versions: Sequence[dict[str, Any]]) -> None:
        named = [{each: version[each] for each in ("Key", "VersionId")} for version in versions]
        for start in range(0, len(named), AT_ONCE):
            some = {"Objects": named[start : start + AT_ONCE], "Quiet": True}
            kept = self._ask("delete_objects", Delete=some).get("Errors", ())
            if kept:
                raise ObjectStoreError(
                    f"The object store keeps {len(kept)} versions of an object ({kept[0].get('Code')}): "
                    "give this user the right to delete versions, then do it again."
                )


def _modified(told: dict[str, Any]) -> datetime:
    """When an object was stored: in whole seconds, for some servers list parts of them, and a header has none."""
    at: datetime = told["LastModified"]
    return at.astimezone(UTC).replace(microsecond=0)


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
