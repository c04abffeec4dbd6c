"""Erasing everything of one person, derived from the catalog: rows, objects, and last of all the key.

The steps, each a transaction of its own and each safe to be run again after the process was killed:

    begin      a legal hold on everything of the person blocks it; else the request is running
    farewell   the service's last words to the person, while their address is still there
    rows       every row that leads to the person, but for what the retention rules or holds keep; objects into the outbox
    objects    the bytes of every object, some at a time
    key        first the entry in the ledger, then the person's key goes; where a hold keeps a part of the data, the
               request is blocked instead, and the steps are taken again when the hold is lifted
    records    the same for the keys for records, unless a row needs them; what waits is destroyed by the job of disposal
    forget     the service's database lets go of deleted bytes (`after`)
    scan       every table and the key store are looked through; the certificate only when nothing is found

Before the entry in the ledger nothing is lost that would not be lost anyway; after it the erasure only goes forward.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Table, and_, select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.catalog import Catalog, foreign_keys
from datasteward.disposal import disposal, keys
from datasteward.disposal.fixed import Fix, fixed
from datasteward.disposal.models import KeyDisposal, ObjectDisposal
from datasteward.errors import CatalogError, ErasureUnfinished, HoldInTheWay
from datasteward.exceptional import access
from datasteward.keys import Use
from datasteward.keys.store import CACHE_SECONDS
from datasteward.ledger import Head, enter
from datasteward.retention import holds
from datasteward.retention.held import Held, free
from datasteward.rights import leaving, requests
from datasteward.rights.blocking import goes_on, held_back
from datasteward.rights.keeping import stays
from datasteward.rights.leaving import Leave
from datasteward.rights.models import SubjectRequest
from datasteward.rights.scanning import scan
from datasteward.statements import must_go
from datasteward.steward import Steward

ACTOR = "job:erase"
LETS_GO = timedelta(seconds=CACHE_SECONDS)
"""Until a key that was destroyed is refused in every process: others may have opened it just before, and keep it so long."""
STEPS = ("begin", "farewell", "rows", "objects", "key", "records", "forget", "scan")

Transaction = Callable[[], AbstractContextManager[Session]]
Clock = Callable[[], datetime]


class Certificate(msgspec.Struct, frozen=True):
    """What was done, in counts: rows that went and rows that law keeps, by table, and how many objects were destroyed.

    What went before a hold blocked the rest is counted with what went after it was lifted.

    `policy` is the hash of the policy set that decided what stays. What was sealed for the person, but for records that
    stay, is unreadable in the live system from `unreadable_at` on, when every process has let go of the key, and in every
    backup at `unreadable_in_backups_at`, the planned end of the epoch (UTC).
    Where the person's keysets were handed out before, at `keyset_exported_at` for the last time, neither date holds for
    what was copied: whoever has the keyset opens it.
    `ledger` is the entry that was written before the key went: its number, and the SHA-256 of the file or object that it
    is. The ledger's own key signs it, so who holds a certificate can have the ledger shown. None without a ledger.
    """

    policy: str
    rows: dict[str, int]
    objects: int
    kept: dict[str, int]
    unreadable_at: datetime | None = None
    unreadable_in_backups_at: datetime | None = None
    keyset_exported_at: datetime | None = None
    ledger: Head | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the certificate's JSON with its keys in order and no blanks, in hexadecimal; the audit log holds it."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


class Notes(msgspec.Struct):
    """What an erasure under way remembers between its steps, in the request's `result`."""

    farewell: bool = False
    rows: dict[str, int] = {}
    objects: int = 0
    rows_at: datetime | None = None
    key_at: datetime | None = None


