"""The ledger and the database, held against each other by the audit log.

Each entry's number and hash also stand in an audit entry of the transaction that destroys the key. So a ledger that was cut
short is told from a whole one, and so is a database that is older than the ledger.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import chaining
from datasteward.audit import log as audit
from datasteward.audit.models import AuditEntry
from datasteward.disposal.models import KeyDisposal
from datasteward.keys import Use, Vault
from datasteward.ledger.entries import Entry, Head, Why
from datasteward.ledger.ledger import Ledger
from datasteward.rights.models import SubjectRequest

ENTERED, REPLAYED = "ledger.entered", "ledger.replayed"


def enter(
    session: Session,
    ledger: Ledger,
    subject: str,
    why: Why,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Writes down that the person's keys go, in the ledger and in the audit log; call it before they go.

    Killed before the commit, the entry stands in the ledger alone; done again, it is found there and only anchored.
    Raises LedgerError, and then no key may be destroyed.
    """
    session.flush()
    chaining.lock(session.connection())  # anchors come in the order of the entries
    head = ledger.add(subject, why, now=now)
    known = anchor(session)
    if known is None or known.number < head.number:
        _write(session, ENTERED, head, actor=actor, now=now, subject=subject)


def replayed(session: Session, ledger: Ledger, *, actor: str, now: datetime) -> None:
    """Writes down that everything in the ledger has been done in this database."""
    _write(session, REPLAYED, ledger.head(), actor=actor, now=now)


def anchor(session: Session) -> Head | None:
    """The furthest entry of the ledger that this database knows of, None when it knows of none."""
    query = select(AuditEntry).where(AuditEntry.act.in_((ENTERED, REPLAYED))).order_by(AuditEntry.number.desc())
    last = session.scalars(query.limit(1)).first()
    if last is None:
        return None
    facts = audit.facts(last)
    return Head(int(facts["entry"] or 0), str(facts["head"]))


def behind(session: Session, ledger: Ledger) -> list[Entry]:
    """What the ledger says has gone and this database neither knows of nor is about to do: it is older than the ledger.

    Raises LedgerError when it is the ledger that is older, or is another one.
    """
    return _settled(session, unheard(session, ledger))


def unheard(session: Session, ledger: Ledger) -> list[Entry]:
    """The entries after the last one that this database knows of. Raises LedgerError as `behind`."""
    known = anchor(session)
    if known is not None:
        ledger.check(known)
    return list(ledger.since(0 if known is None else known.number))


def returned(session: Session, vault: Vault, ledger: Ledger) -> list[Entry]:
    """What the ledger says has gone and the key store has all the same: it is older than the ledger."""
    entries = list(ledger.since())
    there = vault.having({(entry.subject, use_of(entry)) for entry in entries})
    return _settled(session, [entry for entry in entries if (entry.subject, use_of(entry)) in there])


def use_of(entry: Entry) -> Use:
    """Which of the person's keys the entry is about."""
    return Use.RECORDS if entry.why == "records" else Use.CONTENT


def _settled(session: Session, entries: list[Entry]) -> list[Entry]:
    """Those of which no process was killed between ledger and commit, so that its own job does it again."""
    if not entries:
        return []
    # A blocked one is not under way: what blocks it is committed together with what it has destroyed.
    running = (SubjectRequest.kind == "erasure") & (SubjectRequest.state == "running")
    begun = set(session.scalars(select(SubjectRequest.subject_id).where(running)))
    promised = select(KeyDisposal.subject_id, KeyDisposal.use).where(KeyDisposal.done_at.is_(None))
    waiting = {(subject, Use(use)) for subject, use in session.execute(promised)}
    return [
        entry
        for entry in entries
        if not (entry.subject in begun if entry.why == "erasure" else (entry.subject, use_of(entry)) in waiting)
    ]


def _write(session: Session, act: str, head: Head, *, actor: str, now: datetime, subject: str | None = None) -> None:
    audit.append(session, act, actor=actor, now=now, subject=subject, entry=head.number, head=head.hash)
