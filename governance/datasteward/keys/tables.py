"""The tables of the key store: opaque ids, wrapped keys and times, nothing else."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

from datasteward.types import UtcDateTime

VERSION = 2


class Use(StrEnum):
    """What a person's keys are used for: what is shredded at once, and records that the law has us keep for a term."""

    CONTENT = "content"
    RECORDS = "records"


metadata = MetaData()

subject_key = Table(
    "subject_key",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("use", String(16), primary_key=True),
    Column("keyset", String(16), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("epoch", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("staged_at", UtcDateTime()),
    Index("subject_key_by_epoch", "epoch"),
    Index("subject_key_by_age", "created_at"),
)
"""One row for each person, use and kind of keyset; `epoch` names the key that wraps it.

`version` counts the keys that were made for it and `created_at` is when the newest that encrypts was made; `staged_at` is
when one was added that does not encrypt yet.
"""

epoch = Table(
    "epoch",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("begun_at", UtcDateTime(), nullable=False),
    Column("ended_at", UtcDateTime()),
)
"""One row for each epoch; its key lies elsewhere (datasteward.keys.epochs), for this store's backups must not hold it."""

key_store = Table(
    "key_store",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("root_key", String(2048), nullable=False),
    Column("root_since", UtcDateTime(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
)
"""One row: the version of these tables, and the root key (its id, and since when) that wraps the epochs' keys."""
