"""What every store promises, held against each of them: a directory, and a bucket with and without versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datasteward.backup.objects import copy_objects
from datasteward.crypto import HEADER_BYTES
from datasteward.errors import ObjectMissing, ObjectStoreError
from datasteward.objects import LocalDirectory, ObjectStore
from datasteward.objects.s3 import PART_BYTES, S3Bucket

BAD_KEYS = ("", "/a", "a//b", "../a", "a/.b", "A", "é", "a b", "a+part", "a" * 201)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
LONG = os.urandom(2 * PART_BYTES + 5)


def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    """The keys that are listed, in order."""
    return sorted(each.key for each in store.list(prefix))


def content(store: ObjectStore, key: str) -> bytes:
    """All bytes of an object."""
    return b"".join(store.get(key))


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES, 200_000, PART_BYTES - 1, PART_BYTES, len(LONG)])
def test_what_is_put_is_got(store: ObjectStore, size: int) -> None:
    """Whatever its size and its chunks; size, listing and deletion agree."""
    whole = LONG[:size]
    assert store.put("images/a", (whole[at : at + 70_001] for at in range(0, size, 70_001))) == size
    assert content(store, "images/a") == whole
    assert store.stat("images/a").size == size
    assert [(each.key, each.size) for each in store.list("images/")] == [("images/a", size)]
    assert store.delete("images/a")
    assert not store.delete("images/a")
    assert keys(store) == []


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES - 1, 200_000, len(LONG)])
def test_a_range_is_the_slice_with_size_and_head(store: ObjectStore, size: int) -> None:
    """At the start, in the middle, over the end and behind it, also where no file of any disk has a byte; and no bytes."""
    whole = LONG[:size]
    store.put("a", [whole])
    for start, length in (
        (0, 1),
        (0, 2 * size + 1),
        (size // 2, 1000),
        (max(size - 1, 0), 9),
        (size, 1),
        (size + 9, 9),
        (1 << 44, 1),  # further than ext4 seeks
        (1 << 50, 1 << 50),
        (0, 0),
        (size // 2, 0),
        (size + 9, 0),
    ):
        part = store.get_range("a", start, length)
        assert part.size == size
        assert part.head[:HEADER_BYTES] == whole[:HEADER_BYTES]
        assert b"".join(part.chunks) == whole[start : start + length]


def test_keys_that_lie_within_one_another_do_not_meet(store: ObjectStore) -> None:
    """A key that is the beginning of another is an object of its own, in listing and in deletion."""
    names = ["a", "a-b", "a.b", "a/b", "a/b/c"]
    for name in names:
        store.put(name, [name.encode()])
    assert keys(store) == names
    assert keys(store, "a/b") == ["a/b", "a/b/c"]
    assert store.delete("a")
    assert keys(store) == names[1:]
    assert [content(store, name) for name in names[1:]] == [name.encode() for name in names[1:]]


def left_by_others(store: ObjectStore, tmp_path: Path) -> None:
    """What other programs and people leave in the place of a store."""
    if isinstance(store, S3Bucket):
        for name in ("", "images/", "images/A.JPG", "images//a"):  # the first two are folders that a console has made
            store._client.put_object(Bucket=store._bucket, Key=store._prefix + name, Body=b"x")
    else:
        assert isinstance(store, LocalDirectory)
        for name in ("IMG_0001.JPG", ".DS_Store", "notes.txt"):
            (tmp_path / "objects" / "3a" / name).write_bytes(b"x")
        (tmp_path / "objects" / "3a" / "lost").mkdir()


def test_names_that_are_no_keys_are_passed_over(store: ObjectStore, tmp_path: Path) -> None:
    """Nobody could read them through the store: they are not listed, and no backup stops at them."""
    store.put("images/a", [b"x"])
    left_by_others(store, tmp_path)
    assert keys(store) == keys(store, "images/") == ["images/a"]
    (place := tmp_path / "backup").mkdir()
    assert copy_objects(store, place) == (1, 1)


def test_times_are_the_present_and_aware(store: ObjectStore) -> None:
    """The age of an object can be told, from listing and stat alike."""
    store.put("a", [b"x"])
    [listed] = store.list()
    for each in (listed, store.stat("a")):
        assert abs(datetime.now(UTC) - each.modified) < timedelta(minutes=2)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    """Whichever way it comes in."""
    for use in (store.get, store.delete, store.stat, lambda key: store.put(key, [b""])):
        with pytest.raises(ObjectStoreError, match="An object key has"):
            use(key)
    with pytest.raises(ObjectStoreError, match="An object key has"):
        store.get_range(key, 0, 1)


def test_a_missing_object_is_said_at_the_call(store: ObjectStore) -> None:
    """Not at the first chunk, when an answer may have begun."""
    for use in (store.get, store.stat, lambda key: store.get_range(key, 0, 1)):
        with pytest.raises(ObjectMissing, match="deleted or never stored"):
            use("absent")


@pytest.mark.parametrize("size", [5, PART_BYTES + 5])
def test_chunks_that_fail_change_nothing(store: ObjectStore, size: int) -> None:
    """The error goes through as it is, the object before stays, and no leftover is there for a sweep to find."""
    store.put("a", [b"before"])

    def failing() -> Iterator[bytes]:
        yield LONG[:size]
        raise OSError(5, "the upload broke off")

    for key in ("a", "b"):
        with pytest.raises(OSError, match="the upload broke off"):
            store.put(key, failing())
    assert content(store, "a") == b"before"
    assert keys(store) == ["a"]
    assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0


@pytest.mark.parametrize("size", [5, PART_BYTES + 5])
def test_nothing_is_reachable_before_the_last_chunk(store: ObjectStore, size: int) -> None:
    """While a write goes on, its key is absent from reading, size and listing."""

    def chunks() -> Iterator[bytes]:
        yield LONG[:size]
        assert keys(store) == []
        for use in (store.get, store.stat):
            with pytest.raises(ObjectMissing):
                use("a")
        yield b"last"

    assert store.put("a", chunks()) == size + 4


def test_an_object_is_replaced_whole(store: ObjectStore) -> None:
    """Long by short and short by long; the head is the new one's."""
    for whole in (LONG, b"short", LONG[1:]):
        store.put("a", [whole])
        assert content(store, "a") == whole
        assert store.get_range("a", 3, 2).head[:HEADER_BYTES] == whole[:HEADER_BYTES]
    assert keys(store) == ["a"]


def test_a_reader_who_gives_up_leaves_nothing_open(store: ObjectStore) -> None:
    """Neither a file nor a connection, and no warning."""
    store.put("a", [LONG])
    for _ in range(12):  # more than a client has connections
        next(store.get("a"))
        store.get_range("a", 5, 9)
