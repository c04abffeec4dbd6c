"""The places where a ledger's entries can be kept, as somebody who may write there can spoil them."""

from __future__ import annotations

from pathlib import Path

from support.seaweed import Seaweed

from datasteward.ledger import DirectoryOfEntries, EntryStore
from datasteward.ledger.bucket import BucketOfEntries
from datasteward.ledger.store import name_of


class Files:
    """The entries of a directory, as somebody who may write there can change them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def store(self) -> EntryStore:
        """The entries as another process has them."""
        return DirectoryOfEntries(self.path)

    def get(self, number: int) -> bytes:
        """The line that is there."""
        return next(self.store().lines([number]))

    def put(self, number: int, line: bytes) -> None:
        """Puts a line there, in place of what there is."""
        (self.path / name_of(number)).write_bytes(line)

    def remove(self, number: int) -> None:
        """Takes an entry out."""
        (self.path / name_of(number)).unlink()


class Keys:
    """The entries under a prefix of a bucket, as somebody who may write there can change them."""

    def __init__(self, seaweed: Seaweed, bucket: str) -> None:
        self.seaweed, self.bucket, self.prefix = seaweed, bucket, seaweed.prefix()

    def store(self) -> EntryStore:
        """The entries as another process has them."""
        return BucketOfEntries(self.seaweed.client(), self.bucket, self.prefix)

    def get(self, number: int) -> bytes:
        """The line that is there."""
        return next(self.store().lines([number]))

    def put(self, number: int, line: bytes) -> None:
        """Puts a line there, in place of what there is."""
        self.seaweed.client().put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name_of(number)}", Body=line)

    def remove(self, number: int) -> None:
        """Takes an entry out: a delete marker stands before it where the bucket keeps versions."""
        self.seaweed.client().delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{name_of(number)}")


Entries = Files | Keys
