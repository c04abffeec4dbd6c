"""Objects encrypted under their person's key, a segment at a time, on any ObjectStore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from datasteward.crypto import associated_data
from datasteward.keys import Vault
from datasteward.objects.store import ObjectStore, check_key


class EncryptedObjects:
    """Each object is bound to its person and its key: copied to another key or person, it does not open.

    Every method may raise ObjectStoreError, and those that name a person KeyMissing.
    """

    def __init__(self, store: ObjectStore, vault: Vault) -> None:
        self._store = store
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

    def read(self, subject: str, key: str) -> bytes:
        """The whole plaintext, given only when all of it verifies."""
        return b"".join(self.open(subject, key))

    def delete(self, key: str) -> bool:
        """Deletes the object for good; False when there was none."""
        return self._store.delete(key)

    def size(self, key: str) -> int:
        """The bytes stored. Raises ObjectMissing."""
        return self._store.size(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in no order."""
        return self._store.keys(prefix)


def _context(subject: str, key: str) -> bytes:
    return associated_data("datasteward/object/1", subject, check_key(key))
