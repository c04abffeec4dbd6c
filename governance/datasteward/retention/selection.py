"""Which rows each item of a plan takes, when the items before it have taken theirs.

Planning and the check before a run go through the same `Tally`, so that both count each row once and in the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.disposal.hanging import hanging
from datasteward.policy.model import Method
from datasteward.retention import conditions, keyset
from datasteward.retention.held import Held
from datasteward.retention.keyset import Place
from datasteward.statements import these


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one table that one rule is about: older by `clock` than the cutoff of their country (see plan.Item).

    `only_if`: columns that must hold one of these values. `methods` are the columns to anonymise and how; without any, rows
    go (or, with `keys`, the keys of the people that they are). `lower` and `upper` are places in the order of
    `keyset.told` between which the rows stand.
    """

    table: Table
    clock: str
    cutoffs: Mapping[str, datetime]
    only_if: Mapping[str, tuple[str, ...]]
    methods: Mapping[str, Method]
    keys: bool = False
    lower: Place | None = None
    upper: Place | None = None
    order: tuple[ColumnElement[object], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to anonymise."""
        return tuple(self.methods)


def due(catalog: Catalog, chosen: Selection) -> ColumnElement[bool]:
    """The rows that are due, inside the boundaries, and with which there is something left to do."""
    parts = [conditions.old(catalog, chosen.table, chosen.clock, chosen.cutoffs)]
    parts += conditions.only_if(chosen.table, chosen.only_if)
    if chosen.methods:
        parts.append(or_(*(conditions.still(chosen.table.c[name], how) for name, how in chosen.methods.items())))
    if chosen.keys:
        parts.append(conditions.has_key(catalog, chosen.table))
    if chosen.lower is not None and chosen.upper is not None:
        parts += [keyset.since(chosen.order, chosen.lower), keyset.upto(chosen.order, chosen.upper)]
    return and_(*parts)


def by_clock(chosen: Selection) -> Selection:
    """The same rows with boundaries that ask for the clock alone: at the first and last moment it may be some more."""
    if chosen.lower is None or chosen.upper is None:
        return chosen
    return replace(chosen, lower=chosen.lower[:1], upper=chosen.upper[:1], order=chosen.order[:1])


def free(held: Held, chosen: Selection) -> ColumnElement[bool] | None:
    """The rows that no hold keeps from what would be done; None when no hold can touch them."""
    if chosen.keys:
        keeps = held.keeps_keys(chosen.table)
    else:
        keeps = held.names(chosen.table, chosen.columns) if chosen.methods else held.keeps(chosen.table)
    return None if keeps is None else not_(keeps)


def going(catalog: Catalog, held: Held, chosen: Selection) -> ColumnElement[bool]:
    """The rows that are due and that no hold keeps."""
    unheld = free(held, chosen)
    return due(catalog, chosen) if unheld is None else and_(due(catalog, chosen), unheld)


class Tally:
    """Goes through the items in the order of their execution and remembers what each takes; reads, changes nothing."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._session = session
        self._catalog = catalog
        self._gone: defaultdict[str, list[ColumnElement[bool]]] = defaultdict(list)
        self._emptied: defaultdict[tuple[str, str], list[ColumnElement[bool]]] = defaultdict(list)

    def left(self, chosen: Selection, rows: ColumnElement[bool]) -> ColumnElement[bool]:
        """Those of `rows` that no earlier item has deleted, or anonymised in all that this one would."""
        name = chosen.table.name
        parts = [rows, *(not_(gone) for gone in self._gone[name])]
        if chosen.methods:
            full = (
                and_(
                    conditions.still(chosen.table.c[column], how),
                    *(not_(emptied) for emptied in self._emptied[name, column]),
                )
                for column, how in chosen.methods.items()
            )
            parts.append(or_(*full))
        return and_(*parts)

    def take(self, chosen: Selection, rows: ColumnElement[bool]) -> Counter[str]:
        """Takes `rows`, some of which there must be; returns how many rows of other tables go along, by table."""
        if chosen.keys:
            return Counter()
        if chosen.methods:
            for column in chosen.columns:
                self._emptied[chosen.table.name, column].append(rows)
            return Counter()
        extra: Counter[str] = Counter()
        for child, along in hanging(self._catalog, chosen.table, rows, these):
            own = [rows] if child is chosen.table else []
            fresh = and_(along, *(not_(gone) for gone in (*self._gone[child.name], *own)))
            extra[child.name] += self.count(child, fresh) if along is not rows else 0
            self._gone[child.name].append(along)
        return +extra

    def count(self, table: Table, rows: ColumnElement[bool]) -> int:
        """How many rows of the table meet the condition."""
        return self._session.scalar(select(func.count()).select_from(table).where(rows)) or 0
