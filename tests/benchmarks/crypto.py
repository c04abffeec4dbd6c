"""Fields and streams against AES-GCM alone: what the format, the contexts and the key cache cost on top."""

from __future__ import annotations

import os
import random
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datasteward.crypto import Keyset, KeysetKind, StreamCipher
from datasteward.crypto.keyset import SEGMENT
from datasteward.crypto.streams import HEADER_BYTES, TAG_BYTES
from datasteward.keys import Context, FileRootKey, KeyStore, Vault

from .measuring import Row, compared, medians

MIB = 1 << 20
PEOPLE, VALUES = 100, 10_000
READ = 65536
CONTEXT = b"the place of the object"


def field_reveal(full: bool) -> Row:
    """Ten thousand values of a hundred people, revealed by the vault, against a loop over AESGCM with everything ready."""
    with tempfile.TemporaryDirectory() as name:
        vault = Vault(KeyStore(f"sqlite:///{name}/keys.db", FileRootKey.create(Path(name) / "root.key")))
        chance = random.Random(7)
        people = [f"person{number:020d}" for number in range(PEOPLE)]
        for person in people:
            vault.create(person)
        places = [
            Context(chance.choice(people), "generation", "prompt", f"row{number:020d}") for number in range(VALUES)
        ]
        boxes = [vault.seal(place, os.urandom(chance.randint(20, 1200))) for place in places]
        secrets = {person: AESGCM(_secret(vault, person)) for person in people}
        bare = [
            (secrets[place.subject], box.ciphertext, place.associated_data())
            for place, box in zip(places, boxes, strict=True)
        ]
        told = [(place.subject, place.row) for place in places]

        def ours() -> None:
            for (subject, row), box in zip(told, boxes, strict=True):
                vault.reveal(Context(subject, "generation", "prompt", row), box)

        def other() -> None:
            for cipher, data, associated in bare:
                cipher.decrypt(data[5:17], data[17:], associated)

        mine, its = medians(ours, other, rounds=41 if full else 21)
        vault.close()
    return compared("field-reveal", mine / VALUES * 1e6, its / VALUES * 1e6, "us", ("<=", 1.5))


def stream_encrypt(full: bool) -> Row:
    """64 MiB given in pieces of 1 MiB, encrypted as an object, against AESGCM over the same segments: megabytes in a second."""
    size = (256 if full else 64) * MIB
    data = os.urandom(size)
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    pieces = [data[at : at + MIB] for at in range(0, size, MIB)]
    segments, bare = _segments(data), AESGCM(os.urandom(32))
    nonces = [number.to_bytes(12, "big") for number in range(len(segments))]

    def ours() -> None:
        for _ in cipher.encrypt(pieces, CONTEXT):
            pass

    def other() -> None:
        for nonce, segment in zip(nonces, segments, strict=True):
            bare.encrypt(nonce, segment, None)

    mine, its = medians(ours, other, rounds=7)
    return compared("stream-encrypt", size / mine / 1e6, size / its / 1e6, "MB/s", (">=", 0.85))


def stream_decrypt(full: bool) -> Row:
    """64 MiB decrypted from the pieces that a file gives, against AESGCM over the same segments."""
    size = (256 if full else 64) * MIB
    data = os.urandom(size)
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    sealed = b"".join(cipher.encrypt([data], CONTEXT))
    pieces = [sealed[at : at + READ] for at in range(0, len(sealed), READ)]
    bare = AESGCM(os.urandom(32))
    nonces = [number.to_bytes(12, "big") for number in range(len(_segments(data)))]
    segments = [bare.encrypt(n, segment, None) for n, segment in zip(nonces, _segments(data), strict=True)]

    def ours() -> None:
        for _ in cipher.decrypt(pieces, CONTEXT):
            pass

    def other() -> None:
        for nonce, segment in zip(nonces, segments, strict=True):
            bare.decrypt(nonce, segment, None)

    mine, its = medians(ours, other, rounds=7)
    return compared("stream-decrypt", size / mine / 1e6, size / its / 1e6, "MB/s", (">=", 0.85))


def stream_memory(full: bool) -> Row:
    """The most memory at once for an object of 4 GiB, there and back, against that for 1 MiB: kilobytes."""
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    small = _peak(cipher, MIB)
    large = _peak(cipher, 4096 * MIB)
    return compared("stream-memory", large / 1000, small / 1000, "kB", ("<=", 1.1))


def _peak(cipher: StreamCipher, size: int) -> int:
    """The peak of Python's memory above what there was before, in bytes."""
    piece = bytes(READ)

    def pieces() -> Iterator[bytes]:
        for _ in range(size // READ):
            yield piece

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in cipher.decrypt(cipher.encrypt(pieces(), CONTEXT), CONTEXT):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def _segments(data: bytes) -> list[bytes]:
    """The plaintext of each segment of a stream."""
    first = SEGMENT - HEADER_BYTES - TAG_BYTES
    rest = SEGMENT - TAG_BYTES
    return [data[:first], *(data[at : at + rest] for at in range(first, len(data), rest))]


def _secret(vault: Vault, person: str) -> bytes:
    """The person's key for fields, as the vault has it."""
    return Keyset.from_bytes(KeysetKind.FIELDS, vault._store.keysets(person)[KeysetKind.FIELDS]).primary_key.secret
