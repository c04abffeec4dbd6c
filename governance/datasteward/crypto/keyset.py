"""Keysets in Tink's binary format, so that any Tink implementation reads our data with a person's keyset.

Source: Tink's tink.proto, aes_gcm.proto and aes_gcm_hkdf_streaming.proto. Of the many kinds of keys in Tink there are
two here: AES256_GCM with the TINK prefix for fields, and AES256_GCM_HKDF in 64 KiB segments, without a prefix, for
objects. A keyset may hold several keys of its kind: the primary one encrypts, all of them decrypt.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from datasteward.crypto.protobuf import Message, encode

SECRET_BYTES = 32
SEGMENT = 65536
"""Bytes of ciphertext in a segment of an object; the first one includes the header."""

SHA256 = 3
SYMMETRIC = 1
ENABLED = 1
TINK_PREFIX, NO_PREFIX = 1, 3


class KeysetKind(StrEnum):
    """What a keyset is for."""

    FIELDS = "fields"
    OBJECTS = "objects"


TYPE_URLS = {
    KeysetKind.FIELDS: "type.googleapis.com/google.crypto.tink.AesGcmKey",
    KeysetKind.OBJECTS: "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
}
PREFIXES = {KeysetKind.FIELDS: TINK_PREFIX, KeysetKind.OBJECTS: NO_PREFIX}


class Key:
    """One key: its id (32 bits, not zero) and its 32 secret bytes. Not to be changed.

    No `repr` shows the secret, and neither a pickle nor an encoder takes the key, alone or in a keyset: what is to be
    stored is `Keyset.to_bytes`, wrapped.
    """

    __slots__ = ("id", "secret")  # no data class: msgspec would encode one

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.id, self.secret = key_id, secret

    def __eq__(self, other: object) -> bool:
        return (self.id, self.secret) == (other.id, other.secret) if isinstance(other, Key) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.id, self.secret))

    def __repr__(self) -> str:
        return f"Key(id={self.id})"

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, memo: object) -> Key:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A key is not pickled: store its keyset wrapped, and unwrap it where it is needed.")

    @classmethod
    def random(cls) -> Key:
        """A new key, from the operating system's source of randomness (which survives a fork)."""
        key_id = 0
        while not key_id:
            key_id = int.from_bytes(os.urandom(4), "big")
        return cls(key_id, os.urandom(SECRET_BYTES))


@dataclass(frozen=True, slots=True)
class Keyset:
    """Keys of one kind; `primary` is the id of the one that encrypts."""

    kind: KeysetKind
    primary: int
    keys: tuple[Key, ...]

    @classmethod
    def random(cls, kind: KeysetKind) -> Keyset:
        """A keyset with one new key."""
        key = Key.random()
        return cls(kind, key.id, (key,))

    @property
    def primary_key(self) -> Key:
        """The key that encrypts."""
        return next(key for key in self.keys if key.id == self.primary)

    def to_bytes(self) -> bytes:
        """Tink's binary Keyset message, in the clear: wrap it before it is stored."""
        return encode([(1, self.primary), *((2, self._key(key)) for key in self.keys)])

    def _key(self, key: Key) -> bytes:
        value = encode([(2, _stream_parameters()), (3, key.secret)])
        if self.kind is KeysetKind.FIELDS:
            value = encode([(3, key.secret)])
        data = encode([(1, TYPE_URLS[self.kind].encode()), (2, value), (3, SYMMETRIC)])
        return encode([(1, data), (2, ENABLED), (3, key.id), (4, PREFIXES[self.kind])])

    @classmethod
    def from_bytes(cls, kind: KeysetKind, data: bytes) -> Keyset:
        """Reads Tink's binary Keyset. Raises ValueError when it is no keyset of this kind; no key is in the message."""
        message = Message(data)
        keys = tuple(_read_key(kind, Message(each)) for each in message.all_bytes(2))
        primary = message.number(1)
        if primary not in {key.id for key in keys}:
            raise ValueError("The keyset has no primary key.")
        return cls(kind, primary, keys)


def _stream_parameters() -> bytes:
    return encode([(1, SEGMENT), (2, SECRET_BYTES), (3, SHA256)])


def _read_key(kind: KeysetKind, key: Message) -> Key:
    data = Message(key.bytes(1))
    value = Message(data.bytes(2))
    expected = (TYPE_URLS[kind].encode(), SYMMETRIC, ENABLED, PREFIXES[kind], 0, SECRET_BYTES)
    found = (data.bytes(1), data.number(3), key.number(2), key.number(4), value.number(1), len(value.bytes(3)))
    if found != expected or not key.number(3):
        raise ValueError(f"The keyset holds a key that is not one for {kind}.")
    if kind is KeysetKind.OBJECTS and value.bytes(2) != _stream_parameters():
        raise ValueError("The keyset holds a key for streams with other parameters.")
    return Key(key.number(3), value.bytes(3))
