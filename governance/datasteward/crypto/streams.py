"""Streams: Tink's AES-GCM-HKDF streaming format, AES256_GCM_HKDF in segments of 64 KiB.

    header     40 (its length) | salt, 32 bytes | nonce prefix, 7 bytes
    segment    ciphertext | tag, 16 bytes      65,536 bytes; the first one less by the header, the last one shorter

The key of a stream is HKDF-SHA256(key, salt, info = associated data); the nonce of a segment is the nonce prefix, its
number from 0 in 4 bytes big-endian, and 1 for the last segment, else 0. So a segment that is changed, dropped, moved
or repeated does not verify, nor does a stream that is cut short or made longer at any place.
Source: https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming and RFC 5869.

Not promised: the length of the plaintext is not hidden, and segments before a damaged one are given out; who must not
act on half a stream reads it to its end first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from datasteward.crypto.keyset import SECRET_BYTES, SEGMENT, Key, Keyset, KeysetKind
from datasteward.errors import DecryptionFailed

SALT_BYTES = 32
NONCE_PREFIX_BYTES = 7
HEADER_BYTES = 1 + SALT_BYTES + NONCE_PREFIX_BYTES
TAG_BYTES = 16
NONCE = Struct(f">{NONCE_PREFIX_BYTES}sIB")
MOST_PARTS = 64  # of a piece, before they are put together: chunks of a few bytes each must not fill the memory

FAILED = "An object does not open: it was changed, cut short, moved to another place, or sealed under another key."


PLAIN_SEGMENT = SEGMENT - TAG_BYTES


def stored_size(plaintext_size: int) -> int:
    """How many bytes the ciphertext of so many bytes has."""
    segments = max(1, -(-(plaintext_size + HEADER_BYTES) // PLAIN_SEGMENT))
    return HEADER_BYTES + plaintext_size + segments * TAG_BYTES


def plaintext_size(stored: int) -> int:
    """How many bytes the plaintext of so many bytes of ciphertext has. Raises DecryptionFailed when no stream is so long.

    It is as true as the size that is told: only who reads the last segment knows that nothing was cut off.
    """
    size = stored - HEADER_BYTES - max(1, -(-stored // SEGMENT)) * TAG_BYTES
    if size < 0 or stored_size(size) != stored:
        raise DecryptionFailed(FAILED)
    return size


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive bytes of a stored stream, with what it takes to open them: all of one and the same version of it."""

    size: int
    """Bytes of the whole."""
    head: bytes = field(repr=False)
    """Its first bytes, at least HEADER_BYTES of them unless it is shorter."""
    chunks: Iterator[bytes] = field(repr=False)
    """The bytes asked for; fewer, or none, where the whole ends."""


