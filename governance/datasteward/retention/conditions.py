"""The SQL of retention: which rows are due, which are held, which go, and which go along because they hang on others.

Every condition here is true or false, never NULL, so that it can be negated. Sub-selects are common table expressions, so
that the same table can stand in several of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKeyConstraint, Table, and_, false, not_, or_, select

from datasteward.catalog import Catalog
from datasteward.catalog.ownership import far, own
from datasteward.disposal.hanging import ancestors, must_go
from datasteward.retention import holds
from datasteward.retention.plan import EVERYWHERE
from datasteward.statements import one_of, these


def due(catalog: Catalog, table: Table, clock: str, cutoffs: Mapping[str, datetime]) -> ColumnElement[bool]:
    """Rows whose clock started before the cutoff of their country; one whose clock has not started is not due."""
    told = catalog.record(table)
    start = table.c[told.clocks[clock]]
    own = {country: cutoff for country, cutoff in cutoffs.items() if country != EVERYWHERE}
    if told.country is None or not own:
        return and_(start.is_not(None), start < cutoffs[EVERYWHERE])
    country = table.c[told.country]
    elsewhere = or_(country.is_(None), country.not_in(sorted(own)))
    branches = [and_(country.is_not(None), country == name, start < cutoff) for name, cutoff in sorted(own.items())]
    return and_(start.is_not(None), or_(and_(elsewhere, start < cutoffs[EVERYWHERE]), *branches))


def held(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """Rows that a hold keeps from going: a held person's, and those that would take or change a held person's row."""
    return _held(catalog, table, {})


def of_held_person(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """Rows that belong to a data subject under a hold."""
    return catalog.some_person(table, lambda person: person.in_(these(holds.subjects())), sub=these)


def filled(table: Table, columns: tuple[str, ...]) -> ColumnElement[bool]:
    """Rows in which anonymisation still has something to empty."""
    return or_(*(table.c[name].is_not(None) for name in columns))


def none_of(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Rows that meet none of the conditions."""
    return not_(or_(false(), *conditions))


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
