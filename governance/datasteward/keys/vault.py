"""The vault: seals and reveals with each person's own keys, and destroys them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from datasteward.crypto import Box, FieldCipher, Key, Keyset, KeysetKind, Part, StreamCipher, home
from datasteward.crypto.fields import NO_TEXT, UnknownKey
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys.cache import KeyCache
from datasteward.keys.context import Context
from datasteward.keys.state import KeyState, state_of
from datasteward.keys.store import CACHE_SECONDS, MISSING, KeyStore
from datasteward.keys.tables import STANDING, Use

_Cipher = TypeVar("_Cipher", FieldCipher, StreamCipher)
CACHED_SUBJECTS = 1000
CONTENT, RECORDS = Use  # taken out of the enum once: looking into it costs a twentieth of sealing a value


@dataclass(frozen=True, slots=True)
class _Ciphers:
    """`fields` opens what any key of the person sealed; what is new is sealed for content or for records."""

    fields: FieldCipher
    content: FieldCipher | None
    records: FieldCipher | None
    streams: StreamCipher | None


class Vault:
    """What the service encrypts with. May be shared by threads. It uses keys and tells none: that is KeyAdmin's.

    `records` are the (table, column) pairs whose fields are sealed under the person's keys for records, which outlive the
    keys for content where the law has a row kept (policies/encryption.yaml, `keys: records`).
    `at_once` is of how many people values are opened in one go at most (policies/roles.yaml, `exceptional_access`).
    Unwrapped keys are kept for `cache_seconds` and for `cached_subjects` persons at most. A destroyed key is refused at
    once in this process, and within `cache_seconds` in every other. Every method may raise KeyStoreError.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        records: Collection[tuple[str, str]] = (),
        at_once: int | None = None,
        cache_seconds: float = CACHE_SECONDS,
        cached_subjects: int = CACHED_SUBJECTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._records, self.at_once = store, frozenset(records), at_once
        self._cache: KeyCache[_Ciphers] = KeyCache(age=cache_seconds, size=cached_subjects, clock=clock)
        self._standing: set[str] = set()

    @property
    def records(self) -> frozenset[tuple[str, str]]:
        """The (table, column) pairs that are sealed for records."""
        return self._records

    def use_of(self, table: str, column: str) -> Use:
        """Under which of the person's keys the fields of a column are sealed."""
        return RECORDS if (table, column) in self._records else CONTENT

    def create(self, subject: str) -> None:
        """Makes the person's keys; durable when it returns. Does nothing when there are keys.

        Those for records are made when the first of them is sealed.
        """
        if not self._store.has(subject):
            self._store.add(subject, {kind: Keyset.random(kind).to_bytes() for kind in KeysetKind})

    def standing(self, name: str) -> str:
        """The owner of the standing keys of this name, made when there are none, for what belongs to no person.

        No erasure destroys them, and they do not count among people's.
        """
        owner = f"{STANDING}{name}"
        if owner not in self._standing:
            self.create(owner)
            self._standing.add(owner)
        return owner

    def has(self, subject: str, use: Use = Use.CONTENT) -> bool:
        """Whether the person has keys for this use, as the key store says now."""
        return self._store.has(subject, use)

    def having(self, keysets: Collection[tuple[str, Use]]) -> set[tuple[str, Use]]:
        """Which of these people have keys for these uses, as the key store says now: one question about all of them."""
        return self._store.having(keysets)

    def count(self) -> int:
        """How many persons have keys, as the key store says now."""
        return self._store.count()

    def epoch_begun(self) -> datetime:
        """When the present epoch began (UTC): backups made in it hold the keys of its dead until it has ended."""
        return self._store.epoch_begun()

    def state(self, *, made_before: datetime) -> KeyState:
        """How the keys stand now, in numbers; `due` are the keysets made before the given time."""
        return state_of(self._store.engine, made_before=made_before, now=self._store.clock())

    def destroy(self, subject: str, use: Use = Use.CONTENT) -> bool:
        """Shreds the person's keys for this use: all that was sealed under them is unreadable from now on, for ever.

        Those for records stay until they are destroyed too, so that records live out their term (see disposal.keys).
        Nothing of the wrapped keys is left in the key store's file, log or free pages. False when there were none.
        """
        return self.destroy_all([(subject, use)]) == 1

    def destroy_all(self, keysets: Collection[tuple[str, Use]]) -> int:
        """As `destroy`, for many people and uses; cut off, it is done again for all of them. How many there were."""
        try:
            return self._store.destroy_all(keysets)
        finally:
            for subject, _ in keysets:
                self._cache.forget(subject)

    def seal(self, context: Context, plaintext: bytes | str) -> Box:
        """Encrypts a field for its place. Raises KeyMissing."""
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        sealer = self.sealer(context.subject, self.use_of(context.table, context.column))
        sealed = sealer.encrypt(data, context.associated_data())
        return Box(sealed, home(context.table, context.column))

    def reveal(self, context: Context, box: Box) -> bytes:
        """Decrypts a field. Raises KeyMissing, or DecryptionFailed when it was not sealed for this place."""
        return self.open(context.subject, box.ciphertext, context.associated_data())

    def open(self, subject: str, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Decrypts what a `sealer` of this person has bound to something else than a field's place. Raises as `reveal`."""
        try:
            return self.opener(subject).decrypt(ciphertext, associated_data)
        except UnknownKey:
            self.forget(subject)
            return self.opener(subject).decrypt(ciphertext, associated_data)

    def reveal_text(self, context: Context, box: Box) -> str:
        """Decrypts a field that was sealed as text. Raises as `reveal`, and DecryptionFailed when it is none."""
        try:
            return self.reveal(context, box).decode()
        except UnicodeDecodeError:  # it holds the whole value
            raise DecryptionFailed(NO_TEXT) from None

    def opener(self, subject: str) -> FieldCipher:
        """What opens all fields of a person, for many at once (see datasteward.keys.bulk). Raises KeyMissing."""
        return self._ciphers(subject).fields

    def forget(self, subject: str) -> None:
        """Drops the unwrapped keys of a person, so that the next use knows those that another process has made since."""
        self._cache.forget(subject)

    def sealer(self, subject: str, use: Use) -> FieldCipher:
        """What seals fields of a person for this use, for many at once. Raises KeyMissing."""
        ciphers = self._ciphers(subject)
        if use is CONTENT:
            return _there(ciphers.content)
        if ciphers.records is None and ciphers.content is not None:
            made = Keyset.random(KeysetKind.FIELDS).to_bytes()
            try:
                self._store.add(subject, {KeysetKind.FIELDS: made}, Use.RECORDS)
            finally:
                self.forget(subject)  # also when the person was erased meanwhile, which the store says
            ciphers = self._ciphers(subject)
        return _there(ciphers.records)

    def marks_of_records(self, subject: str) -> tuple[bytes, ...]:
        """How the ciphertexts of the person begin that the keys for records have made. Raises KeyMissing."""
        records = self._ciphers(subject).records
        return records.prefixes if records is not None else ()

    def derive(self, subject: str, use: bytes) -> bytes:
        """32 secret bytes that follow from the subject's keys and `use`, the same each time. Raises KeyMissing."""
        return self._streams(subject).derive(use)

    def seal_stream(self, subject: str, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Encrypts a stream, a segment at a time. Raises KeyMissing, at the call or once the keys are destroyed."""
        return self._while_there(subject, self._streams(subject).encrypt(chunks, associated_data))

    def reveal_stream(self, subject: str, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Decrypts a stream, each chunk verified before it is given out.

        Raises KeyMissing at the call or once the keys are destroyed, DecryptionFailed while it is read.
        """
        return self._while_there(subject, self._streams(subject).decrypt(chunks, associated_data))

    def reveal_range(
        self, subject: str, read: Callable[[int, int], Part], start: int, length: int, associated_data: bytes
    ) -> Iterator[bytes]:
        """Decrypts a part of a stream (see StreamCipher.decrypt_range). Raises as `reveal_stream`."""
        return self._while_there(subject, self._streams(subject).decrypt_range(read, start, length, associated_data))

    def _while_there(self, subject: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The chunks, as long as the person has keys: a stream that is read slowly does not outlive them."""
        for chunk in chunks:
            self._streams(subject)
            yield chunk

    def close(self) -> None:
        """Drops all unwrapped keys and closes the key store."""
        self._cache.clear()
        self._store.close()

    def _streams(self, subject: str) -> StreamCipher:
        return _there(self._ciphers(subject).streams)

    def _ciphers(self, subject: str) -> _Ciphers:
        return self._cache.get(subject, self._load)

    def _load(self, subject: str) -> _Ciphers:
        found = self._store.opened(subject)
        if not found:
            raise KeyMissing(MISSING)
        try:
            return _ciphers(found)
        except (KeyError, ValueError):
            raise DecryptionFailed("A person's keyset in the key store is damaged: restore the key store.") from None


def _ciphers(found: Mapping[Use, Mapping[KeysetKind, bytes]]) -> _Ciphers:
    fields = {use: Keyset.from_bytes(KeysetKind.FIELDS, kinds[KeysetKind.FIELDS]) for use, kinds in found.items()}
    keys: tuple[Key, ...] = tuple(key for keyset in fields.values() for key in keyset.keys)
    sealers = {use: FieldCipher(keyset) for use, keyset in fields.items()}
    streams = None
    if Use.CONTENT in found:
        streams = StreamCipher(Keyset.from_bytes(KeysetKind.OBJECTS, found[Use.CONTENT][KeysetKind.OBJECTS]))
    whole = Keyset(KeysetKind.FIELDS, keys[0].id, keys)
    return _Ciphers(FieldCipher(whole), sealers.get(Use.CONTENT), sealers.get(Use.RECORDS), streams)


def _there(cipher: _Cipher | None) -> _Cipher:
    if cipher is None:
        raise KeyMissing(MISSING)
    return cipher
