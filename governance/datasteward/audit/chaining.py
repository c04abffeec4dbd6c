"""How entries get into the table: numbered, hashed and chained to the last one, with no other writer in between."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Insert, LargeBinary, String, bindparam, cast, func, insert, literal, select, true, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry

GENESIS = bytes(32)
LOCK = 0x6461_7461_7374  # one number for every writer of the log, on databases that need a lock of their own

TABLE: Any = AuditEntry.__table__
LAST = select(TABLE.c.number, TABLE.c.chain).order_by(TABLE.c.number.desc()).limit(1)


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


def add(session: Session, entries: Unnumbered) -> None:
    """Writes the entries in this order, after the last one that is there."""
    if session.get_bind().dialect.name == "postgresql":
        _add_there(session, entries)
    else:
        _add_here(session, entries)  # whoever writes is alone


def _add_here(session: Session, entries: Unnumbered) -> None:
    last = session.execute(LAST).one_or_none()
    number, chain = (last.number, last.chain) if last else (-1, GENESIS)
    same = {"act": entries.act, "actor": entries.actor, "at": entries.at}
    rows = []
    for subject, tail in zip(entries.subjects, entries.tails, strict=True):
        number += 1
        entry = f"{entries.head}{number}{tail}".encode()
        leaf = leaf_hash(entry)
        chain = chain_hash(chain, leaf)
        rows.append({**same, "number": number, "subject_id": subject, "entry": entry, "leaf": leaf, "chain": chain})
    if rows:
        session.execute(insert(TABLE), rows)


def _add_there(session: Session, entries: Unnumbered) -> None:
    """In one statement, which takes the lock, and once more when it had to wait for it.

    A statement does not see what was committed while it waited: it finds its numbers taken and adds nothing, and the next,
    which has the lock from its beginning, sees everything.
    """
    if not entries.subjects:
        return
    connection, statement, given = session.connection(), MANY, msgspec.structs.asdict(entries)
    if len(entries.subjects) == 1:
        statement, given = ONE, given | {"subject_id": entries.subjects[0], "tail": entries.tails[0]}
    while connection.execute(statement, given).first() is None:
        pass


def _one() -> Insert:
    """What `_add_here` does for one entry, by a database that can hash (PostgreSQL's sha256)."""
    given = {name: _given(name, TABLE.c[name].type) for name in ("act", "actor", "at", "subject_id")}
    number, chain, locked = _before()
    entry = _entry(_given("head", String), number + 1, _given("tail", String))
    hashes = {"leaf": _leaf(entry), "chain": _hash(chain, _leaf(entry))}
    return _adding({"number": number + 1, **given, "entry": entry, **hashes}, locked)


def _many() -> Insert:
    """The same for several entries, each chained to the one before it."""
    given = select(
        *(_given(name, TABLE.c[name].type).label(name) for name in ("act", "actor", "at")),
        *(_given(name, ARRAY(String)).label(name) for name in ("subjects", "tails")),
        _given("head", String).label("head"),
    ).cte("given")
    number, chain, locked = _before()
    first = select(literal(0).label("place"), number.label("number"), chain.label("chain")).select_from(locked)
    step = first.cte("chained", recursive=True)
    place, number = step.c.place + 1, step.c.number + 1
    chain = _hash(step.c.chain, _leaf(_entry(given.c.head, number, given.c.tails[place])))
    within = place <= func.cardinality(given.c.tails)
    done = step.union_all(select(place, number, chain).select_from(step.join(given, within)))
    entry = _entry(given.c.head, done.c.number, given.c.tails[done.c.place])
    same = {name: given.c[name] for name in ("act", "actor", "at")}
    columns = {"number": done.c.number, **same, "subject_id": given.c.subjects[done.c.place]}
    hashes = {"leaf": _leaf(entry), "chain": done.c.chain}
    return _adding({**columns, "entry": entry, **hashes}, done.join(given, done.c.place > 0))


def _before() -> tuple[Any, Any, Any]:
    """The last entry's number and chain, or what stands for them in an empty log, and where they come from: under the lock."""
    locked, last = select(func.pg_advisory_xact_lock(LOCK).label("locked")).cte("locked"), LAST.subquery("last")
    genesis = literal(GENESIS, LargeBinary)
    return func.coalesce(last.c.number, -1), func.coalesce(last.c.chain, genesis), locked.outerjoin(last, true())


def _entry(head: Any, number: Any, tail: Any) -> Any:
    return func.convert_to(head.concat(cast(number, String)).concat(tail), "UTF8")


def _leaf(entry: Any) -> Any:
    return _hash(literal(b"\x00", LargeBinary), entry)


def _hash(first: Any, second: Any) -> Any:
    return type_coerce(func.sha256(first.op("||")(second)), LargeBinary)


def _adding(columns: dict[str, Any], rows: Any) -> Insert:
    added = insert_postgresql(TABLE).from_select(list(columns), select(*columns.values()).select_from(rows))
    return added.on_conflict_do_nothing().returning(TABLE.c.number)


def _given(name: str, kind: Any) -> Any:
    return bindparam(name, type_=kind)


ONE, MANY = _one(), _many()
