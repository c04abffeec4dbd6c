"""Fields: Tink's wire format, and every way of tampering with it."""

from __future__ import annotations

import os

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import aead, secret_key_access

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind
from datasteward.errors import DecryptionFailed

aead.register()

KEYSET = Keyset.random(KeysetKind.FIELDS)
CIPHER = FieldCipher(KEYSET)
OVERHEAD = 33

SPEC_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
GCM_SPECIFICATION = {
    "case 13": (bytes(32), "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    "case 14": (
        bytes(32),
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    "case 16": (
        SPEC_KEY,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
}
"""Test cases 13, 14 and 16 of McGrew and Viega, The Galois/Counter Mode of Operation, appendix B (AES-256)."""


def tink_aead(keyset: Keyset) -> aead.Aead:
    """Tink's own cipher for our keyset."""
    handle = tink.proto_keyset_format.parse(keyset.to_bytes(), secret_key_access.TOKEN)
    return handle.primitive(aead.Aead)


@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_tink_reads_ours_and_we_read_tinks(plaintext: bytes, context: bytes) -> None:
    """The other implementation opens what we seal, and we open what it seals."""
    other = tink_aead(KEYSET)
    assert other.decrypt(CIPHER.encrypt(plaintext, context), context) == plaintext
    assert CIPHER.decrypt(other.encrypt(plaintext, context), context) == plaintext


@given(plaintext=st.binary(max_size=80), data=st.data())
@settings(max_examples=150, deadline=None)
def test_e1_any_changed_byte_fails(plaintext: bytes, data: st.DataObject) -> None:
    """Flipping any bits of any byte, those of the version and key id included, fails."""
    sealed = bytearray(CIPHER.encrypt(plaintext, b"here"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(bytes(sealed), b"here")


def test_e1_every_single_byte_of_one_ciphertext_counts() -> None:
    """No position of a ciphertext may be changed, whatever hypothesis happens to draw."""
    sealed = CIPHER.encrypt(b"a prompt", b"here")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(DecryptionFailed):
            CIPHER.decrypt(changed, b"here")


def test_every_truncation_and_extension_fails() -> None:
    """A ciphertext cut short anywhere, or made longer, fails with our error and no other."""
    sealed = CIPHER.encrypt(b"a prompt", b"here")
    for end in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            CIPHER.decrypt(sealed[:end], b"here")
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(sealed + b"\0", b"here")


def test_e4_the_context_must_be_the_same() -> None:
    """Without its associated data, or with another, nothing opens."""
    sealed = CIPHER.encrypt(b"a prompt", b"here")
    for context in (b"", b"there", b"here\0"):
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


@pytest.mark.parametrize("case", GCM_SPECIFICATION)
def test_e12_the_vectors_of_the_gcm_specification_open(case: str) -> None:
    """Published ciphertexts, in our envelope, open to the published plaintexts."""
    secret, iv, plaintext, context, ciphertext, tag = GCM_SPECIFICATION[case]
    cipher = FieldCipher(Keyset(KeysetKind.FIELDS, 7, (Key(7, secret),)))
    sealed = b"\x01\0\0\0\x07" + bytes.fromhex(iv + ciphertext + tag)
    assert cipher.decrypt(sealed, bytes.fromhex(context)) == bytes.fromhex(plaintext)


def test_e6_an_iv_never_repeats_and_not_after_a_fork_either() -> None:
    """Parent and child of a fork draw different IVs under the same key."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"".join(CIPHER.encrypt(b"", b"")[5:17] for _ in range(300)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 300 * 12)
    os.close(reading)
    os.close(writing)
    ivs = [theirs[at : at + 12] for at in range(0, len(theirs), 12)]
    ivs += [CIPHER.encrypt(b"", b"")[5:17] for _ in range(2000)]
    assert len(set(ivs)) == 2300


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
