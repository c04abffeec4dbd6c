"""The ledger, replayed over a database and a key store that came out of a backup: who was erased is erased again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import select

from datasteward.backup.unopened import unopened
from datasteward.disposal.keys import promise_records
from datasteward.errors import HoldInTheWay
from datasteward.keys import Use
from datasteward.ledger import Ledger, anchoring
from datasteward.retention import orphans
from datasteward.rights import requests
from datasteward.rights.erasure import Erasure, Transaction
from datasteward.rights.models import SubjectRequest
from datasteward.rights.scanning import scan
from datasteward.steward import Steward

ACTOR = "job:restore"
GOES_ON = ("waiting", "running", "blocked", "failed")


class Replayed(msgspec.Struct, frozen=True):
    """How many keys came back and were destroyed, how many people were erased again, and how many wait for a hold's end.

    `bare`: how many objects that rows name are not there afterwards, such as those that went while the backup was made.
    `unopened`: how many people something is sealed for that came after the key store's backup was made: no key opens it.
    """

    keys: int
    people: int
    waiting: int
    bare: int
    unopened: int


def destroy_again(steward: Steward, ledger: Ledger) -> int:
    """Destroys every key that the ledger says is gone, whatever has brought it back; how many there were.

    A hold does not stop it: none stood in the way when the entry was written. Raises LedgerError, KeyStoreError.
    """
    gone = {(entry.subject, anchoring.use_of(entry)) for entry in ledger.since()}
    return steward.vault.destroy_all(steward.vault.having(gone))


def replay(
    steward: Steward,
    ledger: Ledger,
    transaction: Transaction,
    *,
    clock: Callable[[], datetime],
    after: Callable[[], None],
) -> Replayed:
    """Destroys the keys, then erases each person of whom the database has not heard, as the first time: under its holds.

    Keys for records that came back and had not gone go, as before, when no row needs them.

    Cut off at whatever step, it is run again. Raises LedgerError, KeyStoreError, ErasureUnfinished, ObjectStoreError.
    """
    keys = destroy_again(steward, ledger)
    with transaction() as session:
        for subject, _ in steward.vault.having({(entry.subject, Use.RECORDS) for entry in ledger.since()}):
            promise_records(session, steward.vault, subject, now=clock())
    people = waiting = 0
    for subject in _unfinished(ledger, transaction):
        request = _request(steward, transaction, subject, clock())
        if request is None:
            continue
        try:
            Erasure(steward, transaction, request, clock=clock, after=after).run()
            people += 1
        except HoldInTheWay:
            waiting += 1
    with transaction() as session:
        anchoring.replayed(session, ledger, actor=ACTOR, now=clock())
        bare = orphans.without_object(session, steward)
        return Replayed(keys, people, waiting, bare=bare, unopened=unopened(session, steward, ledger))


def _unfinished(ledger: Ledger, transaction: Transaction) -> list[str]:
    """The people whose erasure this database has not heard of, or has begun and not ended."""
    running = select(SubjectRequest.subject_id).where(
        SubjectRequest.kind == "erasure", SubjectRequest.state == "running"
    )
    with transaction() as session:
        begun = [subject for subject in session.scalars(running) if ledger.entry(subject, "erasure")]
        unheard = [entry.subject for entry in anchoring.unheard(session, ledger) if entry.why == "erasure"]
    return list(dict.fromkeys([*begun, *unheard]))


def _request(steward: Steward, transaction: Transaction, subject: str, now: datetime) -> str | None:
    """The request to be carried out for the person; None when nothing of theirs has come back."""
    with transaction() as session:
        last = requests.last(session, subject, "erasure")
        if last is not None and last.state in GOES_ON:
            return last.id
        left, _ = scan(session, steward, subject)
        if not left:
            return None
        made = requests.ask(
            session, steward.policies, subject, "erasure", country=None, now=now, via="restore", by=ACTOR
        )
        return made.id
