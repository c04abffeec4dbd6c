"""Sealing and revealing a column of a mapped row: the mapper names the table and column, the row its primary key."""

from __future__ import annotations

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper

from datasteward.crypto import Box
from datasteward.keys.context import Context
from datasteward.keys.vault import Vault


def context_for(row: object, attribute: str, *, subject: str) -> Context:
    """The place of one attribute of a mapped row.

    Raises ValueError when the row has no primary key yet, or one of several columns: what is sealed for a place that is
    not settled could not be opened again.
    """
    mapper: Mapper[object] = inspect(row, raiseerr=True).mapper
    column = mapper.column_attrs[attribute].columns[0]
    key = mapper.primary_key_from_instance(row)
    if len(key) != 1 or key[0] is None:
        raise ValueError(f"Set the primary key of {mapper.class_.__name__}, of one column, before sealing {attribute}.")
    return Context(subject, str(column.table), column.name, str(key[0]))


def seal(vault: Vault, row: object, attribute: str, plaintext: str | bytes, *, subject: str) -> Box:
    """Encrypts the plaintext for its place in the row, assigns it, and returns it. Raises KeyMissing, ValueError."""
    box = vault.seal(context_for(row, attribute, subject=subject), plaintext)
    setattr(row, attribute, box)
    return box


def reveal(vault: Vault, row: object, attribute: str, *, subject: str) -> str | None:
    """The text of the attribute, None when it is empty. Raises KeyMissing, DecryptionFailed, ValueError."""
    box = getattr(row, attribute)
    return None if box is None else vault.reveal_text(context_for(row, attribute, subject=subject), box)
