"""What an object store has to do. It is small, so that another store is one class; it knows nothing of encryption."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from datasteward.errors import ObjectStoreError

LONGEST_KEY = 200
KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")


class ObjectStore(Protocol):
    """Bytes under keys. Keys are opaque ids, never personal data. Each method may raise ObjectStoreError."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Stores the chunks under the key, in place of what was there, and gives their size in bytes."""
        # When it returns, the data is durable. Until the last chunk is stored nothing of it can be read under the key,
        # and whatever was there before stays. When it raises, or the chunks do, nothing has changed.

    def get(self, key: str) -> Iterator[bytes]:
        """The bytes, in chunks. Raises ObjectMissing at the call, not while it is read."""
        # What is being read stays readable to its end when it is replaced or deleted meanwhile.

    def delete(self, key: str) -> bool:
        """Deletes the object for good, every version of it; False when there was none."""
        # When it returns, the deletion is durable.

    def size(self, key: str) -> int:
        """The size in bytes. Raises ObjectMissing."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in no order. One that comes or goes meanwhile may be given or not."""


def check_key(key: str) -> str:
    """Gives the key back. Raises ObjectStoreError unless it is made of `a-z0-9._-` in parts separated by `/`.

    No part is empty or begins with a dot, and there are 200 characters at most.
    """
    if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
        raise ObjectStoreError(
            f"An object key has up to {LONGEST_KEY} characters of a-z, 0-9, '.', '_', '-' and '/', "
            "and no part that is empty or begins with a dot: this one has not."
        )
    return key
