"""Which rows legal holds keep, as SQL: conditions that are true or false, never NULL.

A row that a hold is about may neither go nor change. So a row is held too when its going would take along, or change, one
that is: what must refer to it, at any depth, and what lets go of it. And the rows of an association by which a held row
belongs to people are held with it, for without them nobody could tell whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    SQLColumnExpression,
    Table,
    and_,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog, Tag, within
from datasteward.catalog.ownership import far, key_of, own
from datasteward.catalog.sharing import is_of_person
from datasteward.disposal.hanging import ancestors
from datasteward.errors import HoldInTheWay
from datasteward.retention import holds
from datasteward.retention.models import LegalHold
from datasteward.retention.scope import Scope, one_of_rows
from datasteward.statements import NAMED, among, must_go, one_of, released, these

Condition = ColumnElement[bool]


class Held:
    """The holds in force, looked up once for each plan, batch or erasure.

    `which` is a condition on holds: only those count. The conditions are for queries alone (see statements.these): what is to
    be changed is told by the keys that a query found.
    """

    def __init__(self, session: Session, catalog: Catalog, *, which: Condition | None = None) -> None:
        self._catalog = catalog
        self._people = holds.subjects().where(true() if which is None else which)
        found = holds.any_in_force(session)
        self._any_person = found and session.scalars(self._people.limit(1)).first() is not None
        self._scopes = holds.scopes(session, which) if found else []
        self._known: dict[Table, Condition | None] = {}

    def keeps(self, table: Table) -> Condition | None:
        """The rows that a hold keeps from going; None when no hold in force can touch this table."""
        if table not in self._known:
            self._known[table] = self._closed(table)
        return self._known[table]

    def names(self, table: Table, columns: Iterable[str]) -> Condition | None:
        """The rows that a hold keeps from being emptied of the columns; None when no hold in force can touch them."""
        return _any([self._of_held_person(table), self._scoped(table, list(columns))])

    def keeps_keys(self, table: Table) -> Condition | None:
        """The rows of a table of people whose key a hold keeps; None when no hold in force can."""
        road = next(road for road in self._catalog.record(table).roads if road.kind == "subject")
        return self.keeps_key(table.c[road.columns[0]])

    def keeps_key(self, person: SQLColumnExpression[Any]) -> Condition | None:
        """Whether a hold keeps the key of the person whose id this is: without it what is held of theirs cannot be read."""
        reasons = [person.in_(these(self._people)) if self._any_person else None]
        for table in self._catalog.owned():
            for column in sealed(self._catalog, table):
                kept = self._scoped(table, [str(column.name)])
                if kept is not None:
                    theirs = self._catalog.subjects(table, and_(column.is_not(None), kept)).subquery()
                    reasons.append(person.in_(these(select(theirs.c.subject))))
        return _any(reasons)

    def _closed(self, table: Table) -> Condition | None:
        reasons = [self.names(table, table.columns.keys())]
        for key in self._catalog.dependents(table):
            kept = self._kept(key)
            if kept is not None:
                filled = (column.is_not(None) for column in own(key))
                reasons.append(one_of(far(key), these(select(*own(key)).where(*filled, kept))))
        found = _any(reasons)
        return None if found is None else ancestors(table, found)

    def _kept(self, key: ForeignKeyConstraint) -> Condition | None:
        """The rows that a hold keeps from losing, or going with, what they refer to by this key."""
        child = key.table
        if not must_go(key):
            return self.names(child, released(key))
        if child is key.referred_table:
            return None  # `ancestors` looks at the table itself
        if self._follows(key):
            return None
        return self.keeps(child)

    def _follows(self, key: ForeignKeyConstraint) -> bool:
        """Whether the referring rows are held exactly when those are that they refer to: as their people are."""
        child, catalog = key.table, self._catalog
        narrow = self._scoped(child, child.columns.keys())
        return narrow is None and not catalog.dependents(child) and _same_people(catalog, key)

    def _of_held_person(self, table: Table) -> Condition | None:
        if not self._any_person or not self._catalog.record(table).owners:
            return None
        return self._catalog.some_person(table, lambda person: person.in_(these(self._people)), sub=these)

    def _scoped(self, table: Table, columns: Sequence[str]) -> Condition | None:
        """Rows that holds other than those on a whole person keep."""
        if not self._scopes:
            return None
        return _any([*(self._of(scope, table, columns) for scope in self._scopes), *self._leading(table)])

    def _leading(self, table: Table) -> list[Condition | None]:
        """Rows of an association over which the road of a held row leads."""
        found: list[Condition | None] = []
        for other in self._catalog.tables:
            for road in self._catalog.record(other).roads:
                if road.kind == "through" and road.table == table.name:
                    key, kept = key_of(self._catalog, other, road), self._scoped(other, other.columns.keys())
                    found.append(None if kept is None else one_of(own(key), these(select(*far(key)).where(kept))))
        return found

    def _of(self, scope: Scope, table: Table, columns: Sequence[str]) -> Condition | None:
        if scope.table not in (None, table.name):
            return None
        parts = [one_of_rows(table, scope.rows)] if scope.rows else []
        for asked, found in (
            (scope.category, self._of_category(scope.category, table, columns)),
            (scope.subject, self._of_person(scope.subject, table)),
            (scope.since or scope.before, self._in_range(scope.since, scope.before, table)),
        ):
            if asked is not None and found is None:
                return None
            parts += [] if found is None else [found]
        return and_(true(), *parts)

    def _of_category(self, category: str | None, table: Table, columns: Sequence[str]) -> Condition | None:
        if category is None:
            return None
        if within(self._catalog.record(table).category, category):
            return true()
        inside = [c for name, c in table.columns.items() if name in columns and _inside(self._catalog.tag(c), category)]
        return or_(*(column.is_not(None) for column in inside)) if inside else None

    def _of_person(self, subject: str | None, table: Table) -> Condition | None:
        if subject is None or not self._catalog.record(table).owners:
            return None
        return self._catalog.some_person(table, lambda person: person == literal(subject), sub=these)

    def _in_range(self, since: datetime | None, before: datetime | None, table: Table) -> Condition | None:
        start = self._catalog.clock(table, "created")
        if start is None or (since is None and before is None):
            return true()
        after = true() if since is None else start >= since
        return or_(start.is_(None), and_(after, true() if before is None else start < before))


def sealed(catalog: Catalog, table: Table) -> list[Column[Any]]:
    """The columns whose content cannot be read without a person's key.

    What is shared is not among them, for the keys of its row are: they lie in the association, which a hold keeps with it.
    """
    objects = catalog.objects(table)
    return [column for column in table.columns if is_of_person(column) or column in objects]


def free(session: Session, table: Table, rows: Condition, kept: Condition | None) -> Iterator[Condition]:
    """Those of the rows that are not `kept`, as conditions for a change: by the keys that they have now, some at a time."""
    key, wanted = list(table.primary_key.columns), [rows] if kept is None else [rows, not_(kept)]
    found = session.execute(select(*key).where(*wanted)).all()
    for first in range(0, len(found), NAMED):
        yield among(key, found[first : first + NAMED])


def refuse(session: Session, catalog: Catalog, table: Table, rows: Condition, columns: Iterable[str] = ()) -> None:
    """Raises HoldInTheWay when a hold keeps one of the rows from going or, where `columns` are given, from losing them.

    Takes the guard (see holds): what is not refused may be done in the same transaction.
    """
    holds.guard(session)
    if _some(session, catalog, table, rows, columns):
        raise HoldInTheWay("A legal hold keeps this data: it can be disposed of once the hold is lifted.")


def spared(session: Session, catalog: Catalog, table: Table, rows: Condition, columns: Iterable[str] = ()) -> bool:
    """Whether the rows have to stay for now, because of a hold or because one is being placed; waits for nobody."""
    return not holds.guard_at_once(session) or _some(session, catalog, table, rows, columns)


def only(hold: LegalHold) -> Condition:
    """For `Held`: this hold alone."""
    return LegalHold.id == hold.id


def _some(session: Session, catalog: Catalog, table: Table, rows: Condition, columns: Iterable[str]) -> bool:
    held, emptied = Held(session, catalog), list(columns)
    kept = held.names(table, emptied) if emptied else held.keeps(table)
    return kept is not None and session.scalar(select(literal(1)).select_from(table).where(rows, kept).limit(1)) == 1


def _any(reasons: Iterable[Condition | None]) -> Condition | None:
    found = [reason for reason in reasons if reason is not None]
    return or_(*found) if found else None


def _inside(told: Tag, category: str) -> bool:
    return within(told.category, category) or any(_inside(each, category) for each in told.paths.values())


def _same_people(catalog: Catalog, key: ForeignKeyConstraint) -> bool:
    """Whether `key` is the only road of the referring row, so that it always belongs to whom the other row belongs."""
    roads = catalog.record(key.table).owners
    if len(roads) != 1 or set(roads[0].columns) != set(key.column_keys):
        return False
    others = catalog.record(key.referred_table).owners
    theirs = [[str(column.name) for column in far(key)]] == [list(road.columns) for road in others]
    return roads[0].kind == "via" or (roads[0].kind == "by" and theirs and others[0].kind in ("subject", "by"))
