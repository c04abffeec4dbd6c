"""Streams: Tink's segments, and every way of taking them apart."""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import random
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
import tink
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import secret_key_access, streaming_aead

from datasteward.crypto import SEGMENT, Key, Keyset, KeysetKind, StreamCipher, stored_size
from datasteward.errors import DecryptionFailed

streaming_aead.register()

KEYSET = Keyset.random(KeysetKind.OBJECTS)
CIPHER = StreamCipher(KEYSET)
CONTEXT = b"a person's object"
HEADER, TAG = 40, 16
FIRST, OTHERS = SEGMENT - HEADER - TAG, SEGMENT - TAG
BOUNDARIES = (0, FIRST, FIRST + OTHERS, FIRST + 2 * OTHERS)
SIZES = sorted({max(0, at + by) for at in BOUNDARIES for by in (-17, -16, -15, -1, 0, 1, 15, 16, 17)} | {SEGMENT})

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


def tink_stream() -> streaming_aead.StreamingAead:
    """Tink's own cipher for our keyset."""
    handle = tink.proto_keyset_format.parse(KEYSET.to_bytes(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """A sink that keeps its bytes when it is closed."""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


@pytest.mark.parametrize("size", SIZES)
def test_tink_reads_ours_and_we_read_tinks(size: int) -> None:
    """For every size around a segment boundary, either implementation opens what the other sealed."""
    plain, other = os.urandom(size), tink_stream()
    with other.new_decrypting_stream(io.BytesIO(sealed(plain)), CONTEXT) as reading:
        assert reading.read() == plain
    sink = Kept()
    with other.new_encrypting_stream(sink, CONTEXT) as writing:
        writing.write(plain)
    assert opened(sink.kept) == plain
    assert len(sink.kept) == len(sealed(plain)) == stored_size(size)


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


RFC_5869 = {
    "A.1": (
        b"\x0b" * 22,
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    "A.2": (
        bytes(range(0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    "A.3": (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
}


@pytest.mark.parametrize("case", RFC_5869)
def test_e12_the_vectors_of_rfc_5869_pass(case: str) -> None:
    """The library that derives our stream keys, and the hand-made copy below, give the published bytes."""
    secret, salt, info, expected = RFC_5869[case]
    length = len(expected) // 2
    assert HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret).hex() == expected
    assert hkdf(secret, salt, info, length).hex() == expected


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
