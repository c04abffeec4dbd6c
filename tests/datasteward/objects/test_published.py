"""E5 for objects: nothing is published before the last segment verifies, neither what is read nor what is made of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasteward.crypto import SEGMENT
from datasteward.errors import DecryptionFailed, ObjectMissing
from datasteward.objects import EncryptedObjects, ObjectStore

HEADER, TAG = 40, 16
WHOLE = random.Random(5).randbytes(3 * (SEGMENT - TAG) - HEADER)
"""Fills three segments, so that each cut at a boundary is again a multiple of a segment."""

Attack = Callable[[list[bytes]], list[bytes]]
Attacked = Callable[[Attack], None]

ATTACKS: dict[str, Attack] = {
    "cut to the header": lambda parts: parts[:1],
    "cut after the first": lambda parts: parts[:2],
    "cut after the second": lambda parts: parts[:3],
    "the last byte cut": lambda parts: [*parts[:-1], parts[-1][:-1]],
    "the last tag cut": lambda parts: [*parts[:-1], parts[-1][:-TAG]],
    "the last byte changed": lambda parts: [*parts[:-1], parts[-1][:-1] + bytes([parts[-1][-1] ^ 1])],
    "the first dropped": lambda parts: [parts[0], *parts[2:]],
    "the second dropped": lambda parts: [*parts[:2], parts[3]],
    "two swapped": lambda parts: [parts[0], parts[2], parts[1], parts[3]],
    "the last two swapped": lambda parts: [parts[0], parts[1], parts[3], parts[2]],
    "one twice": lambda parts: [*parts[:3], *parts[2:]],
    "the last twice": lambda parts: [*parts, parts[-1]],
    "a byte appended": lambda parts: [*parts, b"\0"],
    "itself appended": lambda parts: [*parts, *parts],
    "emptied": lambda parts: [],
}


def parts_of(sealed: bytes) -> list[bytes]:
    """Header and segments."""
    cuts = [0, HEADER, *range(SEGMENT, len(sealed), SEGMENT), len(sealed)]
    return [sealed[start:end] for start, end in pairwise(cuts)]


@pytest.fixture
def attacked(store: ObjectStore, objects: EncryptedObjects) -> Attacked:
    """Stores a picture of Ada's as `a`, and does something to its bytes on disk."""
    objects.put("ada", "a", [WHOLE])
    sealed = b"".join(store.get("a"))
    assert len(sealed) == 3 * SEGMENT

    def apply(attack: Attack) -> None:
        store.put("a", attack(parts_of(sealed)))

    return apply


@pytest.mark.parametrize("how", ATTACKS)
def test_e5_nothing_is_read_of_an_object_that_does_not_verify(
    objects: EncryptedObjects, attacked: Attacked, how: str
) -> None:
    """The bytes are given when all of them verify, and not before; read as a stream, what came was genuine."""
    assert objects.read("ada", "a") == WHOLE
    attacked(ATTACKS[how])
    with pytest.raises(DecryptionFailed):
        objects.read("ada", "a")
    seen = b""
    with pytest.raises(DecryptionFailed):  # noqa: PT012 - what came before the error is looked at below
        for chunk in objects.open("ada", "a"):
            seen += chunk
    assert WHOLE.startswith(seen)


@pytest.mark.parametrize("how", ATTACKS)
def test_e5_nothing_made_of_a_damaged_object_is_stored(
    store: ObjectStore, objects: EncryptedObjects, attacked: Attacked, how: str
) -> None:
    """A copy that is made while the object is read is not there afterwards; what was there before is as it was."""
    objects.put("ben", "kept", [b"before"])
    attacked(ATTACKS[how])
    for key in ("kept", "copy"):
        with pytest.raises(DecryptionFailed):
            objects.put("ben", key, objects.open("ada", "a"))
    assert objects.read("ben", "kept") == b"before"
    assert sorted(objects.keys()) == ["a", "kept"]
    assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0


def test_e5_an_object_is_not_there_until_its_last_segment_is(objects: EncryptedObjects) -> None:
    """While it is written nobody can read it, and who replaces one leaves the old one readable to the end."""

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(WHOLE), 10_000):
            yield WHOLE[at : at + 10_000]
            with pytest.raises(ObjectMissing):
                objects.open("ada", "new")
            assert objects.read("ada", "old") == b"before"

    objects.put("ada", "old", [b"before"])
    objects.put("ada", "new", chunks())
    assert objects.read("ada", "new") == WHOLE


KEYS = st.from_regex(r"[ab]{1,3}(/[ab]{1,3})?", fullmatch=True)


@given(home=st.tuples(st.sampled_from(["ada", "ben"]), KEYS), other=st.tuples(st.sampled_from(["ada", "ben"]), KEYS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_e2_an_object_opens_only_as_its_persons_and_under_its_key(
    store: ObjectStore, objects: EncryptedObjects, home: tuple[str, str], other: tuple[str, str]
) -> None:
    """For any two places of objects: moved from one to the other, it does not open."""
    objects.put(*home, [b"a picture"])
    store.put(other[1], store.get(home[1]))
    if home == other:
        assert objects.read(*other) == b"a picture"
    else:
        with pytest.raises(DecryptionFailed):
            objects.read(*other)
