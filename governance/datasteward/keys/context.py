"""What a sealed field is bound to."""

from __future__ import annotations

import msgspec

from datasteward.crypto import associated_data


class Context(msgspec.Struct, frozen=True):
    """The place of a field: whose it is, and its table, column and row (primary key as text).

    A ciphertext opens only in the place for which it was sealed.
    """

    subject: str
    table: str
    column: str
    row: str

    def associated_data(self) -> bytes:
        """The canonical bytes, see datasteward.crypto.associated_data."""
        return associated_data("datasteward/field/1", self.subject, self.table, self.column, self.row)