class StreamCipher:
    """Encrypts and decrypts streams under one keyset, keeping one segment in memory. May be shared by threads."""

    def __init__(self, keyset: Keyset) -> None:
        if keyset.kind is not KeysetKind.OBJECTS:
            raise ValueError("Streams need a keyset for objects.")
        self._primary = keyset.primary_key
        self._keys = keyset.keys

    def encrypt(self, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Ciphertext of the chunks, whatever their sizes, bound to the associated data."""
        header = bytes([HEADER_BYTES]) + os.urandom(SALT_BYTES + NONCE_PREFIX_BYTES)
        cipher = _Segments(self._primary, header, associated_data)
        yield header
        sizes = chain([SEGMENT - HEADER_BYTES - TAG_BYTES], repeat(SEGMENT - TAG_BYTES))
        for number, (plaintext, last) in enumerate(_split(chunks, sizes)):
            yield cipher.encrypt(number, plaintext, last)

    def decrypt(self, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
        """Plaintext, each chunk verified before it is given out.

        Raises DecryptionFailed at the first segment that does not verify, and at the end when the stream is not whole.
        """
        pieces = _split(chunks, chain([HEADER_BYTES, SEGMENT - HEADER_BYTES], repeat(SEGMENT)))
        header, last = next(pieces)
        if last:
            raise DecryptionFailed(FAILED)
        first, last = next(pieces)
        cipher, plaintext = self._find(bytes(header), 0, bytes(first), last, associated_data)
        yield plaintext
        for number, (sealed, ends) in enumerate(pieces, start=1):
            opened = cipher.decrypt(number, sealed, ends)
            if opened is None:
                raise DecryptionFailed(FAILED)
            yield opened

    def decrypt_range(
        self, read: Callable[[int, int], Part], start: int, length: int, associated_data: bytes
    ) -> Iterator[bytes]:
        """Up to `length` bytes of plaintext from `start` on, as a slice gives them, verified like those of `decrypt`.

        `read(start, length)` gives a part of the ciphertext; it is called once, for the segments needed and no more.
        Raises DecryptionFailed at the first of them that does not verify. Nothing is known of the other segments.
        """
        if start < 0 or length < 1:
            raise ValueError("A range begins at 0 or later and has at least one byte.")
        first, last = _segment_of(start), _segment_of(start + length - 1)
        begins = max(first * SEGMENT, HEADER_BYTES)
        part = read(begins, (last + 1) * SEGMENT - begins)
        end = min(start + length, plaintext_size(part.size))
        return self._excerpt(part, start, end, associated_data) if start < end else iter(())

    def derive(self, use: bytes) -> bytes:
        """32 secret bytes for a use of another kind, from the oldest key, which stays when another one becomes primary.

        HKDF-SHA256 without a salt, so it is no stream's key, whatever that is bound to: those have random salts.
        """
        return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=use).derive(self._keys[0].secret)

    def _excerpt(self, part: Part, start: int, end: int, associated_data: bytes) -> Iterator[bytes]:
        """The plaintext from `start` to before `end`, of a part that begins with the segment of `start`."""
        numbers = range(_segment_of(start), _segment_of(end - 1) + 1)
        final = (part.size - 1) // SEGMENT
        sizes = chain([SEGMENT if numbers[0] else SEGMENT - HEADER_BYTES], repeat(SEGMENT))
        pieces = _split(part.chunks, sizes)
        sealed, _ = next(pieces, (b"", True))
        number = numbers[0]
        cipher, plaintext = self._find(part.head, number, bytes(sealed), number == final, associated_data)
        yield plaintext[start - _plaintext_at(number) : end - _plaintext_at(number)]
        for number in numbers[1:]:
            sealed, _ = next(pieces, (b"", True))
            opened = cipher.decrypt(number, sealed, number == final)
            if opened is None:
                raise DecryptionFailed(FAILED)
            yield opened[: end - _plaintext_at(number)]

    def _find(
        self, header: bytes, number: int, sealed: bytes, last: bool, associated_data: bytes
    ) -> tuple[_Segments, bytes]:
        """The key that opens a segment, and what is in it: the format names no key, so each is tried."""
        if header[:1] != bytes([HEADER_BYTES]):
            raise DecryptionFailed(FAILED)
        for key in self._keys:
            cipher = _Segments(key, header[:HEADER_BYTES], associated_data)
            plaintext = cipher.decrypt(number, sealed, last)
            if plaintext is not None:
                return cipher, plaintext
        raise DecryptionFailed(FAILED)


class _Segments:
    """The segments of one stream."""

    def __init__(self, key: Key, header: bytes, associated_data: bytes) -> None:
        salt, self._nonce_prefix = header[1 : 1 + SALT_BYTES], header[1 + SALT_BYTES :]
        derived = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=salt, info=associated_data).derive(key.secret)
        self._cipher = AESGCM(derived)

    def _nonce(self, number: int, last: bool) -> bytes:
        return NONCE.pack(self._nonce_prefix, number, last)

    def encrypt(self, number: int, plaintext: bytes | memoryview, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, last), plaintext, None)

    def decrypt(self, number: int, sealed: bytes | memoryview, last: bool) -> bytes | None:
        """The plaintext, or None when it does not verify."""
        if len(sealed) < TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(self._nonce(number, last), sealed, None)
        except InvalidTag:
            return None


def _segment_of(at: int) -> int:
    """The number of the segment that holds this byte of the plaintext."""
    return (at + HEADER_BYTES) // PLAIN_SEGMENT


def _plaintext_at(number: int) -> int:
    """Where in the plaintext a segment begins."""
    return max(number * PLAIN_SEGMENT - HEADER_BYTES, 0)


def _split(chunks: Iterable[bytes], sizes: Iterator[int]) -> Iterator[tuple[bytes | memoryview, bool]]:
    """Cuts the chunks anew into pieces of these sizes; the last one, with True, is what remains (maybe nothing).

    A piece that lies within one chunk is not copied, others are put together once.
    """
    size, parts, held = next(sizes), list[bytes | memoryview](), 0
    for chunk in chunks:
        whole = bytes(chunk)  # a copy only of what its maker could change before we are done with it
        start, end = 0, len(whole)
        while start < end:
            if held == size:
                yield _joined(parts), False
                size, parts, held = next(sizes), [], 0
            stop = min(end, start + size - held)
            parts.append(memoryview(whole)[start:stop] if stop - start < end else whole)
            held += stop - start
            start = stop
            if len(parts) > MOST_PARTS:
                parts = [b"".join(parts)]
    yield _joined(parts), True


def _joined(parts: list[bytes | memoryview]) -> bytes | memoryview:
    return parts[0] if len(parts) == 1 else b"".join(parts)
