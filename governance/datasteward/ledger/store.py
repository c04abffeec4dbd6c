"""Where the ledger's entries are kept: apart from the data and from every backup. Small, so that another place is one class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from datasteward.durable import make_directory, sync_directory, write_new
from datasteward.errors import LedgerError

NAME = re.compile(r"(\d{10})\.entry")


def name_of(number: int) -> str:
    """What an entry is called where it is kept."""
    return f"{number:010}.entry"


class EntryStore(Protocol):
    """Lines by number, only ever added to. Every method may raise LedgerError."""

    def numbers(self) -> list[int]:
        """The numbers that there are, in order. Raises LedgerError when the place cannot be reached."""

    def add(self, number: int, line: bytes) -> bool:
        """Adds a line; False, and nothing changed, when there is one of that number, by another process too."""
        # When it returns, the line is durable and whole.

    def settle(self) -> None:
        """When it returns, every line that can be seen is durable, whoever added it."""

    def lines(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """The lines of these numbers, in their order. Raises LedgerError when there is none."""


class DirectoryOfEntries:
    """A file of mode 0600 for each entry, in a directory for its owner alone that the first entry makes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def numbers(self) -> list[int]:
        """The numbers of the entries; none when there is no such directory."""
        with _faults():
            names = [path.name for path in self._directory.iterdir()] if self._directory.exists() else []
        return sorted(int(found[1]) for found in map(NAME.fullmatch, names) if found)

    def add(self, number: int, line: bytes) -> bool:
        """Adds an entry, durably; False when there is one of that number."""
        with _faults():
            if number == 0:
                make_directory(self._directory)
            try:
                write_new(self._path(number), line)
            except FileExistsError:
                return False
        return True

    def settle(self) -> None:
        """Syncs the directory; what is in a file was synced before it was linked into it."""
        with _faults():
            sync_directory(self._directory)

    def lines(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """The entries' bytes."""
        for number in numbers:
            with _faults():
                line = self._path(number).read_bytes()
            yield line

    def _path(self, number: int) -> Path:
        return self._directory / name_of(number)


@contextmanager
def _faults() -> Iterator[None]:
    """Says what an error of the operating system means here."""
    try:
        yield
    except OSError as error:
        raise LedgerError(f"The erasure ledger cannot be used ({error.strerror}): check its directory.") from error
