"""The formats written down once more, from their descriptions alone, on bare primitives: code that is not the code under test.

Sources: governance/datasteward/crypto/FORMATS.md, RFC 5869, NIST SP 800-38D and Tink's wire formats.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT, HEADER, TAG = 65_536, 40, 16
HASH = 32


def associated(use: str, *parts: str) -> bytes:
    """The associated data: each part as its length in 4 bytes and its UTF-8."""
    encoded = b""
    for part in (use, *parts):
        text = part.encode("utf-8")
        encoded += struct.pack(">I", len(text)) + text
    return encoded


def parts(encoded: bytes) -> list[str]:
    """What was encoded as associated data, taken apart again."""
    found = []
    while encoded:
        (size,) = struct.unpack(">I", encoded[:4])
        assert len(encoded) >= 4 + size
        found.append(encoded[4 : 4 + size].decode("utf-8"))
        encoded = encoded[4 + size :]
    return found


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256."""
    extracted = hmac.digest(salt or bytes(HASH), secret, hashlib.sha256)
    out, block = b"", b""
    for number in range(1, -(-length // HASH) + 1):
        block = hmac.digest(extracted, block + info + bytes([number]), hashlib.sha256)
        out += block
    return out[:length]


def field(key_id: int, key: bytes, iv: bytes, plaintext: bytes, context: bytes) -> bytes:
    """A field with this IV."""
    return struct.pack(">BI", 1, key_id) + iv + AESGCM(key).encrypt(iv, plaintext, context)


def stream(key: bytes, salt: bytes, nonce_prefix: bytes, plaintext: bytes, context: bytes) -> bytes:
    """A stream with this salt and nonce prefix."""
    cipher = AESGCM(hkdf(key, salt, context, 32))
    sealed = struct.pack(">B", HEADER) + salt + nonce_prefix
    number, room, last = 0, SEGMENT - HEADER - TAG, False
    while not last:
        segment, plaintext = plaintext[:room], plaintext[room:]
        last = not plaintext
        sealed += cipher.encrypt(nonce_prefix + struct.pack(">IB", number, last), segment, None)
        number, room = number + 1, SEGMENT - TAG
    return sealed


def opened(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The plaintext of a stream."""
    cipher = AESGCM(hkdf(key, sealed[1:33], context, 32))
    cuts = [HEADER, *range(SEGMENT, len(sealed), SEGMENT), len(sealed)]
    plain = b""
    for number in range(len(cuts) - 1):
        nonce = sealed[33:40] + struct.pack(">IB", number, number == len(cuts) - 2)
        plain += cipher.decrypt(nonce, sealed[cuts[number] : cuts[number + 1]], None)
    return plain
