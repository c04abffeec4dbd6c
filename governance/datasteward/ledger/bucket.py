"""The ledger's entries in an S3 bucket, an object for each.

An entry is written on the condition that there is none of its number (`If-None-Match: *`), which the server decides. One
that does not know the condition would put an entry in another's place: it takes what is there once more, and is refused.
What keeps entries from being deleted is the bucket's: Object Lock with a default retention, and rights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import SystemRandom
from typing import Any

from datasteward.errors import LedgerError
from datasteward.ledger.store import NAME, name_of
from datasteward.s3 import Bucket, Kept

AT_ONCE = 10
"""Requests at once; a client of boto3 keeps as many connections."""
OFFERS = 10
"""How often an entry is offered while the server says that somebody else is at its number (S3 answers 409)."""
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds to wait at most before it is offered again: twice as long each time, and a part of it by chance."""
BUSY = "Others are writing into the erasure ledger: do it again."
REPLACES = (
    "The server of the erasure ledger replaces what is there: choose one that honours If-None-Match on PutObject."
)


class _There(LedgerError):
    """There is an entry of this number."""


class _Busy(LedgerError):
    """Somebody else is writing an entry of this number."""


LEDGER = Kept(
    "erasure ledger",
    LedgerError,
    {
        "NoSuchKey": (LedgerError, "Entries are missing from the erasure ledger: put back what was taken out."),
        "PreconditionFailed": (_There, "There is an entry of this number in the erasure ledger: look again."),
        "ConditionalRequestConflict": (_Busy, BUSY),
        "NotImplemented": (LedgerError, REPLACES),
    },
)


class BucketOfEntries(Bucket):
    """An EntryStore in a bucket, under a prefix of its keys. May be shared by threads. `pause` waits so many seconds."""

    def __init__(
        self, client: Any, bucket: str, prefix: str = "", *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(client, bucket, prefix, LEDGER)
        self._pause = pause

    @classmethod
    def at(cls, url: str, client: Any) -> BucketOfEntries:
        """The entries at `s3://bucket/prefix`. Raises LedgerError when that is no such address."""
        return cls(client, *LEDGER.address(url))

    def numbers(self) -> list[int]:
        """The numbers of the entries; none when there is nothing under the prefix."""
        told = [each for page in self._pages("list_objects_v2", self._prefix) for each in page.get("Contents", ())]
        names = (each["Key"].removeprefix(self._prefix) for each in told)
        return sorted(int(found[1]) for found in map(NAME.fullmatch, names) if found)

    def add(self, number: int, line: bytes) -> bool:
        """Adds an entry; False when there is one of that number: another, or this one when the answer to it was lost."""
        if number:
            self._require_refusal(number - 1)
        made = self._offer(number, line)
        if not number:
            self._require_refusal(0)
        if not made:
            self._pause(_by_chance(FIRST_PAUSE))  # or the same two meet at the next number
        return made

    def settle(self) -> None:
        """Does nothing: a server shows an object once it is durable."""

    def lines(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """The entries' bytes; several are fetched at once, because each is a request."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(self._line, numbers)

    def _line(self, number: int) -> bytes:
        got = self._ask("get_object", Key=self._prefix + name_of(number))
        with LEDGER.faults():
            line: bytes = got["Body"].read()
        return line

    def _require_refusal(self, number: int) -> None:
        """Raises LedgerError when the server takes an entry that is there; it is the same one, so no harm is done."""
        if self._offer(number, self._line(number)):
            raise LedgerError(REPLACES)

    def _offer(self, number: int, line: bytes) -> bool:
        """Writes the entry unless there is one of its number; whether it did."""
        for offer in range(OFFERS):
            if offer:
                self._pause(_by_chance(min(FIRST_PAUSE * 2**offer, LONGEST_PAUSE)))
            with suppress(_Busy):
                try:
                    self._ask("put_object", Key=self._prefix + name_of(number), Body=line, IfNoneMatch="*")
                except _There:
                    return False
                return True
        raise LedgerError(BUSY)


def _by_chance(most: float) -> float:
    return SystemRandom().uniform(most / 10, most)
