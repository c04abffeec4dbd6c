"""What legal holds keep, as SQL: true or false, never NULL."""

from __future__ import annotations

from sqlalchemy import ColumnElement, ForeignKeyConstraint, Table, or_, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.catalog.ownership import far, own
from datasteward.disposal.hanging import ancestors, must_go
from datasteward.retention import holds
from datasteward.statements import one_of, these


class Held:
    """The holds in force, looked up once for each plan, batch or erasure."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._catalog = catalog
        self._any = session.scalars(holds.subjects().limit(1)).first() is not None

    def keeps(self, table: Table) -> ColumnElement[bool] | None:
        """The rows that a hold keeps from going; None when no hold can touch this table."""
        return _held(self._catalog, table, {}) if self._any else None

    def names(self, table: Table, columns: tuple[str, ...]) -> ColumnElement[bool] | None:  # noqa: ARG002
        """The rows that a hold keeps from being emptied of the columns; None when no hold can touch them."""
        return of_held_person(self._catalog, table) if self._any else None


def of_held_person(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """Rows that belong to a data subject under a hold."""
    return catalog.some_person(table, lambda person: person.in_(these(holds.subjects())), sub=these)


def _same_people(catalog: Catalog, key: ForeignKeyConstraint) -> bool:
    """Whether `key` is the only road of the referring row, so that it always belongs to whom the other row belongs."""
    roads = catalog.record(key.table).owners
    if len(roads) != 1 or set(roads[0].columns) != set(key.column_keys):
        return False
    others = catalog.record(key.referred_table).owners
    theirs = [[str(column.name) for column in far(key)]] == [list(road.columns) for road in others]
    return roads[0].kind == "via" or (roads[0].kind == "by" and theirs and others[0].kind in ("subject", "by"))


def _held(catalog: Catalog, table: Table, known: dict[Table, ColumnElement[bool]]) -> ColumnElement[bool]:
    if table in known:
        return known[table]
    reasons = [of_held_person(catalog, table)]
    for key in catalog.dependents(table):
        child = key.table
        if must_go(key) and (child is table or (_same_people(catalog, key) and not catalog.dependents(child))):
            continue  # the table itself is looked at below; in the second case the child is held exactly when this row is
        kept = of_held_person(catalog, child) if child is table or not must_go(key) else _held(catalog, child, known)
        reasons.append(one_of(far(key), these(select(*own(key)).where(*(c.is_not(None) for c in own(key)), kept))))
    known[table] = ancestors(table, or_(*reasons))
    return known[table]