class Erasure:
    """The erasure that one request asks for. `transaction` opens a transaction that commits at its end.

    `last_words` is called once, before anything goes, in a transaction of its own; `after` makes the service's database
    let go of the bytes of deleted rows; `told` hears the name of each step before it is taken.
    """

    def __init__(
        self,
        steward: Steward,
        transaction: Transaction,
        request_id: str,
        *,
        clock: Clock,
        last_words: Callable[[Session], None] = lambda _session: None,
        after: Callable[[], None] = lambda: None,
        told: Callable[[str], None] = lambda _step: None,
    ) -> None:
        check_kept(steward)
        self._steward, self._transaction, self._request_id = steward, transaction, request_id
        self._clock, self._last_words, self._after, self._told = clock, last_words, after, told

    def run(self) -> Certificate:
        """Takes every step that is left and returns the certificate.

        Raises HoldInTheWay (the request is then blocked), ErasureUnfinished when an object cannot be destroyed now or
        the scan finds something, ObjectStoreAway (run it again after both), or RequestStateError when the request is not
        one to be carried out.
        """
        self._told("begin")
        subject = self._begin()
        for step in (self._farewell, self._rows, self._objects, self._key, self._records):
            self._told(step.__name__.strip("_"))
            step(subject)
        self._told("forget")
        self._after()
        self._told("scan")
        return self._certify(subject)

    def _begin(self) -> str:
        with self._transaction() as session:
            subject = requests.get(session, self._request_id).subject_id
        self._unless_held(requests.begin)
        return subject

    def _unless_held(self, step: Callable[[Session, SubjectRequest], None]) -> None:
        """Takes the step, or blocks the request and raises HoldInTheWay; no hold can be placed in between."""
        with self._transaction() as session:
            holds.guard(session)
            request = requests.get(session, self._request_id)
            blocked = self._in_the_way(session, request)
            if blocked:
                requests.block(session, request, now=self._clock())
            else:
                step(session, request)
        if blocked:
            raise HoldInTheWay("A legal hold keeps this data: the erasure goes on when the hold is lifted.")

    def _in_the_way(self, session: Session, request: SubjectRequest) -> bool:
        subject = request.subject_id
        if request.state == "blocked" or _notes(request).rows_at is None:
            return not goes_on(session, self._steward, subject)
        if self._entered(subject):
            return False  # there is no way back
        return self._steward.vault.has(subject) and holds.held(session, subject)

    def _farewell(self, _subject: str) -> None:
        self._unless_held(self._say_farewell)

    def _say_farewell(self, session: Session, request: SubjectRequest) -> None:
        notes = _notes(request)
        if notes.farewell or notes.rows_at is not None:
            return
        self._last_words(session)
        notes.farewell = True
        _remember(session, request, notes)

    def _rows(self, _subject: str) -> None:
        self._unless_held(self._take_rows)

    def _take_rows(self, session: Session, request: SubjectRequest) -> None:
        catalog, subject, notes = self._steward.catalog, request.subject_id, _notes(request)
        now = notes.rows_at or self._clock()
        gone, before = Counter(notes.rows), _promised(session, now)
        held, tables = Held(session, catalog), list(catalog.personal())[::-1]
        for table in (t for t in tables if stays(self._steward, t)):
            _let_go_of_objects(session, catalog, held, table, subject, now)
        with fixed(session) as fix:
            rest = [leaving.decided(catalog, t, subject, held, fix) for t in tables if not stays(self._steward, t)]
            for each in rest:
                _empty(session, catalog, each, now)
            for each in rest:
                gone += disposal.dispose(session, catalog, each.table, each.going, now=now)
            while more := _lose(session, catalog, rest, subject, held, fix, now):
                gone += more
        notes.rows, notes.rows_at = {str(name): number for name, number in gone.items()}, now
        notes.objects += len(_promised(session, now) - before)
        requests.close_others(session, request, now=now)
        _remember(session, request, notes)

    def _objects(self, _subject: str) -> None:
        while (key := self._some_object()) is not None:
            disposal.require_answer(self._steward.objects, key)
            with self._transaction() as session:
                done = disposal.destroy_objects(session, self._steward.objects)
            if done == 0:
                raise ErasureUnfinished("An object cannot be destroyed now: the erasure is tried again later.")

    def _some_object(self) -> str | None:
        """The key of an object that the step before has put into the outbox and that is still there."""
        with self._transaction() as session:
            since = _notes(requests.get(session, self._request_id)).rows_at
            return session.scalar(select(ObjectDisposal.key).where(ObjectDisposal.since == since).limit(1))

    def _key(self, subject: str) -> None:
        with self._transaction() as session:
            holds.guard(session)
            kept = held_back(session, self._steward, subject)
            if kept:
                requests.block(session, requests.get(session, self._request_id), now=self._clock(), part=True)
            if not kept or self._entered(subject):
                self._enter(session, subject)
                self._destroy_keys(session, subject)
        if kept:
            raise HoldInTheWay("A legal hold keeps a part of this data: the rest of it goes when the hold is lifted.")

    def _entered(self, subject: str) -> bool:
        ledger = self._steward.ledger
        return ledger is not None and ledger.entry(subject, "erasure") is not None

    def _enter(self, session: Session, subject: str) -> None:
        """The ledger hears of it first: a key that is gone stays gone, whatever backup comes back."""
        if self._steward.ledger is not None:
            enter(session, self._steward.ledger, subject, "erasure", actor=ACTOR, now=self._clock())

    def _destroy_keys(self, session: Session, subject: str) -> None:
        vault = self._steward.vault
        gone = vault.destroy(subject)
        now = self._clock()
        keys.promise_records(session, vault, subject, now=now)
        request = requests.get(session, self._request_id)
        notes = _notes(request)
        if gone or notes.key_at is None:  # a run that finds nothing to destroy leaves the date of the one that did
            notes.key_at = now
        _remember(session, request, notes)

    def _records(self, subject: str) -> None:
        # Not in the transaction of the promise: killed in it, the promise is there to go on from.
        with self._transaction() as session:
            holds.guard(session)
            keys.destroy_records(session, self._steward, clock=self._clock, subject=subject)

    def _certify(self, subject: str) -> Certificate:
        with self._transaction() as session:
            left, kept = scan(session, self._steward, subject)
            if left:
                raise ErasureUnfinished("The scan found data that came in meanwhile: the erasure is run again.")
            request = requests.get(session, self._request_id)
            notes = _notes(request)
            gone = _latest(notes.key_at, session.get(KeyDisposal, (subject, Use.RECORDS))) or self._clock()
            schedule = self._steward.policies.encryption.schedule
            in_backups = schedule.unreadable_in_backups(self._steward.vault.epoch_begun(), gone)
            policy = self._steward.policies.hash
            exported = access.exported(session, subject)
            ledger = self._steward.ledger
            entry = None if ledger is None else ledger.entry(subject, "erasure")
            here = gone + LETS_GO
            certificate = Certificate(policy, notes.rows, notes.objects, kept, here, in_backups, exported, entry)
            requests.finish(session, request, now=self._clock(), result=msgspec.to_builtins(certificate))
            audit.append(
                session,
                "rights.erasure.done",
                actor=ACTOR,
                subject=subject,
                now=self._clock(),
                request=request.id,
                rows=sum(notes.rows.values()),
                objects=notes.objects,
                kept=sum(kept.values()),
                policy=self._steward.policies.hash,
                certificate=certificate.digest,
            )
        return certificate


