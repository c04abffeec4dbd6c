"""Writing to the audit log, reading it, and checking that nobody changed it.

Every entry is canonical JSON. Its leaf hash is RFC 6962's (SHA-256 over 0x00 and the entry), so that a Merkle tree can
be built over the same entries; until then each entry's `chain` is SHA-256 over the chain before it and its leaf.

Entries hold opaque ids, counts and times: a fact is a number, a truth value or a word without spaces, so that no prose and
no mail address can slip in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from datasteward.audit import chaining
from datasteward.audit.chaining import GENESIS, Unnumbered, chain_hash, leaf_hash
from datasteward.audit.models import AuditEntry
from datasteward.errors import AuditError

POLICY = "policy"
"""The fact, and the execution option of a connection, that names the policy set by its hash."""

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}")

Fact = str | int | bool | None

_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode  # canonical


class Verdict(msgspec.Struct, frozen=True):
    """What a check of the log found: how many entries hold, and the number of the first that does not (None: all hold)."""

    entries: int
    broken_at: int | None


def append(
    work: Session | Connection, act: str, *, actor: str, now: datetime, subject: str | None = None, **facts: Fact
) -> None:
    """Adds an entry in the caller's transaction, which fails with it: what is not written down does not happen.

    The transaction is a session's or, for those who work without one, a connection's.
    `act` is a dotted word (`rights.erasure.done`), `actor` an opaque id or the name of a job, `subject` the data subject
    concerned. Raises AuditError for a fact that is not a number, a truth value or a word.
    """
    append_all(work, act, [subject], actor=actor, now=now, **facts)


def append_all(
    work: Session | Connection, act: str, subjects: Iterable[str | None], *, actor: str, now: datetime, **facts: Fact
) -> None:
    """Adds the same entry for each of several data subjects, in their order; as `append`."""
    if isinstance(work, Session):
        work.flush()  # what is done comes to the database before it is written down
        work = work.connection()
    chaining.add(work, unnumbered(act, subjects, actor=actor, now=now, facts={**under(work), **facts}))


def under(connection: Connection) -> dict[str, Fact]:
    """The policy set under which the connection was opened, as a fact of each of its entries; see purposes.engines."""
    policy = connection.get_execution_options().get(POLICY)
    return {POLICY: policy} if policy else {}


def unnumbered(
    act: str, subjects: Iterable[str | None], *, actor: str, now: datetime, facts: Mapping[str, Fact]
) -> list[Unnumbered]:
    """The entries before they have their numbers. Raises AuditError as `append` does."""
    of = list(subjects)
    for name, value in [("act", act), ("actor", actor), *facts.items(), *(("subject", one) for one in of)]:
        _check(name, value)
    head = _json({"act": act, "actor": actor, "at": _stamp(now), "facts": facts})[:-1] + ',"number":'
    return [Unnumbered(act, actor, now, one, head, f',"subject":{_json(one)}}}') for one in of]


def verify(session: Session) -> Verdict:
    """Recomputes every hash from the first entry on. A gap, a change or a swap breaks the chain where it happened."""
    chain, number = GENESIS, 0
    query = select(AuditEntry).order_by(AuditEntry.number).execution_options(yield_per=1000)
    with session.execute(query) as found:  # a check that ends early closes the cursor on the server too
        for row in found.scalars():
            leaf = leaf_hash(row.entry)
            chain = chain_hash(chain, leaf)
            if row.number != number or row.leaf != leaf or row.chain != chain or not _columns_agree(row):
                return Verdict(number, number)
            number += 1
    return Verdict(number, None)


def entries(
    session: Session,
    *,
    subject: str | None = None,
    acts: Iterable[str] = (),
    limit: int = 100,
    before: int | None = None,
) -> list[AuditEntry]:
    """The newest entries first; only those of `subject` or of `acts` where given, and older than number `before`."""
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject_id == subject)
    if wanted := list(acts):
        query = query.where(AuditEntry.act.in_(wanted))
    if before is not None:
        query = query.where(AuditEntry.number < before)
    return list(session.scalars(query))


def count(session: Session) -> int:
    """How many entries there are."""
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def facts(entry: AuditEntry) -> dict[str, Fact]:
    """The facts of an entry."""
    found: dict[str, Fact] = json.loads(entry.entry)["facts"]
    return found


def _columns_agree(row: AuditEntry) -> bool:
    body = json.loads(row.entry)
    told = (body["number"], body["act"], body["actor"], body["subject"], body["at"])
    return told == (row.number, row.act, row.actor, row.subject_id, _stamp(row.at))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _check(name: str, value: Fact) -> None:
    if isinstance(value, str) and not WORD.fullmatch(value):
        raise AuditError(f"The audit log takes no prose: {name} has to be a number or a word without spaces.")
