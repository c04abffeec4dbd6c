"""The ledger itself: opening it, reading all of it with every check, adding to its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from datasteward.durable import sync_directory
from datasteward.errors import LedgerError
from datasteward.ledger.entries import Entry, Head, Why, check_signature, from_line, hash_of, to_line
from datasteward.ledger.signing import LedgerKey, alone
from datasteward.ledger.store import EntryStore

UNREACHED = "The erasure ledger is not where it should be: mount or put back the place that GPTIMAGES_LEDGER names."
HIDDEN = "The erasure ledger does not show what was written into it: check the place that GPTIMAGES_LEDGER names."


class Ledger:
    """Entries by number, each checked when it is first read. May be used by several threads and processes.

    Every method may raise LedgerError: the ledger cannot be reached, was changed, cut short, or has a gap.
    """

    def __init__(self, store: EntryStore, key: LedgerKey) -> None:
        self.key, self._store = key, store
        self._entries: list[Entry] = []
        self._hashes: list[str] = []
        self._places: dict[tuple[str, Why], int] = {}
        self._busy = Lock()

    def head(self) -> Head:
        """The last entry there is now."""
        with self._busy:
            self._catch_up()
            return self._head()

    def since(self, number: int = 0) -> Iterator[Entry]:
        """The entries after that number, in order."""
        with self._busy:
            self._catch_up()
            return iter(self._entries[number + 1 :])

    def check(self, known: Head) -> None:
        """Raises LedgerError when the ledger is shorter than what was known of it, or another."""
        with self._busy:
            self._catch_up()
            if known.number >= len(self._hashes):
                raise LedgerError(
                    f"The erasure ledger ends at entry {len(self._hashes) - 1}, and there were {known.number}: "
                    "put back what is missing."
                )
            if self._hashes[known.number] != known.hash:
                raise LedgerError("The erasure ledger is not the one that was written here: put the right one back.")

    def entry(self, subject: str, why: Why) -> Head | None:
        """Where it is written down that this person's keys go for this reason; None when it is not."""
        with self._busy:
            self._catch_up()
            return self._found(subject, why)

    def add(self, subject: str, why: Why, *, now: datetime) -> Head:
        """Writes down that this person's keys go; durable when it returns. What stands there already is not added again."""
        with self._busy:
            before = None
            while True:
                self._catch_up()
                found = self._found(subject, why)
                if found is not None:
                    self._store.settle()  # who wrote it may have been killed before it was durable
                    return found
                last = self._head()
                if last == before:
                    raise LedgerError(HIDDEN)
                before = last
                entry = Entry(last.number + 1, subject, why, now.astimezone(UTC), last.hash)
                self._store.add(
                    entry.number, to_line(entry, self.key)
                )  # or another process has, and it is looked again

    def _found(self, subject: str, why: Why) -> Head | None:
        place = self._places.get((subject, why))
        return None if place is None else Head(place, self._hashes[place])

    def _head(self) -> Head:
        return Head(len(self._hashes) - 1, self._hashes[-1])

    def _catch_up(self) -> None:
        """Reads what has come since the last look; the signature of the last entry vouches for those before it."""
        numbers = self._store.numbers()
        if not numbers or len(numbers) < len(self._hashes):
            raise LedgerError(UNREACHED)
        if numbers != list(range(len(numbers))):
            raise LedgerError("Entries are missing from the erasure ledger: put back what was taken out.")
        entries, hashes = list(self._entries), list(self._hashes)
        new = numbers[len(hashes) :]
        for number, line in zip(new, self._store.lines(new), strict=True):
            entries.append(from_line(line, number, hashes[-1] if hashes else ""))
            hashes.append(hash_of(line))
            if number == numbers[-1]:
                check_signature(line, number, self.key)
        if entries[0].subject != self.key.id:
            raise LedgerError("The erasure ledger belongs to another installation: set GPTIMAGES_LEDGER to this one's.")
        self._entries, self._hashes = entries, hashes
        self._places = {(entry.subject, entry.why): entry.number for entry in entries}


def open_ledger(store: EntryStore, key_file: Path, *, now: datetime) -> Ledger:
    """Opens the ledger. At the very first start, when there is neither key nor entry, both are made.

    Raises LedgerError when one of them is there and the other is not, or they do not belong together.
    """
    if not key_file.exists():
        with alone(key_file):
            if not key_file.exists():  # or another process has founded it meanwhile
                _found(store, key_file, now)
    ledger = Ledger(store, LedgerKey.load(key_file))
    ledger.head()
    return ledger


def _found(store: EntryStore, key_file: Path, now: datetime) -> None:
    """Makes key and first entry; the key has its name once the entry is there, so that a kill in between does no harm."""
    unfounded = key_file.with_name(f"{key_file.name}.new")
    if store.numbers() and not unfounded.exists():
        raise LedgerError(f"The erasure ledger's key is missing: put {key_file.name} back from its backup.")
    key = LedgerKey.load(unfounded) if unfounded.exists() else LedgerKey.create(unfounded)
    store.add(0, to_line(Entry(0, key.id, "founded", now.astimezone(UTC), ""), key))
    unfounded.rename(key_file)
    sync_directory(key_file.parent)
