"""An object that is being read, wherever it lies: closed at its end, when it fails, and when nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

CHUNK = 65536


class Source(Protocol):
    """What bytes are read from."""

    def read(self, amount: int, /) -> bytes | None:
        """So many bytes, or fewer; none at the end."""

    def close(self) -> None:
        """Gives back what it holds open."""


class Reading(Iterator[bytes]):
    """The bytes of an open source in chunks of 64 KiB, `length` of them or all; `faults` says what its errors mean."""

    def __init__(
        self, source: Source, faults: Callable[[], AbstractContextManager[None]], length: int | None = None
    ) -> None:
        self._source = source
        self._faults = faults
        self._left = length
        self._open = True

    def __next__(self) -> bytes:
        amount = CHUNK if self._left is None else min(CHUNK, self._left)
        chunk = b""
        if self._open and amount:
            with self._faults():
                chunk = self._source.read(amount) or b""
        if not chunk:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Ends it; nothing more is given."""
        if self._open:
            self._open = False
            self._source.close()

    def __del__(self) -> None:
        self.close()
