"""One entry of the ledger, its bytes and its checks.

An entry is stored as two lines: its JSON, and the signature over that line. The next entry names the SHA-256 of both, so
one good signature at the end vouches for every byte before it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from datasteward.errors import LedgerError
from datasteward.ledger.signing import LedgerKey

Why = Literal["founded", "erasure", "retention", "records"]
"""Why keys went: the person was erased; retention shredded them; the records that law keeps had lived out their term.

The entry `founded`, number 0, says whose ledger this is: its subject is the id of the ledger's key.
"""


class Entry(msgspec.Struct, frozen=True):
    """Whose keys go: an opaque id, when, and why. The certificate of an erasure, which is made after it, names its entry.

    `before` is the hash of the entry before it, empty in the first one.
    """

    number: int
    subject: str
    why: Why
    at: datetime
    before: str


class Head(msgspec.Struct, frozen=True):
    """An entry, most often the last: its number, which is how many destructions were written down by then, and its hash."""

    number: int
    hash: str


def to_line(entry: Entry, key: LedgerKey) -> bytes:
    """What is stored."""
    told = msgspec.json.encode(entry, order="sorted")
    return told + b"\n" + key.sign(told).encode() + b"\n"


def hash_of(line: bytes) -> str:
    """What the next entry names, in hexadecimal digits."""
    return hashlib.sha256(line).hexdigest()


def from_line(line: bytes, number: int, before: str) -> Entry:
    """The entry. Raises LedgerError when it is not the one that stands in this place."""
    try:
        entry = msgspec.json.decode(line.split(b"\n")[0], type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _changed(number) from None
    if (entry.number, entry.before) != (number, before):
        raise _changed(number)
    return entry


def check_signature(line: bytes, number: int, key: LedgerKey) -> None:
    """Raises LedgerError when the ledger's key has not signed the line."""
    told, _, rest = line.partition(b"\n")
    if not rest.endswith(b"\n") or not key.signed(told, rest[:-1].decode("ascii", "replace")):
        raise _changed(number)


def _changed(number: int) -> LedgerError:
    return LedgerError(f"The erasure ledger was changed at entry {number}: put it back as it was written.")
