"""Ranges of streams: what a slice of the plaintext would give, from the segments needed and no others."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import secret_key_access, streaming_aead

from datasteward.crypto import SEGMENT, Key, Keyset, KeysetKind, Part, StreamCipher, plaintext_size, stored_size
from datasteward.errors import DecryptionFailed

streaming_aead.register()

KEYSET = Keyset.random(KeysetKind.OBJECTS)
CIPHER = StreamCipher(KEYSET)
CONTEXT = b"a person's object"
HEADER, TAG = 40, 16
FIRST, OTHERS = SEGMENT - HEADER - TAG, SEGMENT - TAG
EDGES = (0, FIRST, FIRST + OTHERS, FIRST + 2 * OTHERS)
NEAR = sorted({at + by for at in EDGES for by in (-2, -1, 0, 1, 2) if at + by >= 0})
PLAIN = random.Random(11).randbytes(EDGES[-1] + 5)

Read = Callable[[int, int], Part]


def sealed(data: bytes) -> bytes:
    """The ciphertext of the data."""
    return b"".join(CIPHER.encrypt([data], CONTEXT))


def reading(data: bytes, touched: list[tuple[int, int]] | None = None) -> Read:
    """Gives parts of a ciphertext in pieces that fit nothing, and writes down which bytes were asked for."""

    def read(start: int, length: int) -> Part:
        if touched is not None:
            touched.append((start, length))
        part = data[start : start + length]
        return Part(len(data), data[:HEADER], iter([part[at : at + 50_000] for at in range(0, len(part), 50_000)]))

    return read


def excerpt(data: bytes, start: int, length: int, *, context: bytes = CONTEXT) -> bytes:
    """A range of the plaintext."""
    return b"".join(CIPHER.decrypt_range(reading(data), start, length, context))


WHOLE = {size: sealed(PLAIN[:size]) for size in NEAR}


def test_around_every_boundary_a_range_is_the_slice() -> None:
    """Every range that begins and ends at or beside an edge of a segment, of streams that end at or beside one."""
    for size, whole in WHOLE.items():
        for start in NEAR:
            for end in NEAR:
                if start < end:
                    assert excerpt(whole, start, end - start) == PLAIN[:size][start:end]


@given(size=st.sampled_from(NEAR), start=st.integers(0, len(PLAIN) + 9), length=st.integers(1, len(PLAIN) + 9))
@settings(max_examples=80, deadline=None)
def test_any_range_is_the_slice(size: int, start: int, length: int) -> None:
    """Beyond the end too, where there is less, or nothing."""
    assert excerpt(WHOLE[size], start, length) == PLAIN[:size][start : start + length]


@given(size=st.sampled_from(NEAR), start=st.integers(0, len(PLAIN)), length=st.integers(1, SEGMENT))
@settings(max_examples=20, deadline=None)
def test_tink_gives_the_same_bytes(size: int, start: int, length: int) -> None:
    """Of a stream that Tink sealed we give the range, and of ours Tink reads the same."""
    handle = tink.proto_keyset_format.parse(KEYSET.to_bytes(), secret_key_access.TOKEN)
    other = handle.primitive(streaming_aead.StreamingAead)
    sink = Kept()
    with other.new_encrypting_stream(sink, CONTEXT) as writing:
        writing.write(PLAIN[:size])
    with other.new_decrypting_stream(io.BytesIO(WHOLE[size]), CONTEXT) as theirs:
        plain = theirs.read()
    assert excerpt(sink.kept, start, length) == plain[start : start + length]


class Kept(io.BytesIO):
    """A sink that keeps its bytes when it is closed."""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


@pytest.mark.parametrize("number", range(4))
def test_only_the_segments_needed_are_read(number: int) -> None:
    """A range within one segment reads that segment in one go; one over an edge reads the two beside it."""
    whole, touched = WHOLE[max(NEAR)], list[tuple[int, int]]()
    begin = EDGES[number]
    assert b"".join(CIPHER.decrypt_range(reading(whole, touched), begin, 1, CONTEXT)) == PLAIN[begin : begin + 1]
    at = max(number * SEGMENT, HEADER)
    assert touched == [(at, (number + 1) * SEGMENT - at)]
    if number:
        touched.clear()
        assert b"".join(CIPHER.decrypt_range(reading(whole, touched), begin - 1, 2, CONTEXT))
        before = max((number - 1) * SEGMENT, HEADER)
        assert touched == [(before, (number + 1) * SEGMENT - before)]


@given(at=st.integers(0, HEADER + 2 * SEGMENT), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_e1_a_changed_byte_fails_where_it_is_read(at: int, bit: int) -> None:
    """A flipped bit in the header, or in a segment of the range, is found."""
    changed = bytearray(WHOLE[EDGES[3]])
    changed[at] ^= 1 << bit
    start = 0 if at < HEADER else max(at // SEGMENT * OTHERS - HEADER, 0)
    with pytest.raises(DecryptionFailed):
        excerpt(bytes(changed), start, 1)


@pytest.mark.parametrize("cut", [1, TAG, TAG + 1, OTHERS, SEGMENT, 2 * SEGMENT])
def test_e5_a_range_at_the_end_of_a_truncated_stream_fails(cut: int) -> None:
    """Cut anywhere, at the edge of a segment too, the last bytes that seem to be there do not open."""
    short = WHOLE[EDGES[3]][:-cut]
    with pytest.raises(DecryptionFailed):
        excerpt(short, max(len(short) - len(short) // SEGMENT * TAG - HEADER - 3 * TAG, 0), SEGMENT)


def test_e5_segments_in_each_others_place_fail() -> None:
    """Neither a segment moved within the stream nor one that a reader left out passes."""
    whole = WHOLE[EDGES[3]]
    swapped = whole[:SEGMENT] + whole[2 * SEGMENT :] + whole[SEGMENT : 2 * SEGMENT]
    with pytest.raises(DecryptionFailed):
        excerpt(swapped, EDGES[1], 5)

    def short(start: int, length: int) -> Part:
        return Part(len(whole), whole[:HEADER], iter([whole[start : start + SEGMENT]]))

    with pytest.raises(DecryptionFailed):
        list(CIPHER.decrypt_range(short, EDGES[1], 2 * OTHERS, CONTEXT))


def test_e2_e4_another_context_header_or_key_fails() -> None:
    """What was sealed for another place, begins otherwise, or lies under another key, does not open."""
    whole, other = WHOLE[EDGES[3]], WHOLE[EDGES[2]]
    with pytest.raises(DecryptionFailed):
        excerpt(whole, EDGES[1], 5, context=b"another")
    with pytest.raises(DecryptionFailed):
        excerpt(other[:HEADER] + whole[HEADER:], EDGES[1], 5)
    with pytest.raises(DecryptionFailed):
        list(StreamCipher(Keyset.random(KeysetKind.OBJECTS)).decrypt_range(reading(whole), EDGES[1], 5, CONTEXT))


def test_an_older_key_of_the_keyset_is_found() -> None:
    """The format names no key: a range of an old stream opens after a new primary key was added."""
    new = Key.random()
    rotated = StreamCipher(Keyset(KeysetKind.OBJECTS, new.id, (*KEYSET.keys, new)))
    found = rotated.decrypt_range(reading(WHOLE[EDGES[3]]), EDGES[2], 9, CONTEXT)
    assert b"".join(found) == PLAIN[EDGES[2] : EDGES[2] + 9]


@given(size=st.integers(0, 1 << 40))
def test_the_size_of_the_plaintext_follows_from_what_is_stored(size: int) -> None:
    """And a size that no stream has is refused."""
    assert plaintext_size(stored_size(size)) == size


def test_a_size_that_no_stream_has_is_refused() -> None:
    """Shorter than header and tag, or with a last segment shorter than a tag."""
    for stored in (0, HEADER, HEADER + TAG - 1, SEGMENT + 1, SEGMENT + TAG, 5 * SEGMENT + 1):
        with pytest.raises(DecryptionFailed):
            plaintext_size(stored)


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, 0), (3, -1)])
def test_a_range_that_is_none_is_a_mistake_of_the_caller(start: int, length: int) -> None:
    """It would mean something else to each reader."""
    with pytest.raises(ValueError, match="A range begins"):
        excerpt(os.urandom(99), start, length)
