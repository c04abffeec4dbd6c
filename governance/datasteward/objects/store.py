"""What an object store has to do. It is small, so that another store is one class; it knows nothing of encryption."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from datasteward.crypto import Part
from datasteward.errors import ObjectStoreError

LONGEST_KEY = 200
KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store tells of an object without opening it."""

    key: str
    size: int
    """Bytes stored."""
    modified: datetime
    """When it was stored, UTC."""
    hidden: bool = False
    """It cannot be read, but its bytes are there: another program deleted it from a bucket that keeps versions."""


class ObjectStore(Protocol):
    """Bytes under keys. Keys are opaque ids, never personal data. Each method may raise ObjectStoreError."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Stores the chunks under the key, in place of what was there, and gives their size in bytes."""
        # When it returns, the data is durable. Until the last chunk is stored nothing of it can be read under the key,
        # and whatever was there before stays. When it raises, or the chunks do, nothing has changed; only when its last
        # steps fail (an answer is lost, what it replaces cannot be dropped) the object may be there whole, and older
        # versions of it too. The next put or deletion of the key that returns has dropped them all.

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes, in chunks. Raises ObjectMissing at the call, not while it is read."""
        # When it is replaced or deleted meanwhile, the rest is what it was, or it raises.

    def get_range(self, key: str, start: int, length: int) -> Part:
        """The bytes from `start` on, `length` or what there is, with the object's size and its first bytes.

        Raises ObjectMissing at the call.
        """
        # One request: size, first bytes and range are of the same version of the object.

    def delete(self, key: str) -> bool:
        """Deletes the object for good, with every version; False when there was none, or none any more."""
        # When it returns, the deletion is durable, that of an earlier call which failed included: who deletes asks again
        # until it returns. A write under way may be ended (it raises UploadEnded) or may store its object afterwards. So
        # who writes promises the key to disposal first, takes the promise back with the row, and writes anew where
        # disposal was faster; what a write leaves all the same has no row, and an audit finds it (retention.orphans).

    def stat(self, key: str) -> Stored:
        """Its size and age. Raises ObjectMissing."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with the prefix, in no order, the hidden ones too.

        One that comes or goes meanwhile may be given or not. What others have left there under names that are no keys is
        passed over.
        """

    def sweep(self, before: datetime) -> int:
        """Removes what writes have left that were interrupted, and gives their number."""
        # A store that sees who writes removes what nobody holds any more; one that does not, what was begun before then.


def is_key(name: str) -> bool:
    """Whether an object may have this key; what else lies in the place of a store is not the store's."""
    return len(name) <= LONGEST_KEY and KEY.fullmatch(name) is not None


def check_key(key: str) -> str:
    """Gives the key back. Raises ObjectStoreError unless it is made of `a-z0-9._-` in parts separated by `/`.

    No part is empty or begins with a dot, and there are 200 characters at most.
    """
    if not is_key(key):
        raise ObjectStoreError(
            f"An object key has up to {LONGEST_KEY} characters of a-z, 0-9, '.', '_', '-' and '/', "
            "and no part that is empty or begins with a dot: this one has not."
        )
    return key
