"""How entries get into the table: numbered, hashed and chained to the last one, with no other writer in between."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Insert,
    LargeBinary,
    String,
    bindparam,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql

from datasteward.audit.models import AuditEntry

GENESIS = bytes(32)
LOCK = 0x6461_7461_7374  # one number for every writer of the log, on databases that need a lock of their own

TABLE: Any = AuditEntry.__table__
LAST = (
    select(TABLE.c.number, TABLE.c.chain).order_by(TABLE.c.number.desc()).limit(literal_column("1"))
)  # as a parameter, PostgreSQL would plan it anew each time
LOCKED = select(func.pg_advisory_xact_lock(LOCK).label("locked"))
ADDED = insert(TABLE).returning(TABLE.c.number)  # so that SQLAlchemy sends many rows in one statement


class Unnumbered(msgspec.Struct, frozen=True):
    """Entries that differ in their subject alone and have no numbers yet.

    `head` is their JSON up to the number, `tails` what follows it in each.
    """

    act: str
    actor: str
    at: datetime
    subjects: list[str | None]
    head: str
    tails: list[str]


def leaf_hash(entry: bytes) -> bytes:
    """The leaf hash of RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def chain_hash(chain: bytes, leaf: bytes) -> bytes:
    """What binds a leaf to all before it."""
    return hashlib.sha256(chain + leaf).digest()


def add(connection: Connection, entries: Unnumbered) -> None:
    """Writes the entries in this order, after the last one that is there."""
    if not entries.subjects:
        return
    if connection.dialect.name != "postgresql":
        _add_here(connection, entries)  # whoever writes is alone
    elif len(entries.subjects) == 1:
        _add_there(connection, entries)
    else:
        connection.execute(LOCKED)
        _add_here(connection, entries)


def _add_here(connection: Connection, entries: Unnumbered) -> None:
    last = connection.execute(LAST).one_or_none()
    number, chain = (last.number, last.chain) if last else (-1, GENESIS)
    same = {"act": entries.act, "actor": entries.actor, "at": entries.at}
    rows = []
    for subject, tail in zip(entries.subjects, entries.tails, strict=True):
        number += 1
        entry = f"{entries.head}{number}{tail}".encode()
        leaf = leaf_hash(entry)
        chain = chain_hash(chain, leaf)
        rows.append({**same, "number": number, "subject_id": subject, "entry": entry, "leaf": leaf, "chain": chain})
    connection.execute(ADDED, rows)


def _add_there(connection: Connection, entries: Unnumbered) -> None:
    """One entry, in one statement that takes the lock, and in a second when the first had to wait for it.

    A statement does not see what was committed while it waited: it finds its number taken and adds nothing, and the next,
    which has the lock from its beginning, sees everything.
    """
    given = {
        "act": entries.act,
        "actor": entries.actor,
        "at": entries.at,
        "subject_id": entries.subjects[0],
        "head": entries.head,
        "tail": entries.tails[0],
    }
    while connection.execute(ONE, given).rowcount == 0:
        pass


def _one() -> Insert:
    """What `_add_here` does, by a database that can hash (PostgreSQL's sha256)."""
    locked, last = LOCKED.cte("locked"), LAST.subquery("last")
    number = func.coalesce(last.c.number, -1) + 1
    chain = func.coalesce(last.c.chain, literal(GENESIS, LargeBinary))
    text = bindparam("head", type_=String).concat(cast(number, String)).concat(bindparam("tail", type_=String))
    entry = func.convert_to(text, "UTF8")
    leaf = _hash(literal(b"\x00", LargeBinary), entry)
    given = {name: bindparam(name, type_=TABLE.c[name].type) for name in ("act", "actor", "at", "subject_id")}
    columns = {"number": number, **given, "entry": entry, "leaf": leaf, "chain": _hash(chain, leaf)}
    row = select(*columns.values()).select_from(locked.outerjoin(last, true()))
    added = insert_postgresql(TABLE).from_select(list(columns), row).on_conflict_do_nothing()
    return added.execution_options(preserve_rowcount=True)


def _hash(first: Any, second: Any) -> Any:
    return type_coerce(func.sha256(first.op("||")(second)), LargeBinary)


ONE = _one()
