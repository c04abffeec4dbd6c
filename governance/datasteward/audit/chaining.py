"""How entries get into the table: numbered, hashed and chained to the last one, while no other writer comes in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    DateTime,
    Insert,
    LargeBinary,
    String,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry

GENESIS = bytes(32)
LOCK = 0x6461_7461_7374  # one number for every writer of the log, on databases that need a lock of their own

TABLE: Any = AuditEntry.__table__
COLUMNS = ("act", "actor", "subject_id", "at")
GIVEN: dict[str, Any] = {
    "act": String, "actor": String, "subject_id": String, "at": DateTime(timezone=True),
    "head": LargeBinary, "tail": LargeBinary,
}  # fmt: skip
LAST = select(TABLE.c.number, TABLE.c.chain).order_by(TABLE.c.number.desc()).limit(1)


class Unnumbered(msgspec.Struct, frozen=True):
    """An entry before its number is known: its columns, and its JSON up to the number and from there on."""

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
    """Writes the entries in this order, after all that are committed and before any that is not."""
    if session.get_bind().dialect.name == "postgresql":
        _add_postgresql(session, entries)
    else:
        _add_alone(session, entries)


def _add_alone(session: Session, entries: Sequence[Unnumbered]) -> None:
    """Where the database has one writer at a time, who sees everything that is there."""
    last = session.execute(LAST).one_or_none()
    number, chain = (last.number, last.chain) if last else (-1, GENESIS)
    rows = []
    for each in entries:
        number += 1
        entry = each.head + str(number).encode() + each.tail
        leaf = leaf_hash(entry)
        chain = chain_hash(chain, leaf)
        rows.append(
            {name: getattr(each, name) for name in COLUMNS}
            | {"number": number, "entry": entry, "leaf": leaf, "chain": chain}
        )
    session.execute(insert(TABLE), rows)


def _add_postgresql(session: Session, entries: Sequence[Unnumbered]) -> None:
    """In one statement, which takes the lock, and once more when it had to wait for it.

    A statement does not see what was committed while it waited: it then finds its number taken and adds nothing, and the
    next one, which has the lock from the beginning, sees all.
    """
    given = {name: [getattr(each, name) for each in entries] for name in GIVEN}
    while not session.execute(STATEMENT, given).all():
        pass


def _statement() -> Insert:
    """The entries numbered on from the last, hashed, chained and added, unless the numbers are taken."""
    given = func.unnest(
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in GIVEN.items()),
    ).table_valued(*GIVEN, with_ordinality="place", name="given").render_derived()
    locked = select(func.pg_advisory_xact_lock(LOCK)).cte("locked")
    last = LAST.subquery("last")
    number = func.coalesce(last.c.number, -1) + given.c.place
    told = given.c.head.op("||")(func.convert_to(cast(number, String), "UTF8")).op("||")(given.c.tail)
    entries = (
        select(
            number.label("number"),
            *(given.c[name] for name in COLUMNS),
            type_coerce(told, LargeBinary).label("entry"),
            func.coalesce(last.c.chain, literal(GENESIS, LargeBinary)).label("before"),
            given.c.place,
        )
        .select_from(locked.outerjoin(last, true()).join(given, true()))
        .cte("entries")
    )
    leaf = type_coerce(func.sha256(literal(b"\x00", LargeBinary).op("||")(entries.c.entry)), LargeBinary)
    leaves = select(*entries.c, leaf.label("leaf")).cte("leaves")
    first = select(leaves, _chained(leaves.c.before, leaves)).where(leaves.c.place == 1).cte("chained", recursive=True)
    onward = select(leaves, _chained(first.c.chain, leaves)).where(leaves.c.place == first.c.place + 1)
    chained = first.union_all(onward)
    names = ["number", *COLUMNS, "entry", "leaf", "chain"]
    rows = select(*(chained.c[name] for name in names))
    return insert_postgresql(TABLE).from_select(names, rows).on_conflict_do_nothing().returning(TABLE.c.number)


def _chained(before: Any, leaves: Any) -> Any:
    return type_coerce(func.sha256(before.op("||")(leaves.c.leaf)), LargeBinary).label("chain")


STATEMENT = _statement()
