"""How entries get into the table: numbered, hashed and chained to the last one, with no other writer in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    LargeBinary,
    String,
    bindparam,
    cast,
    column,
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
LOCKED = select(func.pg_advisory_xact_lock(literal_column(str(LOCK))).label("locked"))


class Unnumbered(msgspec.Struct, frozen=True):
    """An entry that has no number yet; `head` is its JSON up to the number, `tail` what follows it."""

    act: str
    actor: str
    at: datetime
    subject: str | None
    head: str
    tail: str

    @property
    def given(self) -> dict[str, object]:
        """The parameters of the statement that adds this entry alone."""
        return {**self.columns, "head": self.head, "tail": self.tail}

    @property
    def columns(self) -> dict[str, object]:
        """What of it stands in columns of its own."""
        return {"act": self.act, "actor": self.actor, "at": self.at, "subject_id": self.subject}


def leaf_hash(entry: bytes) -> bytes:
    """The leaf hash of RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def chain_hash(chain: bytes, leaf: bytes) -> bytes:
    """What binds a leaf to all before it."""
    return hashlib.sha256(chain + leaf).digest()


def add(connection: Connection, entries: Sequence[Unnumbered]) -> None:
    """Writes the entries in this order, after the last one that is there."""
    if not entries:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(TABLE), _chained(connection, entries))  # whoever writes is alone
    elif len(entries) == 1:
        _add_one(connection, entries[0])
    else:
        lock(connection)
        connection.execute(MANY, {"rows": [_as_json(row) for row in _chained(connection, entries)]})


def lock(connection: Connection) -> None:
    """Nobody else adds entries until the transaction ends. On SQLite whoever writes is alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(LOCKED)


def added_after(locked: FromClause, text: tuple[ColumnElement[str], ColumnElement[str]]) -> Insert:
    """A statement for PostgreSQL that adds one entry and hashes it there; it adds none when it had to wait for the lock.

    `locked` is a row that is there once the lock is held, `text` the entry's JSON before and behind its number. A statement
    does not see what was committed while it waited: it finds its number taken, and the next one has to add the entry.
    """
    last = LAST.subquery("last")
    number = func.coalesce(last.c.number, literal_column("-1")) + literal_column("1")
    entry = func.convert_to(text[0].concat(cast(number, String)).concat(text[1]), literal_column("'UTF8'"))
    leaf = _hash(func.decode(literal_column("'00'"), literal_column("'hex'")), entry)
    chain = func.coalesce(last.c.chain, literal(GENESIS, LargeBinary))
    given = {name: bindparam(name, type_=TABLE.c[name].type) for name in ("act", "actor", "at", "subject_id")}
    columns = {"number": number, **given, "entry": entry, "leaf": leaf, "chain": _hash(chain, leaf)}
    row = select(*columns.values()).select_from(locked.outerjoin(last, true()))
    return insert_postgresql(TABLE).from_select(list(columns), row).on_conflict_do_nothing()


def given_text(name: str) -> ColumnElement[str]:
    """A part of an entry's JSON that comes as a parameter."""
    return bindparam(name, type_=String)


def _add_one(connection: Connection, entry: Unnumbered) -> None:
    while connection.execute(ONE, entry.given).rowcount == 0:
        pass  # waited for the lock, has it now


def _chained(connection: Connection, entries: Sequence[Unnumbered]) -> list[dict[str, Any]]:
    last = connection.execute(LAST).one_or_none()
    number, chain = (last.number, last.chain) if last else (-1, GENESIS)
    rows = []
    for each in entries:
        number += 1
        entry = f"{each.head}{number}{each.tail}".encode()
        leaf = leaf_hash(entry)
        chain = chain_hash(chain, leaf)
        rows.append({**each.columns, "number": number, "entry": entry, "leaf": leaf, "chain": chain})
    return rows


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    binary = {name: row[name].hex() for name in ("leaf", "chain")}
    return {**row, **binary, "at": row["at"].isoformat(), "entry": row["entry"].decode()}


def _many() -> Insert:
    """Any number of rows as one parameter."""
    names = [each.name for each in TABLE.c]
    kinds = {"number": BigInteger, "at": TABLE.c.at.type}
    given = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(
        *(column(name, kinds.get(name, String)) for name in names)
    )
    rows = given.render_derived(name="given", with_types=True)
    binary = {
        "entry": func.convert_to(rows.c.entry, literal_column("'UTF8'")),
        **{name: func.decode(rows.c[name], literal_column("'hex'")) for name in ("leaf", "chain")},
    }
    return insert(TABLE).from_select(names, select(*(binary.get(name, rows.c[name]) for name in names)))


def _hash(first: Any, second: Any) -> Any:
    return type_coerce(func.sha256(first.op("||")(second)), LargeBinary)


ONE = added_after(LOCKED.cte("locked"), (given_text("head"), given_text("tail"))).execution_options(
    preserve_rowcount=True
)
MANY = _many()
