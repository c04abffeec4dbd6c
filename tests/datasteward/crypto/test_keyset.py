"""Keysets: what they say, and what is no keyset of ours is refused. Tink reads and writes them in test_tink.py."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from collections.abc import Callable

import msgspec
import pytest
import tink
from hypothesis import given
from hypothesis import strategies as st
from tink import aead, secret_key_access
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind
from datasteward.crypto.protobuf import Message, encode

BOTH = pytest.mark.parametrize("kind", list(KeysetKind))


def test_the_stream_parameters_are_said_in_the_keyset() -> None:
    """Segments of 64 KiB, derived keys of 32 bytes, HKDF with SHA-256."""
    theirs = tink_pb2.Keyset.FromString(Keyset.random(KeysetKind.OBJECTS).to_bytes())
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey.FromString(theirs.key[0].key_data.value)
    assert key.params.ciphertext_segment_size == 65536
    assert key.params.derived_key_size == 32
    assert key.params.hkdf_hash_type == common_pb2.SHA256


@pytest.mark.parametrize("use", [pickle.dumps, json.dumps, msgspec.json.encode, msgspec.to_builtins])
@pytest.mark.parametrize("what", ["key", "keyset"])
def test_a_key_in_the_clear_slips_into_no_pickle_and_no_encoder(use: Callable[[object], object], what: str) -> None:
    """Alone or in its keyset."""
    keyset = Keyset.random(KeysetKind.FIELDS)
    with pytest.raises(TypeError):
        use(keyset if what == "keyset" else keyset.primary_key)


@pytest.mark.parametrize("show", [str, repr, "{}".format, "%r".__mod__])
def test_no_text_form_shows_a_key(show: Callable[[object], str]) -> None:
    """Of a key, of its keyset and of what encrypts with it; the id is all."""
    keyset = Keyset.random(KeysetKind.FIELDS)
    secret = keyset.primary_key.secret
    for each in (keyset, keyset.primary_key, FieldCipher(keyset)):
        told = show(each)
        assert not any(form in told for form in (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode()))
    assert str(keyset.primary) in show(keyset)


def test_a_copy_of_a_key_is_the_key() -> None:
    """No second one lies about in memory."""
    keyset = Keyset.random(KeysetKind.FIELDS)
    assert copy.deepcopy(keyset).primary_key is copy.copy(keyset.primary_key) is keyset.primary_key


@BOTH
def test_a_damaged_keyset_is_refused(kind: KeysetKind) -> None:
    """Cut short anywhere, it raises ValueError and nothing else."""
    data = Keyset.random(kind).to_bytes()
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            Keyset.from_bytes(kind, data[:end])


@BOTH
def test_another_kind_or_a_disabled_key_is_refused(kind: KeysetKind) -> None:
    """A keyset of the other kind, or with a key that must not be used, does not pass."""
    (other,) = set(KeysetKind) - {kind}
    data = Keyset.random(kind).to_bytes()
    with pytest.raises(ValueError, match="not one for"):
        Keyset.from_bytes(other, data)
    theirs = tink_pb2.Keyset.FromString(data)
    theirs.key[0].status = tink_pb2.DISABLED
    with pytest.raises(ValueError, match="not one for"):
        Keyset.from_bytes(kind, theirs.SerializeToString())


def test_a_key_of_another_length_is_refused() -> None:
    """AES with 128 bits is a key of Tink's as well, and none of ours."""
    aead.register()
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES128_GCM)
    with pytest.raises(ValueError, match="not one for"):
        Keyset.from_bytes(KeysetKind.FIELDS, tink.proto_keyset_format.serialize(handle, secret_key_access.TOKEN))


def test_other_stream_parameters_are_refused() -> None:
    """A key for segments of another size would not open our objects, so it is not taken."""
    theirs = tink_pb2.Keyset.FromString(Keyset.random(KeysetKind.OBJECTS).to_bytes())
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey.FromString(theirs.key[0].key_data.value)
    key.params.ciphertext_segment_size = 4096
    theirs.key[0].key_data.value = key.SerializeToString()
    with pytest.raises(ValueError, match="other parameters"):
        Keyset.from_bytes(KeysetKind.OBJECTS, theirs.SerializeToString())


def test_no_secret_is_in_a_repr() -> None:
    """Neither a key nor a keyset shows its bytes when it is printed."""
    key = Key(5, b"S" * 32)
    assert "SSS" not in repr(key) + repr(Keyset(KeysetKind.FIELDS, 5, (key,)))


@given(number=st.integers(1, 2**64 - 1), data=st.binary(min_size=1, max_size=300))
def test_what_is_encoded_is_decoded(number: int, data: bytes) -> None:
    """Numbers up to 64 bits and bytes survive the wire format."""
    message = Message(encode([(1, number), (15, data), (16, 7)]))
    assert (message.number(1), message.bytes(15), message.number(16), message.number(3)) == (number, data, 7, 0)


@given(data=st.binary(max_size=60))
def test_any_other_bytes_raise_value_error_alone(data: bytes) -> None:
    """Whatever is read as a message decodes or raises ValueError."""
    try:
        Keyset.from_bytes(KeysetKind.FIELDS, data)
    except ValueError:
        return
    raise AssertionError("random bytes passed for a keyset")
