"""Encrypted objects: bound to person and key, and given out only as far as they verify."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tink
from tink import secret_key_access, streaming_aead

from datasteward.crypto import SEGMENT, KeysetKind, associated_data, stored_size
from datasteward.errors import DecryptionFailed, KeyMissing, ObjectMissing, ObjectStoreError
from datasteward.keys import Vault
from datasteward.objects import EncryptedObjects, LocalDirectory

streaming_aead.register()

PICTURE = b"\x89PNG\r\n\x1a\n" + os.urandom(3 * SEGMENT)


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 57, SEGMENT - 56, SEGMENT - 55, SEGMENT, 3 * SEGMENT])
def test_what_is_put_is_read(objects: EncryptedObjects, size: int) -> None:
    """Around a segment boundary too; the size given is that of the bytes stored."""
    plain = os.urandom(size)
    assert objects.put("ada", "images/a", [plain]) == stored_size(size) == objects.size("images/a")
    assert objects.read("ada", "images/a") == plain
    assert b"".join(objects.open("ada", "images/a")) == plain
    assert list(objects.keys("images/")) == ["images/a"]
    assert objects.delete("images/a")
    assert not objects.delete("images/a")


def test_nothing_is_stored_in_the_clear(tmp_path: Path, objects: EncryptedObjects) -> None:
    """No file has the picture's header, and no name has the person."""
    objects.put("ada", "images/a", [PICTURE])
    for path in (tmp_path / "objects").rglob("*"):
        assert "ada" not in path.name
        assert path.is_dir() or b"PNG" not in path.read_bytes()[:4096]


def test_e2_an_object_moved_to_another_key_or_person_does_not_open(
    directory: LocalDirectory, objects: EncryptedObjects
) -> None:
    """Copied under another key, or read as another person's, it fails."""
    objects.put("ada", "a", [PICTURE])
    directory.put("b", directory.get("a"))
    with pytest.raises(DecryptionFailed):
        objects.read("ada", "b")
    with pytest.raises(DecryptionFailed):
        objects.read("ben", "a")
    assert objects.read("ada", "a") == PICTURE


@pytest.mark.parametrize("end", [0, 1, 40, 56, SEGMENT - 1, SEGMENT, SEGMENT + 16, 2 * SEGMENT, 3 * SEGMENT, -1])
def test_e5_a_truncated_object_does_not_pass_for_whole(
    directory: LocalDirectory, objects: EncryptedObjects, end: int
) -> None:
    """Cut at every segment boundary and beside it, reading fails, and what it gave out was genuine."""
    objects.put("ada", "a", [PICTURE])
    directory.put("a", [b"".join(directory.get("a"))[:end]])
    seen = b""
    with pytest.raises(DecryptionFailed):  # noqa: PT012 - what came before the error is looked at below
        for chunk in objects.open("ada", "a"):
            seen += chunk
    assert PICTURE.startswith(seen)
    assert len(seen) < len(PICTURE)
    with pytest.raises(DecryptionFailed):
        objects.read("ada", "a")


def test_missing_things_are_said_at_the_call(objects: EncryptedObjects, vault: Vault) -> None:
    """No object, or no key: the error comes before a response has begun, not while it is read."""
    with pytest.raises(ObjectMissing):
        objects.open("ada", "absent")
    objects.put("ada", "a", [PICTURE])
    vault.destroy("ada")
    with pytest.raises(KeyMissing):
        objects.open("ada", "a")
    with pytest.raises(KeyMissing):
        objects.put("ada", "b", [PICTURE])
    assert list(objects.keys()) == ["a"]


def test_a_failing_source_changes_nothing(tmp_path: Path, objects: EncryptedObjects) -> None:
    """An upload that breaks off leaves the object before as it was, and no leftover."""
    objects.put("ada", "a", [b"before"])

    def failing() -> Iterator[bytes]:
        yield PICTURE
        raise RuntimeError("broke off")

    for key in ("a", "b"):
        with pytest.raises(RuntimeError, match="broke off"):
            objects.put("ada", key, failing())
    assert objects.read("ada", "a") == b"before"
    assert [path.name for path in (tmp_path / "objects").rglob("*") if path.is_file()] == ["a"]


def test_a_bad_key_is_refused(objects: EncryptedObjects) -> None:
    """The syntax of keys holds here too."""
    with pytest.raises(ObjectStoreError, match="An object key has"):
        objects.put("ada", "../a", [b""])


def test_tink_opens_an_object_with_the_persons_keyset(
    directory: LocalDirectory, objects: EncryptedObjects, vault: Vault
) -> None:
    """With the keyset and the documented context, no code of ours is needed to read a person's picture."""
    objects.put("ada", "images/a", [PICTURE])
    keyset = vault._store.keysets("ada")[KeysetKind.OBJECTS]
    cipher = tink.proto_keyset_format.parse(keyset, secret_key_access.TOKEN).primitive(streaming_aead.StreamingAead)
    sealed = io.BytesIO(b"".join(directory.get("images/a")))
    context = associated_data("datasteward/object/1", "ada", "images/a")
    with cipher.new_decrypting_stream(sealed, context) as reading:
        assert reading.read() == PICTURE


def test_two_puts_of_the_same_picture_differ(directory: LocalDirectory, objects: EncryptedObjects) -> None:
    """Equal pictures cannot be told from their ciphertext: salt and nonces are new each time."""
    objects.put("ada", "a", [PICTURE])
    first = b"".join(directory.get("a"))
    objects.put("ada", "a", [PICTURE])
    assert first[:80] != b"".join(directory.get("a"))[:80]
