"""Which rows each item of a plan takes, when the items before it have taken theirs.

Planning and the check before a run go through the same `Tally`, so that both count each row once and in the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, func, or_, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.disposal.hanging import hanging
from datasteward.retention import conditions
from datasteward.statements import these


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one table that one rule is about: older by `clock` than the cutoff of their country (see plan.Item).

    `columns` are those to empty; without any, the rows are to be deleted.
    """

    table: Table
    clock: str
    cutoffs: Mapping[str, datetime]
    columns: tuple[str, ...] = ()


def due(catalog: Catalog, chosen: Selection) -> ColumnElement[bool]:
    """The rows that are due, and in which there is something left to empty."""
    old = conditions.due(catalog, chosen.table, chosen.clock, chosen.cutoffs)
    return and_(old, conditions.filled(chosen.table, chosen.columns)) if chosen.columns else old


def free(catalog: Catalog, chosen: Selection) -> ColumnElement[bool]:
    """The rows that no hold keeps from going, or from being emptied, which changes no other row."""
    keeps = conditions.of_held_person if chosen.columns else conditions.held
    return conditions.none_of([keeps(catalog, chosen.table)])


def going(catalog: Catalog, chosen: Selection) -> ColumnElement[bool]:
    """The rows that are due and that no hold keeps."""
    return and_(due(catalog, chosen), free(catalog, chosen))


class Tally:
    """Goes through the items in the order of their execution and remembers what each takes; reads, changes nothing."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._session = session
        self._catalog = catalog
        self._gone: defaultdict[str, list[ColumnElement[bool]]] = defaultdict(list)
        self._emptied: defaultdict[tuple[str, str], list[ColumnElement[bool]]] = defaultdict(list)

    def left(self, chosen: Selection, rows: ColumnElement[bool]) -> ColumnElement[bool]:
        """Those of `rows` that no earlier item has deleted, or emptied of all that this one would empty."""
        name = chosen.table.name
        parts = [rows, conditions.none_of(self._gone[name])]
        if chosen.columns:
            full = (
                and_(chosen.table.c[column].is_not(None), conditions.none_of(self._emptied[name, column]))
                for column in chosen.columns
            )
            parts.append(or_(*full))
        return and_(*parts)

    def take(self, chosen: Selection, rows: ColumnElement[bool]) -> Counter[str]:
        """Takes `rows`, some of which there must be; returns how many rows of other tables go along, by table."""
        if chosen.columns:
            for column in chosen.columns:
                self._emptied[chosen.table.name, column].append(rows)
            return Counter()
        extra: Counter[str] = Counter()
        for child, along in hanging(self._catalog, chosen.table, rows, these):
            own = [rows] if child is chosen.table else []
            fresh = and_(along, conditions.none_of([*self._gone[child.name], *own]))
            extra[child.name] += self.count(child, fresh) if along is not rows else 0
            self._gone[child.name].append(along)
        return +extra

    def count(self, table: Table, rows: ColumnElement[bool]) -> int:
        """How many rows of the table meet the condition."""
        return self._session.scalar(select(func.count()).select_from(table).where(rows)) or 0
