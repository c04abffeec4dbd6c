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
from datasteward.objects import EncryptedObjects, LocalDirectory, ObjectStore

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


def test_nothing_is_stored_in_the_clear(tmp_path: Path, directory: LocalDirectory, vault: Vault) -> None:
    """No file has the picture's header, and no name has the person."""
    EncryptedObjects(directory, vault).put("ada", "images/a", [PICTURE])
    for path in (tmp_path / "objects").rglob("*"):
        assert "ada" not in path.name
        assert path.is_dir() or b"PNG" not in path.read_bytes()[:4096]


EDGE = SEGMENT - 56


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (0, 9), (EDGE - 1, 2), (EDGE, SEGMENT), (5, 3 * SEGMENT), (len(PICTURE) - 1, 99)]
)
def test_a_range_is_the_slice(objects: EncryptedObjects, start: int, length: int) -> None:
    """On any store; behind the end there is nothing."""
    objects.put("ada", "a", [PICTURE])
    part = objects.open_range("ada", "a", start, length)
    assert b"".join(part.chunks) == PICTURE[start : start + length]
    assert part.look == objects.look("a")
    assert b"".join(objects.open_range("ada", "a", len(PICTURE) + start, length).chunks) == b""


def test_e2_a_range_of_a_moved_object_does_not_open(store: ObjectStore, objects: EncryptedObjects) -> None:
    """Neither under another key nor as another person's."""
    objects.put("ada", "a", [PICTURE])
    store.put("b", store.get("a"))
    for person, key in (("ada", "b"), ("ben", "a")):
        with pytest.raises(DecryptionFailed):
            list(objects.open_range(person, key, 2 * SEGMENT, 5).chunks)


@pytest.mark.parametrize("cut", [1, 16, SEGMENT, 2 * SEGMENT])
def test_e5_the_end_of_a_truncated_object_does_not_open(
    store: ObjectStore, objects: EncryptedObjects, cut: int
) -> None:
    """The last bytes that seem to be there are not given out."""
    objects.put("ada", "a", [PICTURE])
    store.put("a", [b"".join(store.get("a"))[:-cut]])
    with pytest.raises(DecryptionFailed):
        list(objects.open_range("ada", "a", objects.look("a").size - 1, 1).chunks)


def test_a_look_tells_size_and_version_and_nothing_of_the_content(objects: EncryptedObjects) -> None:
    """The size is the plaintext's; the same picture stored again is another version."""
    objects.put("ada", "a", [PICTURE])
    before = objects.look("a")
    assert before == objects.look("a")
    assert before.size == len(PICTURE)
    objects.put("ada", "a", [PICTURE])
    assert objects.look("a").version != before.version


def test_e2_an_object_moved_to_another_key_or_person_does_not_open(
    store: ObjectStore, objects: EncryptedObjects
) -> None:
    """Copied under another key, or read as another person's, it fails."""
    objects.put("ada", "a", [PICTURE])
    store.put("b", store.get("a"))
    with pytest.raises(DecryptionFailed):
        objects.read("ada", "b")
    with pytest.raises(DecryptionFailed):
        objects.read("ben", "a")
    assert objects.read("ada", "a") == PICTURE


@pytest.mark.parametrize("end", [0, 1, 40, 56, SEGMENT - 1, SEGMENT, SEGMENT + 16, 2 * SEGMENT, 3 * SEGMENT, -1])
def test_e5_a_truncated_object_does_not_pass_for_whole(store: ObjectStore, objects: EncryptedObjects, end: int) -> None:
    """Cut at every segment boundary and beside it, reading fails, and what it gave out was genuine."""
    objects.put("ada", "a", [PICTURE])
    store.put("a", [b"".join(store.get("a"))[:end]])
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
    with pytest.raises(ObjectMissing):
        objects.open_range("ada", "absent", 0, 1)
    with pytest.raises(ObjectMissing):
        objects.look("absent")
    objects.put("ada", "a", [PICTURE])
    vault.destroy("ada")
    with pytest.raises(KeyMissing):
        objects.open("ada", "a")
    with pytest.raises(KeyMissing):
        objects.put("ada", "b", [PICTURE])
    assert list(objects.keys()) == ["a"]


def test_a_failing_source_changes_nothing(objects: EncryptedObjects) -> None:
    """An upload that breaks off leaves the object before as it was, and no leftover."""
    objects.put("ada", "a", [b"before"])

    def failing() -> Iterator[bytes]:
        yield PICTURE
        raise RuntimeError("broke off")

    for key in ("a", "b"):
        with pytest.raises(RuntimeError, match="broke off"):
            objects.put("ada", key, failing())
    assert objects.read("ada", "a") == b"before"
    assert list(objects.keys()) == ["a"]


def test_a_bad_key_is_refused(objects: EncryptedObjects) -> None:
    """The syntax of keys holds here too."""
    with pytest.raises(ObjectStoreError, match="An object key has"):
        objects.put("ada", "../a", [b""])


def test_tink_opens_an_object_with_the_persons_keyset(
    store: ObjectStore, objects: EncryptedObjects, vault: Vault
) -> None:
    """With the keyset and the documented context, no code of ours is needed to read a person's picture."""
    objects.put("ada", "images/a", [PICTURE])
    keyset = vault._store.keysets("ada")[KeysetKind.OBJECTS]
    cipher = tink.proto_keyset_format.parse(keyset, secret_key_access.TOKEN).primitive(streaming_aead.StreamingAead)
    sealed = io.BytesIO(b"".join(store.get("images/a")))
    context = associated_data("datasteward/object/1", "ada", "images/a")
    with cipher.new_decrypting_stream(sealed, context) as reading:
        assert reading.read() == PICTURE


def test_two_puts_of_the_same_picture_differ(store: ObjectStore, objects: EncryptedObjects) -> None:
    """Equal pictures cannot be told from their ciphertext: salt and nonces are new each time."""
    objects.put("ada", "a", [PICTURE])
    first = b"".join(store.get("a"))
    objects.put("ada", "a", [PICTURE])
    assert first[:80] != b"".join(store.get("a"))[:80]
