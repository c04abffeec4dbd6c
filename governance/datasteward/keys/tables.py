"""The tables of the key store: opaque ids, wrapped keys and times, nothing else; and who sees which of their rows."""

from __future__ import annotations

import json
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TextClause,
    event,
    func,
    select,
    text,
)
from sqlalchemy.schema import CreateView

from datasteward.types import UtcDateTime

VERSION = 1
STANDING = "standing/"
"""How the owners of standing keysets begin: nobody's, for what belongs to no person."""
SUBJECT = "datasteward.subject"
"""The setting of a transaction on PostgreSQL that names whom it is about (see datasteward.keys.roles)."""


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

_key = subject_key.c
keyset_age = CreateView(
    select(_key.epoch, _key.version, _key.created_at, _key.staged_at), "keyset_age", metadata=metadata
).table
"""One row for each keyset, without whose it is and what it is: all that counting them by age takes."""

person_count = CreateView(
    select(func.count(_key.subject.distinct()).label("persons")).where(_key.subject.not_like(f"{STANDING}%")),
    "person_count",
    metadata=metadata,
).table
"""One row: how many persons have keys."""

_MINE = f"subject = nullif(current_setting('{SUBJECT}', true), '')"
_ROW_RULES = (
    "ALTER TABLE subject_key ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY one_subject ON subject_key USING ({_MINE}) WITH CHECK ({_MINE})",
    "ALTER TABLE epoch ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY seen ON epoch FOR SELECT USING (true)",
    "CREATE POLICY held ON epoch FOR UPDATE USING (true) WITH CHECK (false)",
    "ALTER TABLE key_store ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY seen ON key_store FOR SELECT USING (true)",
)
"""On PostgreSQL, for whoever is not the owner: keysets of the one subject that the transaction is about, and no other change.

The setting is NULL before a connection's first such transaction and '' after it. Holding an epoch (Epochs.hold) locks its
row, for which PostgreSQL asks the right to update; `held` allows the lock and, by its check, no change.
Source: postgresql.org/docs/current/ddl-rowsecurity.html, sql-createpolicy.html.
"""

HAVING_KEYS = "having_keys(text[])"
"""The function on PostgreSQL that tells which of the subjects it is given have keys, and for what use."""
_ASKED = (
    "CREATE FUNCTION having_keys(asked text[]) RETURNS TABLE (subject text, use text) "
    "LANGUAGE sql STABLE SECURITY DEFINER "
    "BEGIN ATOMIC SELECT DISTINCT k.subject, k.use FROM subject_key AS k WHERE k.subject = ANY (asked); END",
    f"REVOKE ALL ON FUNCTION {HAVING_KEYS} FROM PUBLIC",
)
"""It has its owner's rights, so that a role asks for many at once; it names nobody who was not named to it, and no keyset.

Its body is parsed when it is made, so what the caller's search path finds first does not come into it.
Source: postgresql.org/docs/current/sql-createfunction.html.
"""
for _rule in (*_ROW_RULES, *_ASKED):
    event.listen(metadata, "after_create", DDL(_rule).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


def having_keys(connection: Connection, subjects: Collection[str]) -> TextClause:
    """Selects which of the subjects have keys, and for what use: rows of (subject, use)."""
    if connection.dialect.name == "sqlite":
        among = "SELECT value FROM json_each(:asked)"  # a list of any length: bound one by one their number is limited
        asked: object = json.dumps(sorted(subjects))
        told = text(f"SELECT DISTINCT subject, use FROM subject_key WHERE subject IN ({among})")  # noqa: S608
    else:
        asked, told = sorted(subjects), text("SELECT subject, use FROM having_keys(:asked)")
    return told.bindparams(asked=asked)
