"""Objects encrypted under their person's key, a segment at a time, on any ObjectStore."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from datasteward.crypto import HEADER_BYTES, Part, associated_data, plaintext_size
from datasteward.keys import Vault
from datasteward.objects.store import ObjectStore, Stored, check_key


@dataclass(frozen=True, slots=True)
class Look:
    """What is said of an object without its key."""

    size: int
    """Bytes of the plaintext, as far as the store is to be believed."""
    version: str
    """Another one at each put. It comes from the random header, so that equal pictures cannot be told by it."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of an object, with what is said of the whole: all of one and the same version."""

    look: Look
    chunks: Iterator[bytes]
    """The plaintext of the part."""


class EncryptedObjects:
    """Each object is bound to its person and its key: copied to another key or person, it does not open.

    `deleting` is the same store for those who delete, in transactions that others wait for: it gives up sooner.
    Every method may raise ObjectStoreError, and those that name a person KeyMissing.
    """

    def __init__(self, store: ObjectStore, vault: Vault, *, deleting: ObjectStore | None = None) -> None:
        self._store, self._deleting = store, deleting or store
        self._vault = vault

    @property
    def stored(self) -> ObjectStore:
        """The store beneath, with the ciphertext as it is: what a backup copies."""
        return self._store

    def put(self, subject: str, key: str, chunks: Iterable[bytes]) -> int:
        """Encrypts and stores; gives the bytes stored, which are a little more than the plaintext's.

        Atomic: nothing is reachable before the last byte is durable. What the chunks raise goes through, and nothing
        has changed.
        """
        return self._store.put(key, self._vault.seal_stream(subject, chunks, _context(subject, key)))

    def open(self, subject: str, key: str) -> Iterator[bytes]:
        """Plaintext in chunks, each verified before it is given out.

        Raises ObjectMissing and KeyMissing at the call; DecryptionFailed while it is read, at the first segment that
        does not verify, and at the end when the object was cut short.
        """
        return self._vault.reveal_stream(subject, self._store.get(key), _context(subject, key))

    def open_range(self, subject: str, key: str, start: int, length: int) -> Excerpt:
        """A part of the plaintext, as a slice gives it: only the segments it needs are fetched, and each is verified.

        The store is asked once. Raises like `open`, and DecryptionFailed at the call at an object that is damaged like one
        of `look`. That the rest of the object is whole is not looked at.
        """
        parts: list[Part] = []

        def read(begins: int, amount: int) -> Part:
            parts.append(self._store.get_range(key, begins, amount))
            return parts[-1]

        chunks = self._vault.reveal_range(subject, read, start, length, _context(subject, key))
        return Excerpt(_look(parts[0]), chunks)

    def read(self, subject: str, key: str) -> bytes:
        """The whole plaintext, given only when all of it verifies."""
        return b"".join(self.open(subject, key))

    def look(self, key: str) -> Look:
        """What may be said of an object before it is opened. Raises ObjectMissing, or DecryptionFailed at a damaged one."""
        return _look(self._store.get_range(key, 0, HEADER_BYTES))

    def delete(self, key: str) -> bool:
        """Deletes the object for good; False when there was none."""
        return self._deleting.delete(key)

    def size(self, key: str) -> int:
        """The bytes stored. Raises ObjectMissing."""
        return self._store.stat(key).size

    def stat(self, key: str) -> Stored:
        """What the store tells of it: bytes stored, and when. Raises ObjectMissing."""
        return self._store.stat(key)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with the prefix, in no order."""
        return self._store.list(prefix)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in no order."""
        return (each.key for each in self._store.list(prefix))

    def sweep(self, before: datetime) -> int:
        """Removes what interrupted writes have left, those begun before then where nothing else tells; how many."""
        return self._store.sweep(before)


def _look(part: Part) -> Look:
    return Look(plaintext_size(part.size), hashlib.sha256(part.head[:HEADER_BYTES]).hexdigest()[:32])


def _context(subject: str, key: str) -> bytes:
    return associated_data("datasteward/object/1", subject, check_key(key))
