"""How entries get into the table: numbered, hashed and chained to the last one, with no other writer in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Insert, LargeBinary, String, bindparam, cast, func, insert, literal, select, true, type_coerce
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry

GENESIS = bytes(32)
LOCK = 0x6461_7461_7374  # one number for every writer of the log, on databases that need a lock of their own

TABLE: Any = AuditEntry.__table__
LAST = select(TABLE.c.number, TABLE.c.chain).order_by(TABLE.c.number.desc()).limit(1)
LOCKED = select(func.pg_advisory_xact_lock(LOCK).label("locked"))


class Unnumbered(msgspec.Struct, frozen=True):
    """An entry whose number is not known yet: its columns, and its JSON up to the number and from there on."""

    act: str
    actor: str
    subject_id: str | None
    at: datetime
    head: bytes
    tail: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The leaf hash of RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def chain_hash(chain: bytes, leaf: bytes) -> bytes:
    """What binds a leaf to all before it."""
    return hashlib.sha256(chain + leaf).digest()


def add(session: Session, entries: Sequence[Unnumbered]) -> None:
    """Writes the entries in this order, after the last one that is there."""
    if session.get_bind().dialect.name != "postgresql":
        _add_here(session, entries)  # whoever writes is alone
    elif len(entries) == 1:
        _add_there(session, entries[0])
    else:
        session.execute(LOCKED)
        _add_here(session, entries)


def _add_here(session: Session, entries: Sequence[Unnumbered]) -> None:
    last = session.execute(LAST).one_or_none()
    number, chain = (last.number, last.chain) if last else (-1, GENESIS)
    rows = []
    for each in entries:
        number += 1
        entry = each.head + str(number).encode() + each.tail
        leaf = leaf_hash(entry)
        chain = chain_hash(chain, leaf)
        rows.append({**_columns(each), "number": number, "entry": entry, "leaf": leaf, "chain": chain})
    session.execute(insert(TABLE), rows)


def _add_there(session: Session, each: Unnumbered) -> None:
    """In one statement, which takes the lock, and once more when it had to wait for it.

    A statement does not see what was committed while it waited: it finds its number taken and adds nothing, and the next,
    which has the lock from its beginning, sees everything.
    """
    given = {**_columns(each), "head": each.head, "tail": each.tail}
    while not session.execute(ONE, given).first():
        pass


def _columns(each: Unnumbered) -> dict[str, Any]:
    return {"act": each.act, "actor": each.actor, "subject_id": each.subject_id, "at": each.at}


def _one() -> Insert:
    """What `_add_here` does, for one entry, where the database can hash (PostgreSQL's sha256)."""
    last, locked = LAST.subquery("last"), LOCKED.cte("locked")
    number = func.coalesce(last.c.number + 1, 0)
    entry = _joined(
        bindparam("head", type_=LargeBinary),
        func.convert_to(cast(number, String), "UTF8"),
        bindparam("tail", type_=LargeBinary),
    )
    leaf = func.sha256(_joined(literal(b"\x00", LargeBinary), entry))
    chain = func.sha256(_joined(func.coalesce(last.c.chain, literal(GENESIS, LargeBinary)), leaf))
    given = {name: bindparam(name, type_=TABLE.c[name].type) for name in ("act", "actor", "subject_id", "at")}
    columns = {"number": number, **given, "entry": entry, "leaf": leaf, "chain": chain}
    rows = select(*columns.values()).select_from(locked.outerjoin(last, true()))
    return insert_postgresql(TABLE).from_select(list(columns), rows).on_conflict_do_nothing().returning(TABLE.c.number)


def _joined(first: Any, *others: Any) -> Any:
    for other in others:
        first = type_coerce(first.op("||")(other), LargeBinary)
    return first


ONE = _one()
