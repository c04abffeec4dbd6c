"""What a sealed field is bound to."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

import msgspec

from datasteward.crypto import associated_data

USE = associated_data("datasteward/field/1")
_size = Struct(">I").pack


class Context(msgspec.Struct, frozen=True, gc=False):
    """The place of a field: whose it is, and its table, column and row (primary key as text).

    A ciphertext opens only in the place for which it was sealed.
    """

    subject: str
    table: str
    column: str
    row: str

    def associated_data(self) -> bytes:
        """The canonical bytes of datasteward.crypto.associated_data: `head`, then `tail`."""
        return head(self.subject, self.table, self.column) + tail(self.row)


def head(subject: str, table: str, column: str) -> bytes:
    """What the associated data of all rows of a person has in common in one column."""
    person = subject.encode()
    return b"".join((USE, _size(len(person)), person, _place(table, column)))


def tail(row: str) -> bytes:
    """What the associated data of all columns of one row has in common."""
    key = row.encode()
    return _size(len(key)) + key


@lru_cache(maxsize=1024)
def _place(table: str, column: str) -> bytes:
    return associated_data(table, column)
