"""Fields: Tink's AEAD wire format with AES-256-GCM.

    0x01 | key id, 4 bytes big-endian | IV, 12 bytes | ciphertext | tag, 16 bytes

Source: https://developers.google.com/tink/wire-format and NIST SP 800-38D. The IV is random for every call, from the
operating system; with 96 random bits a key stays below a collision chance of 2^-32 for 2^32 fields, and each person
has keys of their own. What it does not hide: the length of the plaintext.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datasteward.crypto.box import Box, Home
from datasteward.crypto.keyset import Keyset, KeysetKind
from datasteward.errors import DecryptionFailed

VERSION = b"\x01"
PREFIX_BYTES = 5
IV_BYTES = 12
TAG_BYTES = 16
BODY = PREFIX_BYTES + IV_BYTES
LEAST = BODY + TAG_BYTES
PREFIX, IV, SEALED = slice(PREFIX_BYTES), slice(PREFIX_BYTES, BODY), slice(BODY, None)
"""The parts of a ciphertext."""

Opener = Callable[[bytes, bytes, bytes | None], bytes]
FAILED = "A sealed value does not open: it was changed, moved to another place, or sealed under another key."
NO_TEXT = "A sealed value is no text: it was sealed as bytes, so read it with Vault.reveal."


def is_sealed(ciphertext: bytes) -> bool:
    """Whether this has the form of a sealed field; whether it opens, only the key tells."""
    return ciphertext[: len(VERSION)] == VERSION and len(ciphertext) >= LEAST


class UnknownKey(DecryptionFailed):
    """The ciphertext names a key that is not in the keyset: it is another's, or was made since the keyset was loaded."""


class FieldCipher:
    """Encrypts and decrypts fields under one keyset. May be shared by threads."""

    def __init__(self, keyset: Keyset) -> None:
        if keyset.kind is not KeysetKind.FIELDS:
            raise ValueError("Fields need a keyset for fields.")
        self._openers: dict[bytes, Opener] = {}
        for key in keyset.keys:
            prefix, opener = VERSION + key.id.to_bytes(4, "big"), AESGCM(key.secret).decrypt
            first = self._openers.get(prefix)  # ids are random numbers of 32 bits: two keys may have the same
            self._openers[prefix] = opener if first is None else partial(_either, first, opener)
        self._prefix = VERSION + keyset.primary.to_bytes(4, "big")
        self._primary = AESGCM(next(key.secret for key in keyset.keys if key.id == keyset.primary))

    @property
    def prefixes(self) -> tuple[bytes, ...]:
        """How everything begins that one of the keys has encrypted: the TINK prefixes."""
        return tuple(self._openers)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Ciphertext bound to the associated data; 33 bytes longer than the plaintext."""
        iv = os.urandom(IV_BYTES)
        return self._prefix + iv + self._primary.encrypt(iv, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """The plaintext. Raises DecryptionFailed unless every byte and the associated data are as they were."""
        opener = self._openers.get(ciphertext[PREFIX])
        if opener is None:
            raise UnknownKey(FAILED)
        if len(ciphertext) < LEAST:
            raise DecryptionFailed(FAILED)
        try:
            return opener(ciphertext[IV], ciphertext[SEALED], associated_data)
        except InvalidTag:
            raise DecryptionFailed(FAILED) from None

    def seal_texts(
        self, texts: Iterable[str | None], heads: Sequence[bytes], homes: Sequence[Home], tail: bytes
    ) -> list[Box | None]:
        """Boxes of the texts of one row, None kept: `encrypt` for many.

        The associated data of each is the head of its column, which a person's rows share, then the row's tail.
        """
        ivs = os.urandom(IV_BYTES * len(heads))  # one call to the operating system for the row
        start, encrypt, prefix = -IV_BYTES, self._primary.encrypt, self._prefix
        boxes: list[Box | None] = []
        for text, head, home in zip(texts, heads, homes, strict=True):
            start += IV_BYTES
            iv = ivs[start : start + IV_BYTES]
            boxes.append(None if text is None else Box(prefix + iv + encrypt(iv, text.encode(), head + tail), home))
        return boxes

    def open_texts(self, boxes: Iterable[Box | None], heads: Iterable[bytes], tail: bytes) -> tuple[str | None, ...]:
        """The texts of the boxes of one row, None kept: `decrypt` for many, bound as in `seal_texts`."""
        openers = self._openers
        texts: list[str | None] = []
        try:
            for box, head in zip(boxes, heads):  # noqa: B905 - strict would cost a tenth of the loop
                if box is None:
                    texts.append(None)
                    continue
                stored = box.ciphertext
                texts.append(openers[stored[PREFIX]](stored[IV], stored[SEALED], head + tail).decode())
        except UnicodeDecodeError:
            raise DecryptionFailed(NO_TEXT) from None
        except KeyError:
            raise UnknownKey(FAILED) from None
        except (InvalidTag, ValueError):  # changed or moved, cut short
            raise DecryptionFailed(FAILED) from None
        return tuple(texts)


def _either(first: Opener, second: Opener, iv: bytes, sealed: bytes, associated_data: bytes | None) -> bytes:
    try:
        return first(iv, sealed, associated_data)
    except InvalidTag:
        return second(iv, sealed, associated_data)
