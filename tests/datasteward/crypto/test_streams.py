"""Streams: the layout, and every way of taking it apart. Tink reads them in test_tink.py."""

from __future__ import annotations

import hashlib
import hmac
import random
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from datasteward.crypto import SEGMENT, Key, Keyset, KeysetKind, StreamCipher, stored_size
from datasteward.errors import DecryptionFailed

KEYSET = Keyset.random(KeysetKind.OBJECTS)
CIPHER = StreamCipher(KEYSET)
CONTEXT = b"a person's object"
HEADER, TAG = 40, 16
FIRST, OTHERS = SEGMENT - HEADER - TAG, SEGMENT - TAG
BOUNDARIES = (0, FIRST, FIRST + OTHERS, FIRST + 2 * OTHERS)

PLAIN = random.Random(7).randbytes(BOUNDARIES[-1])


def sealed(data: bytes) -> bytes:
    """The ciphertext of the data."""
    return b"".join(CIPHER.encrypt([data], CONTEXT))


def opened(data: bytes, *, context: bytes = CONTEXT, step: int = 50_000) -> bytes:
    """The plaintext of a ciphertext that comes in chunks of some size."""
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return b"".join(CIPHER.decrypt(chunks, context))


def segments(data: bytes) -> list[bytes]:
    """Header and segments of a ciphertext."""
    cuts = [0, HEADER, *range(SEGMENT, len(data), SEGMENT), len(data)]
    return [data[start:end] for start, end in pairwise(cuts)]


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_chunking_gives_the_same_bytes(data: st.DataObject) -> None:
    """However the chunks fall on the way in and out, the plaintext comes back, empty chunks included."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(PLAIN)), max_size=8)))
    edges = [0, *cuts, len(PLAIN)]
    chunks = [PLAIN[start:end] for start, end in pairwise(edges)]
    ciphertext = b"".join(CIPHER.encrypt(chunks, CONTEXT))
    assert opened(ciphertext, step=data.draw(st.integers(1000, 200_000))) == PLAIN


@pytest.mark.parametrize("size", [0, 1, FIRST - 1, FIRST, FIRST + 1, BOUNDARIES[2], BOUNDARIES[3]])
def test_e5_truncation_at_every_boundary_fails(size: int) -> None:
    """A stream that ends at or near any segment boundary but its end does not pass for a whole one."""
    whole = sealed(PLAIN[:size])
    edges = {0, 1, HEADER, HEADER + TAG, *range(SEGMENT, len(whole), SEGMENT), len(whole)}
    for end in {edge + by for edge in edges for by in (-TAG, -1, 0, 1, TAG)}:
        if 0 <= end < len(whole):
            with pytest.raises(DecryptionFailed):
                opened(whole[:end])


def test_e5_swapping_dropping_and_duplicating_segments_fails() -> None:
    """Every pair of segments swapped, every one dropped, every one given twice."""
    parts = segments(sealed(PLAIN + b"the fourth segment"))
    assert len(parts) == 5
    attacks = []
    for i in range(len(parts)):
        attacks.append(parts[:i] + parts[i + 1 :])
        attacks.append(parts[: i + 1] + parts[i:])
        for j in range(i + 1, len(parts)):
            swapped = parts.copy()
            swapped[i], swapped[j] = parts[j], parts[i]
            attacks.append(swapped)
    for attack in attacks:
        with pytest.raises(DecryptionFailed):
            opened(b"".join(attack))


@pytest.mark.parametrize("size", [0, 5, FIRST, BOUNDARIES[2]])
def test_e5_appending_anything_fails(size: int) -> None:
    """Neither a byte, nor a tag, nor a segment of the same or another stream can be put after the last one."""
    whole, other = sealed(PLAIN[:size]), sealed(PLAIN)
    for extra in (b"\0", bytes(TAG), whole, segments(whole)[-1], segments(other)[-1], bytes(SEGMENT)):
        with pytest.raises(DecryptionFailed):
            opened(whole + extra)


def test_e5_segments_of_another_stream_do_not_fit() -> None:
    """A segment at the same place of another stream under the same key does not verify."""
    ours, theirs = segments(sealed(PLAIN)), segments(sealed(PLAIN))
    for at in range(len(ours)):
        with pytest.raises(DecryptionFailed):
            opened(b"".join([*ours[:at], theirs[at], *ours[at + 1 :]]))


@given(at=st.integers(0, stored_size(BOUNDARIES[2]) - 1), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_e1_any_changed_byte_fails(at: int, bit: int) -> None:
    """Flipping a bit anywhere, header and tags included, fails."""
    changed = bytearray(WHOLE)
    changed[at] ^= 1 << bit
    with pytest.raises(DecryptionFailed):
        opened(bytes(changed))


WHOLE = sealed(PLAIN[: BOUNDARIES[2]])


def test_e1_every_byte_of_the_header_counts() -> None:
    """Length, salt and nonce prefix: none may be changed."""
    for at in range(HEADER):
        with pytest.raises(DecryptionFailed):
            opened(WHOLE[:at] + bytes([WHOLE[at] ^ 0x80]) + WHOLE[at + 1 :])


def test_e4_the_context_must_be_the_same() -> None:
    """Without its associated data, or with another, nothing opens."""
    for context in (b"", CONTEXT + b"\0"):
        with pytest.raises(DecryptionFailed):
            opened(WHOLE, context=context)


def test_only_verified_segments_are_given_out() -> None:
    """Up to a damaged segment the chunks are genuine; of the damaged one nothing is seen."""
    damaged = bytearray(WHOLE)
    damaged[-1] ^= 1
    seen = b""
    with pytest.raises(DecryptionFailed):  # noqa: PT012 - what came before the error is what matters
        for chunk in CIPHER.decrypt([bytes(damaged)], CONTEXT):
            seen += chunk
    assert seen == PLAIN[:FIRST]


def test_another_key_of_the_keyset_is_found() -> None:
    """The format names no key, so old streams open after a new primary key was added."""
    new = Key.random()
    rotated = StreamCipher(Keyset(KeysetKind.OBJECTS, new.id, (*KEYSET.keys, new)))
    assert b"".join(rotated.decrypt([WHOLE], CONTEXT)) == PLAIN[: BOUNDARIES[2]]
    newly = b"".join(rotated.encrypt([b"new"], CONTEXT))
    assert b"".join(rotated.decrypt([newly], CONTEXT)) == b"new"
    with pytest.raises(DecryptionFailed):
        opened(newly)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256 by hand: code that is not the code under test."""
    prk = hmac.digest(salt, secret, hashlib.sha256)
    out, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([number]), hashlib.sha256)
        out += block
    return out[:length]


def test_the_layout_is_the_published_one() -> None:
    """A stream taken apart by hand, from the format's description alone, gives the plaintext."""
    header, *parts = segments(WHOLE)
    derived = hkdf(KEYSET.primary_key.secret, header[1:33], CONTEXT, 32)
    plain = b""
    for number, part in enumerate(parts):
        nonce = header[33:40] + number.to_bytes(4, "big") + bytes([number == len(parts) - 1])
        plain += AESGCM(derived).decrypt(nonce, part, None)
    assert header[0] == HEADER
    assert plain == PLAIN[: BOUNDARIES[2]]


def test_nothing_is_kept_beyond_a_segment() -> None:
    """Sealing and opening 16 MiB piece by piece takes less than 1 MiB of memory."""

    def plain() -> Iterator[bytes]:
        for _ in range(256):
            yield bytes(SEGMENT)

    def consume(chunks: Iterable[bytes]) -> int:
        return sum(len(chunk) for chunk in chunks)

    tracemalloc.start()
    try:
        assert consume(CIPHER.decrypt(CIPHER.encrypt(plain(), CONTEXT), CONTEXT)) == 256 * SEGMENT
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
