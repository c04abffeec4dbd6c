"""E12: published vectors (Wycheproof's AES-GCM and HKDF, RFC 5869, the GCM specification) pass, through our own classes."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from support import by_hand, wycheproof

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind, StreamCipher
from datasteward.errors import DecryptionFailed

GCM = list(wycheproof.aes_256_gcm())
OURS = [vector for bits, vector in GCM if bits == 96]
OTHER_IVS = [vector for bits, vector in GCM if bits != 96]
HKDFS = list(wycheproof.hkdf_sha256())
STREAMS = [each for each in HKDFS if each["result"] == "valid" and each["size"] >= 32 and len(each["salt"]) <= 2 * 32]


def told(vector: dict[str, Any]) -> str:
    """The name of a vector: its number and what it is about."""
    return f"{vector['tcId']}-{'-'.join(vector['flags'])}"


def cipher(vector: dict[str, Any]) -> FieldCipher:
    """Our cipher under the vector's key."""
    return FieldCipher(Keyset(KeysetKind.FIELDS, 7, (Key(7, bytes.fromhex(vector["key"])),)))


def envelope(vector: dict[str, Any]) -> bytes:
    """The vector's ciphertext as a field."""
    return b"\x01\0\0\0\x07" + bytes.fromhex(vector["iv"] + vector["ct"] + vector["tag"])


def test_e12_the_vectors_are_there() -> None:
    """The package still holds all that the tests below are about: 66 for AES-256-GCM with our IV, 86 for HKDF."""
    assert len(OURS) >= 66
    assert len(OTHER_IVS) >= 39
    assert len(HKDFS) >= 86
    assert len(STREAMS) >= 54
    assert {vector["result"] for vector in OURS} == {"valid", "invalid"}


@pytest.mark.parametrize("vector", OURS, ids=told)
def test_e12_wycheproofs_aes_gcm_passes_through_fields(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Valid ones open, and are made again with their IV; invalid ones do not open."""
    context, plaintext, iv = (bytes.fromhex(vector[name]) for name in ("aad", "msg", "iv"))
    if vector["result"] == "invalid":
        with pytest.raises(DecryptionFailed):
            cipher(vector).decrypt(envelope(vector), context)
        return
    assert cipher(vector).decrypt(envelope(vector), context) == plaintext
    monkeypatch.setattr(os, "urandom", lambda size: (iv * size)[:size])
    assert cipher(vector).encrypt(plaintext, context) == envelope(vector)


@pytest.mark.parametrize("vector", OTHER_IVS, ids=told)
def test_e12_an_iv_of_another_length_is_no_field(vector: dict[str, Any]) -> None:
    """Our format has IVs of 96 bits: what was sealed with a shorter or longer one, or none, does not open."""
    with pytest.raises(DecryptionFailed):
        cipher(vector).decrypt(envelope(vector), bytes.fromhex(vector["aad"]))


@pytest.mark.parametrize("vector", HKDFS, ids=told)
def test_e12_wycheproofs_hkdf_passes(vector: dict[str, Any]) -> None:
    """The library that derives our keys gives the published bytes, the copy by hand too, and nothing beyond 255 blocks."""
    secret, salt, info = (bytes.fromhex(vector[name]) for name in ("ikm", "salt", "info"))
    if vector["result"] == "invalid":
        with pytest.raises(ValueError, match="larger than"):
            HKDF(algorithm=SHA256(), length=vector["size"], salt=salt, info=info)
        return
    derived = HKDF(algorithm=SHA256(), length=vector["size"], salt=salt, info=info).derive(secret)
    assert derived.hex() == by_hand.hkdf(secret, salt, info, vector["size"]).hex() == vector["okm"]


@pytest.mark.parametrize("vector", STREAMS, ids=told)
def test_e12_wycheproofs_hkdf_passes_through_streams(vector: dict[str, Any]) -> None:
    """A stream derives the published key: one sealed under that key opens, with the vector's info as associated data.

    A salt that is shorter than the header's 32 bytes is filled up with zeros, which RFC 2104 makes the same HMAC key;
    the first 32 bytes of a longer output are the output of 32 bytes.
    """
    secret, salt, info, derived = (bytes.fromhex(vector[name]) for name in ("ikm", "salt", "info", "okm"))
    segment = AESGCM(derived[:32]).encrypt(b"prefix!" + bytes(4) + b"\x01", b"words", None)
    stream = b"\x28" + salt.ljust(32, b"\0") + b"prefix!" + segment
    ours = StreamCipher(Keyset(KeysetKind.OBJECTS, 1, (Key(1, secret),)))
    assert b"".join(ours.decrypt([stream], info)) == b"words"


SPECIFICATION_KEY = "feffe9928665731c6d6a8f9467308308" * 2
SPECIFICATION = {
    "case 13": ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    "case 14": (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
    ),
    "case 16": (
        SPECIFICATION_KEY,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
}
"""Test cases 13, 14 and 16 of McGrew and Viega, The Galois/Counter Mode of Operation, appendix B (AES-256)."""


@pytest.mark.parametrize("case", SPECIFICATION)
def test_e12_the_vectors_of_the_gcm_specification_open(case: str) -> None:
    """Published ciphertexts, in our envelope, open to the published plaintexts."""
    key, iv, plaintext, context, ciphertext = SPECIFICATION[case]
    vector = {"key": key, "iv": iv, "ct": ciphertext, "tag": ""}
    assert cipher(vector).decrypt(envelope(vector), bytes.fromhex(context)) == bytes.fromhex(plaintext)
