"""One item of a plan, batch by batch, in the order of its clock: what is behind is not looked at again.

Each batch is a few statements whatever its size: where it ends, and the change itself, which asks once more whether a row
is due and free. Where rows are told by their keys instead, they are locked, so that this need not be asked again. Rows are
never loaded.

What hangs on the rows of a batch goes before them, in batches of its own when it is too much for theirs.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from datasteward.anonymise import methods
from datasteward.anonymise.dialects import prepare
from datasteward.anonymise.pseudonyms import RunKey
from datasteward.disposal import keys
from datasteward.disposal.disposal import dispose, promise_objects
from datasteward.disposal.pieces import unburden
from datasteward.errors import StalePlan
from datasteward.retention import archiving, keyset, selection
from datasteward.retention.held import Held
from datasteward.retention.plan import Plan
from datasteward.retention.planning import bounded
from datasteward.retention.result import Result, added
from datasteward.statements import among, changed
from datasteward.steward import Steward

LISTED = 1000
"""How many primary keys a statement lists at most."""


class _Batch(NamedTuple):
    """The rows of one batch, how many they are where that is known, and which rows come then, when more may."""

    rows: ColumnElement[bool]
    size: int | None
    then: ColumnElement[bool] | None


class Batches:
    """The batches of the item `number` of a plan, in one run of it."""

    def __init__(self, steward: Steward, given: Plan, number: int) -> None:
        self._steward, self._given, self._number = steward, given, number
        self._item = given.items[number]
        self._rows = bounded(steward, self._item)
        self._order = keyset.order(steward.catalog, self._rows.table, self._rows.clock)
        self._hung_on = bool(steward.catalog.dependents(self._rows.table)) and not self._rows.methods
        self._behind: ColumnElement[bool] | None = None
        self._key = RunKey.new()

    def take(self, session: Session, held: Held, done: Result, now: datetime) -> tuple[Result, bool]:
        """Takes the next batch in the caller's transaction; what is done by then, and whether there may be more."""
        prepare(session)
        left = self._item.goes - done.taken[self._number]
        limit = self._steward.policies.limits.retention_batch.value
        most = min(limit, LISTED) if self._hung_on else limit
        room = min(most, left)
        if room <= 0:
            return done, False  # another run of the same plan has come further
        rows = selection.going(self._steward.catalog, held, self._rows)
        if self._item.action == "archive" and self._number not in done.archives:
            done = archiving.store(session, self._steward, self._given, self._number, rows, done)
        ahead = rows if self._behind is None else and_(rows, self._behind)
        some_held = selection.free(held, self._rows) is not None
        flat = self._hung_on or some_held
        batch = self._listed(session, ahead, room, holds=some_held) if flat else self._ranged(session, ahead, room)
        along = self._unburden(session, batch, most, now)
        if along and along.total() + (batch.size or 0) > most:
            return added(done, self._number, 0, along, self._item.action), True
        taken, went = self._change(session, batch, now)
        if not taken and batch.then is not None:  # more rows than there is room for share one moment
            batch = self._listed(session, ahead, room, holds=some_held)
            taken, went = self._change(session, batch, now)
        if taken > room:
            raise StalePlan(f"More rows of {self._item.table} are due than the plan names: make a new plan.")
        self._behind = batch.then
        more = taken < left and (taken > 0 or batch.then is not None)
        return added(done, self._number, taken, went + along, self._item.action), more

    def _ranged(self, session: Session, ahead: ColumnElement[bool], room: int) -> _Batch:
        """Up to `room` rows as a range of the clock: looked up in an index on the clock alone, where there is one.

        Between the first range and the last no row is near a boundary, and the boundaries need not be compared.
        """
        start = self._order[0]
        near = selection.due(self._steward.catalog, selection.by_clock(self._rows))
        near = near if self._behind is None else and_(near, self._behind)
        end = session.scalar(
            select(start).select_from(self._rows.table).where(near).order_by(start).offset(room).limit(1)
        )
        if end is None:
            return _Batch(ahead, None, None)
        return _Batch(and_(ahead if self._behind is None else near, start < end), None, start >= end)

    def _listed(self, session: Session, ahead: ColumnElement[bool], room: int, *, holds: bool) -> _Batch:
        """The next rows by their primary keys: where others hang on them or a hold is looked up, conditions stay flat.

        With `holds` a hold may keep what came to hang on a row until it was locked: that is asked again afterwards.
        """
        size, key = min(room, LISTED), list(self._rows.table.primary_key.columns)
        found = session.execute(self._in_order(ahead).limit(size).with_for_update(of=self._rows.table)).all()
        then = keyset.after(self._order, tuple(found[-1])) if len(found) == size else None
        rows = among(key, [tuple(row[1:]) for row in found])
        if holds and found:
            found = session.execute(self._in_order(and_(ahead, rows))).all()
            rows = among(key, [tuple(row[1:]) for row in found])
        return _Batch(rows, len(found), then)

    def _in_order(self, rows: ColumnElement[bool]) -> Select[Any]:
        return select(*self._order).select_from(self._rows.table).where(rows).order_by(*self._order)

    def _unburden(self, session: Session, batch: _Batch, most: int, now: datetime) -> Counter[str]:
        """Deletes up to `most` rows that would go along; how many, by table."""
        if not self._hung_on or self._rows.keys or not batch.size:
            return Counter()
        return unburden(session, self._steward.catalog, self._rows.table, batch.rows, most, now=now)

    def _change(self, session: Session, batch: _Batch, now: datetime) -> tuple[int, Counter[str]]:
        """Does to the rows what the rule says; how many they were, and how many went or changed, by table."""
        table, name = self._rows.table, str(self._rows.table.name)
        if self._rows.keys:
            number = keys.promise_keys(session, self._steward.catalog, table, batch.rows, now=now)
            return number, Counter({name: number})
        if self._rows.methods:
            number = self._anonymise(session, batch.rows, now)
            return number, Counter({name: number})
        went = dispose(session, self._steward.catalog, table, batch.rows, now=now)
        return went[name] if batch.size is None else batch.size, went

    def _anonymise(self, session: Session, rows: ColumnElement[bool], now: datetime) -> int:
        for column in self._steward.catalog.objects(self._rows.table):
            if column.name in self._rows.methods:
                promise_objects(session, column, rows, now=now)
        return changed(session, methods.update_of(self._rows.table, self._rows.methods, rows, self._key))
