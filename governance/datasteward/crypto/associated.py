"""The one encoding of what a ciphertext is bound to."""

from __future__ import annotations


def associated_data(use: str, *parts: str) -> bytes:
    """Encodes the use and the parts, in order, each as 4 bytes of length (big-endian, in bytes) and its UTF-8.

    Injective: two different lists never give the same bytes, whatever separators their parts contain. `use` keeps the
    uses apart and carries their version:

        datasteward/field/1     subject, table, column, row     a field
        datasteward/object/1    subject, object key             an object
        datasteward/epoch/1     epoch                           the wrapped key of an epoch
        datasteward/keyset/2    subject, use, kind of keyset    a person's wrapped keyset
        datasteward/shared/1    table, column, row              a field of a row that several people own
        datasteward/shared-key/1  subject, table, column, row of the association, table, row    the key of that row, for one
        datasteward/blind/1     table, column                   the key of a blind index (no ciphertext)

    So ("datasteward/field/1", "s", "t", "c", "r") is, in hexadecimal,
    00000013 6461746173746577617264 2f6669656c64 2f31 00000001 73 00000001 74 00000001 63 00000001 72.
    """
    encoded = (part.encode() for part in (use, *parts))
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
