"""Streams: the layout, and every way of taking it apart. Tink reads them in test_tink.py."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import by_hand

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


WHOLE = sealed(PLAIN[: BOUNDARIES[2]])
"""Two full segments."""
LONG = sealed(PLAIN + b"the fourth segment")
"""Three full segments and a short one."""


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


@given(end=st.integers(0, len(WHOLE) - 1))
@settings(max_examples=60, deadline=None)
def test_e5_truncation_inside_a_segment_fails(end: int) -> None:
    """Nor does one that ends anywhere else."""
    with pytest.raises(DecryptionFailed):
        opened(WHOLE[:end])


def test_e5_a_stream_of_full_segments_keeps_its_last_one() -> None:
    """When the last segment is full, the stream is an exact multiple of a segment, and so is each one cut from it."""
    whole = sealed(PLAIN)
    assert len(whole) == 3 * SEGMENT
    assert opened(whole) == PLAIN
    for kept in range(3):
        with pytest.raises(DecryptionFailed):
            opened(whole[: kept * SEGMENT])


def test_e5_a_middle_segment_does_not_pass_for_the_last_nor_the_last_for_a_middle_one() -> None:
    """Two streams of the same header that differ by their end alone cannot be made one of the other."""
    header, first, second, third = segments(sealed(PLAIN))
    for attack in (
        [header, first],
        [header, first, second],
        [header, first, third],
        [header, first, second, third, third],
    ):
        with pytest.raises(DecryptionFailed):
            opened(b"".join(attack))


@given(order=st.lists(st.integers(0, 3), max_size=6))
@settings(max_examples=80, deadline=None)
def test_e5_no_other_sequence_of_segments_opens(order: list[int]) -> None:
    """Of all sequences of a stream's segments, whatever is dropped, swapped or repeated, only its own opens."""
    header, *parts = segments(LONG)
    assert len(parts) == 4
    if order == [0, 1, 2, 3]:
        return
    with pytest.raises(DecryptionFailed):
        opened(b"".join([header, *(parts[number] for number in order)]))


def test_e5_swapping_dropping_and_duplicating_segments_fails() -> None:
    """Every pair of segments swapped, every one dropped, every one given twice."""
    parts = segments(LONG)
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


@pytest.mark.parametrize("size", [0, 3])
def test_e1_every_bit_of_a_short_stream_counts(size: int) -> None:
    """Length of the header, salt, nonce prefix, ciphertext and tag: not a bit of them may be changed."""
    whole = sealed(PLAIN[:size])
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecryptionFailed):
            opened(bytes(changed))


def test_e1_every_byte_beside_a_boundary_counts() -> None:
    """The tag before a segment's end and the bytes after it."""
    for at in range(SEGMENT - TAG - 1, SEGMENT + TAG):
        with pytest.raises(DecryptionFailed):
            opened(WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :])


@given(sealed_for=st.binary(max_size=40), opened_for=st.binary(max_size=40))
@settings(deadline=None)
def test_e2_only_the_very_same_bytes_of_context_open(sealed_for: bytes, opened_for: bytes) -> None:
    """A stream opens under the associated data for which it was sealed, and under no other."""
    stream = b"".join(CIPHER.encrypt([b"a picture"], sealed_for))
    assert opened(stream, context=sealed_for) == b"a picture"
    if opened_for != sealed_for:
        with pytest.raises(DecryptionFailed):
            opened(stream, context=opened_for)


@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"\0", CONTEXT.upper()])
def test_e4_the_context_must_be_the_same(context: bytes) -> None:
    """Without its associated data, or with another, nothing opens."""
    with pytest.raises(DecryptionFailed):
        opened(WHOLE, context=context)


def test_e5_only_verified_segments_are_given_out() -> None:
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


def test_the_layout_is_the_published_one() -> None:
    """A stream taken apart by hand, from the format's description alone, gives the plaintext."""
    assert WHOLE[0] == HEADER
    assert by_hand.opened(KEYSET.primary_key.secret, WHOLE, CONTEXT) == PLAIN[: BOUNDARIES[2]]


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
