"""Fields: Tink's AEAD wire format with AES-256-GCM.

    0x01 | key id, 4 bytes big-endian | IV, 12 bytes | ciphertext | tag, 16 bytes

Source: https://developers.google.com/tink/wire-format and NIST SP 800-38D. The IV is random for every call, from the
operating system; with 96 random bits a key stays below a collision chance of 2^-32 for 2^32 fields, and each person
has keys of their own. What it does not hide: the length of the plaintext.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datasteward.crypto.keyset import Keyset, KeysetKind
from datasteward.errors import DecryptionFailed

VERSION = b"\x01"
PREFIX_BYTES = 5
IV_BYTES = 12
TAG_BYTES = 16
BODY = PREFIX_BYTES + IV_BYTES
LEAST = BODY + TAG_BYTES

FAILED = "A sealed value does not open: it was changed, moved to another place, or sealed under another key."


class FieldCipher:
    """Encrypts and decrypts fields under one keyset. May be shared by threads."""

    def __init__(self, keyset: Keyset) -> None:
        if keyset.kind is not KeysetKind.FIELDS:
            raise ValueError("Fields need a keyset for fields.")
        self._ciphers = {VERSION + key.id.to_bytes(4, "big"): AESGCM(key.secret) for key in keyset.keys}
        self._prefix = VERSION + keyset.primary.to_bytes(4, "big")
        self._primary = self._ciphers[self._prefix]

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Ciphertext bound to the associated data; 33 bytes longer than the plaintext."""
        iv = os.urandom(IV_BYTES)
        return self._prefix + iv + self._primary.encrypt(iv, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """The plaintext. Raises DecryptionFailed unless every byte and the associated data are as they were."""
        cipher = self._ciphers.get(ciphertext[:PREFIX_BYTES])
        if cipher is None or len(ciphertext) < LEAST:
            raise DecryptionFailed(FAILED)
        try:
            return cipher.decrypt(ciphertext[PREFIX_BYTES:BODY], ciphertext[BODY:], associated_data)
        except InvalidTag:
            raise DecryptionFailed(FAILED) from None
