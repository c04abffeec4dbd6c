"""Tink reads what we write, and we read what Tink writes: keysets, fields and streams."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import tink
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import other_side

from datasteward.crypto import SEGMENT, FieldCipher, Key, Keyset, KeysetKind, StreamCipher, stored_size
from datasteward.errors import DecryptionFailed

BOTH = pytest.mark.parametrize("kind", list(KeysetKind))
FIRST, OTHERS = SEGMENT - 40 - 16, SEGMENT - 16
ENDS = [FIRST + number * OTHERS for number in range(4)]
SIZES = sorted({0, 1, 15, 16, 17, SEGMENT, 2 * SEGMENT, *(end + by for end in ENDS for by in (-17, -16, -1, 0, 1, 16))})
PLAIN = random.Random(11).randbytes(SIZES[-1])
CONTEXT = b"a person's object"
ODD = (1, 39, 40, 41, 4095, 65_479, 65_480, 65_481, 65_535, 65_537, 100_003)


def keyset_of(kind: KeysetKind, primary: int) -> Keyset:
    """Three new keys, the one at this place the primary one."""
    keys = tuple(Key.random() for _ in range(3))
    return Keyset(kind, keys[primary].id, keys)


def in_chunks(data: bytes, *sizes: int) -> list[bytes]:
    """The data in chunks of these sizes, again and again; an empty one before each."""
    chunks, at = list[bytes](), 0
    while at < len(data):
        for size in sizes:
            chunks += [b"", data[at : at + size]]
            at += size
    return chunks


@BOTH
@pytest.mark.parametrize("primary", [0, 1, 2])
def test_tink_reads_our_keyset_of_several_keys_and_writes_the_same(kind: KeysetKind, primary: int) -> None:
    """Whichever key is the primary one, the other implementation takes the keyset and gives it back as it was."""
    keyset = keyset_of(kind, primary)
    info = other_side.handle(keyset.to_bytes()).keyset_info()
    assert info.primary_key_id == keyset.primary
    assert [key.key_id for key in info.key_info] == [key.id for key in keyset.keys]
    assert Keyset.from_bytes(kind, other_side.written(keyset.to_bytes())) == keyset


@BOTH
@pytest.mark.parametrize("primary", [0, 1, 2])
def test_we_read_a_keyset_of_several_keys_that_tink_made(kind: KeysetKind, primary: int) -> None:
    """Keys that the other implementation drew, the primary one anywhere, are ours byte for byte."""
    theirs = other_side.new_keyset(kind, 3, primary)
    keyset = Keyset.from_bytes(kind, theirs)
    assert keyset.keys[primary].id == keyset.primary
    assert len(keyset.keys) == 3
    assert other_side.written(keyset.to_bytes()) == other_side.written(theirs)


@example(plaintext=b"", context=b"", primary=2)
@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=60), primary=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_field_of_either_side_opens_on_the_other(plaintext: bytes, context: bytes, primary: int) -> None:
    """For any plaintext, context and primary key, and whichever side made the keys."""
    for keyset in (
        keyset_of(KeysetKind.FIELDS, primary),
        Keyset.from_bytes(KeysetKind.FIELDS, other_side.new_keyset(KeysetKind.FIELDS, 3, primary)),
    ):
        ours, theirs = FieldCipher(keyset), other_side.fields(keyset)
        assert theirs.decrypt(ours.encrypt(plaintext, context), context) == plaintext
        assert ours.decrypt(theirs.encrypt(plaintext, context), context) == plaintext


@pytest.mark.parametrize("old", [0, 1, 2])
def test_a_field_under_any_key_of_the_keyset_opens_on_the_other_side(old: int) -> None:
    """What was sealed before the primary key changed opens on both sides."""
    keyset = keyset_of(KeysetKind.FIELDS, 1)
    before = Keyset(KeysetKind.FIELDS, keyset.keys[old].id, (keyset.keys[old],))
    assert other_side.fields(keyset).decrypt(FieldCipher(before).encrypt(b"words", CONTEXT), CONTEXT) == b"words"
    assert FieldCipher(keyset).decrypt(other_side.fields(before).encrypt(b"words", CONTEXT), CONTEXT) == b"words"


def test_both_sides_refuse_a_field_of_another_context() -> None:
    """What one side bound to its place, neither side opens elsewhere."""
    keyset = keyset_of(KeysetKind.FIELDS, 0)
    ours, theirs = FieldCipher(keyset), other_side.fields(keyset)
    with pytest.raises(tink.TinkError):
        theirs.decrypt(ours.encrypt(b"words", b"here"), b"there")
    with pytest.raises(DecryptionFailed):
        ours.decrypt(theirs.encrypt(b"words", b"here"), b"there")


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_of_either_side_opens_on_the_other(size: int) -> None:
    """For every size around the first four segment boundaries, with the primary key not the first of the keyset."""
    keyset, plain = keyset_of(KeysetKind.OBJECTS, 1), PLAIN[:size]
    ours, theirs = StreamCipher(keyset), other_side.Streams(keyset)
    sealed = b"".join(ours.encrypt([plain], CONTEXT))
    assert theirs.decrypt(sealed, CONTEXT) == plain
    other = theirs.encrypt([plain], CONTEXT)
    assert b"".join(ours.decrypt([other], CONTEXT)) == plain
    assert len(sealed) == len(other) == stored_size(size)


@pytest.mark.parametrize("size", [ENDS[0] - 1, ENDS[0], ENDS[0] + 1, ENDS[2], ENDS[2] + 1])
@pytest.mark.parametrize("step", ODD[1:])
def test_odd_chunks_on_either_side_change_nothing(size: int, step: int) -> None:
    """Written and read in pieces that fall across headers, tags and segments, on both sides, with empty ones between."""
    keyset, plain = keyset_of(KeysetKind.OBJECTS, 2), PLAIN[:size]
    ours, theirs = StreamCipher(keyset), other_side.Streams(keyset)
    sealed = b"".join(ours.encrypt(in_chunks(plain, step, 1, 7), CONTEXT))
    assert theirs.decrypt(sealed, CONTEXT, most=step, step=step + 1) == plain
    other = theirs.encrypt(in_chunks(plain, step, 1, 7), CONTEXT)
    assert b"".join(ours.decrypt(in_chunks(other, step, 1, 7), CONTEXT)) == plain


def test_a_stream_may_come_byte_by_byte() -> None:
    """The smallest chunks of all, around the first boundary, from either side to the other."""
    keyset = keyset_of(KeysetKind.OBJECTS, 0)
    ours, theirs = StreamCipher(keyset), other_side.Streams(keyset)
    for size in (0, 1, FIRST, FIRST + 1):
        plain = PLAIN[:size]
        assert b"".join(ours.decrypt(in_chunks(theirs.encrypt([plain], CONTEXT), 1), CONTEXT)) == plain
        assert theirs.decrypt(b"".join(ours.encrypt(in_chunks(plain, 1), CONTEXT)), CONTEXT) == plain


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_chunks_on_either_side_change_nothing(data: st.DataObject) -> None:
    """However the pieces fall, the other implementation reads the same bytes."""
    keyset, plain = keyset_of(KeysetKind.OBJECTS, 1), PLAIN[: data.draw(st.sampled_from(SIZES))]
    ours, theirs = StreamCipher(keyset), other_side.Streams(keyset)
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(plain)), max_size=6))), len(plain)]
    chunks = [plain[start:end] for start, end in pairwise(cuts)]
    most, step = data.draw(st.integers(500, 200_000)), data.draw(st.integers(500, 200_000))
    assert theirs.decrypt(b"".join(ours.encrypt(chunks, CONTEXT)), CONTEXT, most=most, step=step) == plain
    assert b"".join(ours.decrypt(in_chunks(theirs.encrypt(chunks, CONTEXT), most), CONTEXT)) == plain


@pytest.mark.parametrize("old", [0, 1, 2])
def test_a_stream_under_any_key_of_the_keyset_opens_on_the_other_side(old: int) -> None:
    """The format names no key: both sides find it."""
    keyset, plain = keyset_of(KeysetKind.OBJECTS, 1), PLAIN[: ENDS[1] + 1]
    before = Keyset(KeysetKind.OBJECTS, keyset.keys[old].id, (keyset.keys[old],))
    sealed = b"".join(StreamCipher(before).encrypt([plain], CONTEXT))
    assert other_side.Streams(keyset).decrypt(sealed, CONTEXT) == plain
    assert (
        b"".join(StreamCipher(keyset).decrypt([other_side.Streams(before).encrypt([plain], CONTEXT)], CONTEXT)) == plain
    )


@pytest.mark.parametrize("cut", [1, 16, SEGMENT])
def test_both_sides_refuse_a_stream_cut_short(cut: int) -> None:
    """Neither side takes the other's stream without its end."""
    keyset, plain = keyset_of(KeysetKind.OBJECTS, 0), PLAIN[: ENDS[2]]
    ours, theirs = StreamCipher(keyset), other_side.Streams(keyset)
    with pytest.raises(tink.TinkError):
        theirs.decrypt(b"".join(ours.encrypt([plain], CONTEXT))[:-cut], CONTEXT)
    with pytest.raises(DecryptionFailed):
        b"".join(ours.decrypt([theirs.encrypt([plain], CONTEXT)[:-cut]], CONTEXT))