def check_kept(steward: Steward) -> None:
    """Raises CatalogError when a table that the retention rules keep could not outlive what it refers to."""
    for table in steward.catalog.personal():
        if not stays(steward, table):
            continue
        for key in foreign_keys(table):
            if must_go(key) and not stays(steward, key.referred_table):
                raise CatalogError(
                    f"policies/retention.yaml keeps {table.name} after an erasure, but its column {key.column_keys[0]} must "
                    f"refer to {key.referred_table.name}, which goes: hold the opaque id without a foreign key."
                )


def _let_go_of_objects(
    session: Session, catalog: Catalog, held: Held, table: Table, subject: str, now: datetime
) -> None:
    """Kept rows name no object any more: its bytes go, and with the key gone nobody could read them anyway."""
    for column in catalog.objects(table):
        mine = and_(catalog.belonging_to(table, subject), column.is_not(None))
        for some in free(session, table, mine, held.names(table, (column.name,))):
            disposal.promise_objects(session, column, some, now=now)
            session.execute(update(table).where(some).values({column: None}))
    session.flush()


def _empty(session: Session, catalog: Catalog, leave: Leave, now: datetime) -> None:
    """Empties what others' rows hold of the person; before anything goes, for what refers to nothing hangs on nothing."""
    for columns, rows in leave.emptied:
        for column in catalog.objects(leave.table):
            if column.name in columns:
                disposal.promise_objects(session, column, rows, now=now)
        session.execute(update(leave.table).where(rows).values(dict.fromkeys(columns)))


def _lose(
    session: Session, catalog: Catalog, left: list[Leave], subject: str, held: Held, fix: Fix, now: datetime
) -> Counter[str]:
    """Deletes the rows that others owned too and own no more, since that by which they did went with something else."""
    gone = Counter[str]()
    for each in left:
        rows = leaving.lost(catalog, each, subject, held, fix)
        gone += disposal.dispose(session, catalog, each.table, rows, now=now)
    return gone


def _promised(session: Session, since: datetime) -> set[str]:
    return set(session.scalars(select(ObjectDisposal.key).where(ObjectDisposal.since == since)))


def _latest(content: datetime | None, records: KeyDisposal | None) -> datetime | None:
    """When the last of the person's keys went: those for records do later, in this run or by the job of disposal."""
    dates = [content, None if records is None else records.done_at]
    return max((each for each in dates if each is not None), default=None)


def _notes(request: SubjectRequest) -> Notes:
    return msgspec.convert(request.result or {}, Notes)


def _remember(session: Session, request: SubjectRequest, notes: Notes) -> None:
    told: dict[str, Any] = msgspec.to_builtins(notes)
    request.result = told
    session.flush()
