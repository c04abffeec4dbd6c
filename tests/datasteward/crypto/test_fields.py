"""Fields: the layout, and every way of tampering with it. Tink reads them in test_tink.py."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasteward.crypto import Box, FieldCipher, Key, Keyset, KeysetKind
from datasteward.errors import DecryptionFailed

KEYSET = Keyset.random(KeysetKind.FIELDS)
CIPHER = FieldCipher(KEYSET)
SECOND = Key.random()
ROTATED = FieldCipher(Keyset(KeysetKind.FIELDS, SECOND.id, (*KEYSET.keys, SECOND)))
OVERHEAD = 33


@given(plaintext=st.binary(max_size=80), data=st.data())
@settings(max_examples=150, deadline=None)
def test_e1_any_changed_byte_fails(plaintext: bytes, data: st.DataObject) -> None:
    """Flipping any bits of any byte, those of the version and key id included, fails."""
    sealed = bytearray(CIPHER.encrypt(plaintext, b"here"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(bytes(sealed), b"here")


@pytest.mark.parametrize("plaintext", [b"", b"a prompt"])
def test_e1_every_single_bit_of_one_ciphertext_counts(plaintext: bytes) -> None:
    """No bit of version, key id, IV, ciphertext or tag may be changed, whatever hypothesis happens to draw."""
    sealed = ROTATED.encrypt(plaintext, b"here")
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecryptionFailed):
            ROTATED.decrypt(bytes(changed), b"here")


def test_e1_the_id_of_another_key_of_the_keyset_fails() -> None:
    """A header that names another key that exists does not open either."""
    sealed = ROTATED.encrypt(b"a prompt", b"here")
    assert sealed[1:5] == SECOND.id.to_bytes(4, "big")
    with pytest.raises(DecryptionFailed):
        ROTATED.decrypt(sealed[:1] + KEYSET.primary.to_bytes(4, "big") + sealed[5:], b"here")


def test_e1_every_truncation_and_extension_fails() -> None:
    """A ciphertext cut short anywhere, or made longer, fails with our error and no other."""
    sealed = CIPHER.encrypt(b"a prompt", b"here")
    for end in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            CIPHER.decrypt(sealed[:end], b"here")
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(sealed + b"\0", b"here")


@given(sealed_for=st.binary(max_size=40), opened_for=st.binary(max_size=40))
@settings(deadline=None)
def test_e2_only_the_very_same_bytes_of_context_open(sealed_for: bytes, opened_for: bytes) -> None:
    """A field opens under the associated data for which it was sealed, and under no other."""
    sealed = CIPHER.encrypt(b"a prompt", sealed_for)
    assert CIPHER.decrypt(sealed, sealed_for) == b"a prompt"
    if opened_for != sealed_for:
        with pytest.raises(DecryptionFailed):
            CIPHER.decrypt(sealed, opened_for)


@pytest.mark.parametrize("context", [b"", b"there", b"her", b"here\0", b"Here"])
def test_e4_the_context_must_be_the_same(context: bytes) -> None:
    """Without its associated data, or with another, nothing opens."""
    sealed = CIPHER.encrypt(b"a prompt", b"here")
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(sealed, context)


def test_another_key_with_the_same_id_fails() -> None:
    """The key itself has to be the right one, not its id alone."""
    other = Keyset(KeysetKind.FIELDS, KEYSET.primary, (Key(KEYSET.primary, os.urandom(32)),))
    with pytest.raises(DecryptionFailed):
        FieldCipher(other).decrypt(CIPHER.encrypt(b"a prompt", b""), b"")


def test_the_layout_is_the_published_one() -> None:
    """Version 1, key id big-endian, IV, ciphertext, tag: 33 bytes more than the plaintext."""
    sealed = CIPHER.encrypt(b"a prompt", b"")
    assert sealed[:1] == b"\x01"
    assert int.from_bytes(sealed[1:5], "big") == KEYSET.primary
    assert len(sealed) == len(b"a prompt") + OVERHEAD


def test_all_keys_of_a_keyset_decrypt_and_the_primary_one_encrypts() -> None:
    """After a new primary key is added, old ciphertexts still open and new ones carry the new id."""
    new = Key.random()
    rotated = FieldCipher(Keyset(KeysetKind.FIELDS, new.id, (*KEYSET.keys, new)))
    assert rotated.decrypt(CIPHER.encrypt(b"old", b""), b"") == b"old"
    assert int.from_bytes(rotated.encrypt(b"new", b"")[1:5], "big") == new.id


def test_a_keyset_for_objects_is_no_cipher_for_fields() -> None:
    """Keysets are not mistaken for one another."""
    with pytest.raises(ValueError, match="keyset for fields"):
        FieldCipher(Keyset.random(KeysetKind.OBJECTS))


def test_two_keys_with_the_same_id_both_open() -> None:
    """Ids are random numbers of 32 bits: among many people some keys will share one, and nothing is lost for that."""
    old, new = Key(7, bytes(32)), Key(7, bytes([1]) * 32)
    texts = [FieldCipher(Keyset(KeysetKind.FIELDS, 7, (key,))).encrypt(b"dear", b"a") for key in (old, new)]
    for keys in ((old, new), (new, old)):
        both = FieldCipher(Keyset(KeysetKind.FIELDS, 7, keys))
        assert [both.decrypt(text, b"a") for text in texts] == [b"dear", b"dear"]
        assert [both.open_texts([Box(text)], [b"a"], b"") for text in texts] == [("dear",), ("dear",)]
        assert both.decrypt(both.encrypt(b"x", b"a"), b"a") == b"x"
        with pytest.raises(DecryptionFailed):
            both.decrypt(texts[0], b"b")
