"""The vault: seals and reveals with each person's own keys, and destroys them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from datasteward.crypto import Box, FieldCipher, Keyset, KeysetKind, Part, StreamCipher, home
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys.cache import KeyCache
from datasteward.keys.context import Context
from datasteward.keys.store import KeyStore

CACHE_SECONDS = 60.0
CACHED_SUBJECTS = 1000


@dataclass(frozen=True, slots=True)
class _Ciphers:
    fields: FieldCipher
    streams: StreamCipher


class Vault:
    """What the service encrypts with. May be shared by threads.

    Unwrapped keys are kept for `cache_seconds` and for `cached_subjects` persons at most. A destroyed key is refused at
    once in this process, and within `cache_seconds` in every other. Every method may raise KeyStoreError.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        cache_seconds: float = CACHE_SECONDS,
        cached_subjects: int = CACHED_SUBJECTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._cache: KeyCache[_Ciphers] = KeyCache(age=cache_seconds, size=cached_subjects, clock=clock)

    def create(self, subject: str) -> None:
        """Makes the person's keys; durable when it returns. Does nothing when there are keys."""
        if not self._store.has(subject):
            self._store.add(subject, {kind: Keyset.random(kind).to_bytes() for kind in KeysetKind})

    def has(self, subject: str) -> bool:
        """Whether the person has keys, as the key store says now."""
        return self._store.has(subject)

    def count(self) -> int:
        """How many persons have keys, as the key store says now."""
        return self._store.count()

    def destroy(self, subject: str) -> bool:
        """Shreds the person's keys: all that was sealed under them is unreadable from now on, for ever.

        Nothing of the wrapped keys is left in the key store's file, log or free pages. False when there were none.
        """
        try:
            return self._store.destroy(subject)
        finally:
            self._cache.forget(subject)

    def seal(self, context: Context, plaintext: bytes | str) -> Box:
        """Encrypts a field for its place. Raises KeyMissing."""
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        sealed = self._ciphers(context.subject).fields.encrypt(data, context.associated_data())
        return Box(sealed, home(context.table, context.column))

    def reveal(self, context: Context, box: Box) -> bytes:
        """Decrypts a field. Raises KeyMissing, or DecryptionFailed when it was not sealed for this place."""
        ciphers = self._cache.get(context.subject, self._load)
        return ciphers.fields.decrypt(box.ciphertext, context.associated_data())

    def reveal_text(self, context: Context, box: Box) -> str:
        """Decrypts a field that was sealed as text."""
        return self.reveal(context, box).decode()

    def fields(self, subject: str) -> FieldCipher:
        """The cipher of a person's fields, for many at once (see datasteward.keys.bulk). Raises KeyMissing."""
        return self._ciphers(subject).fields

    def derive(self, subject: str, use: bytes) -> bytes:
        """32 secret bytes that follow from the subject's keys and `use`, the same each time. Raises KeyMissing."""
        return self._ciphers(subject).streams.derive(use)

    def seal_stream(self, subject: str, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Encrypts a stream, a segment at a time. Raises KeyMissing at the call."""
        return self._ciphers(subject).streams.encrypt(chunks, associated_data)

    def reveal_stream(self, subject: str, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Decrypts a stream, each chunk verified before it is given out.

        Raises KeyMissing at the call, DecryptionFailed while it is read.
        """
        return self._ciphers(subject).streams.decrypt(chunks, associated_data)

    def reveal_range(
        self, subject: str, read: Callable[[int, int], Part], start: int, length: int, associated_data: bytes
    ) -> Iterator[bytes]:
        """Decrypts a part of a stream (see StreamCipher.decrypt_range). Raises KeyMissing at the call."""
        return self._ciphers(subject).streams.decrypt_range(read, start, length, associated_data)

    def close(self) -> None:
        """Closes the key store."""
        self._store.close()

    def _ciphers(self, subject: str) -> _Ciphers:
        return self._cache.get(subject, self._load)

    def _load(self, subject: str) -> _Ciphers:
        found = self._store.keysets(subject)
        if not found:
            raise KeyMissing("The key of this person is destroyed or was never made: its data cannot be read.")
        try:
            fields, streams = (Keyset.from_bytes(kind, found[kind]) for kind in KeysetKind)
        except (KeyError, ValueError):
            raise DecryptionFailed("A person's keyset in the key store is damaged: restore the key store.") from None
        return _Ciphers(FieldCipher(fields), StreamCipher(streams))
