"""Sealing and revealing a column of a mapped row: its table says where the value stands and whose it is.

    seal(vault, run, "prompt", "a lighthouse at dusk")
    reveal(vault, run, "prompt")

Many rows at once: see datasteward.keys.bulk. What belongs to several people: datasteward.keys.shared.
"""

from __future__ import annotations

from datasteward.crypto import Box
from datasteward.keys.context import Context
from datasteward.keys.places import Attribute, column_of, place_of, row_of, subject_of
from datasteward.keys.vault import Vault
from datasteward.purposes import check


def context_for(row: object, attribute: Attribute, *, subject: str | None = None) -> Context:
    """The place of one attribute of a mapped row; `subject` says whose it is where neither road nor `under` tells.

    Raises ValueError when the row has no primary key yet, or one of several columns, or nothing tells whose it is: what
    is sealed for a place that is not settled could not be opened again. So does what several people share: it is nobody's.
    """
    place = place_of(column_of(row, attribute))
    key = row_of(row, place)
    return Context(subject or subject_of(row, place), place.table, place.column.name, key)


def seal(vault: Vault, row: object, attribute: str, plaintext: str | bytes, *, subject: str | None = None) -> Box:
    """Encrypts the plaintext for its place in the row, assigns it, and returns it. Raises KeyMissing, ValueError."""
    box = vault.seal(context_for(row, attribute, subject=subject), plaintext)
    setattr(row, attribute, box)
    return box


def reveal(vault: Vault, row: object, attribute: str, *, subject: str | None = None) -> str | None:
    """The text of the attribute, None when it is empty.

    Raises KeyMissing, DecryptionFailed, ValueError, or PurposeError when the session that has the row was opened for a
    purpose that does not cover the column, wherever the row was loaded.
    """
    check(row, column_of(row, attribute))
    box = getattr(row, attribute)
    return None if box is None else vault.reveal_text(context_for(row, attribute, subject=subject), box)
