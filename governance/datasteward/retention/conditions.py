"""The SQL of retention rules: which rows are old enough, meet the conditions of the rule, and have something left to do.

Every condition here is true or false, never NULL, so that it can be negated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, or_, select
from sqlalchemy.schema import Column

from datasteward.anonymise import methods
from datasteward.catalog import Catalog
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import PolicyError
from datasteward.keys import Use
from datasteward.policy.model import Method
from datasteward.retention import keyset
from datasteward.retention.plan import EVERYWHERE
from datasteward.statements import nested


def old(catalog: Catalog, table: Table, clock: str, cutoffs: Mapping[str, datetime]) -> ColumnElement[bool]:
    """Rows whose clock started before the cutoff of their country; one whose clock has not started is not old."""
    start = keyset.start(catalog, table, clock)
    before_all = and_(start.is_not(None), start < max(cutoffs.values()))  # what an index on the clock can answer
    own = {country: cutoff for country, cutoff in cutoffs.items() if country != EVERYWHERE}
    country = catalog.country(table)
    if country is None or not own:
        return and_(start.is_not(None), start < cutoffs[EVERYWHERE])
    elsewhere = or_(country.is_(None), country.not_in(sorted(own)))
    branches = [and_(country.is_not(None), country == name, start < cutoff) for name, cutoff in sorted(own.items())]
    return and_(before_all, or_(and_(elsewhere, start < cutoffs[EVERYWHERE]), *branches))


def only_if(table: Table, wanted: Mapping[str, tuple[str, ...]]) -> list[ColumnElement[bool]]:
    """Rows whose columns hold one of the values that a rule names as text. Raises PolicyError for what cannot be one."""
    return [one_of_values(table, name, values) for name, values in sorted(wanted.items())]


def one_of_values(table: Table, name: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """Rows in which the column holds one of the values."""
    if name not in table.c:
        raise PolicyError(f"A rule asks for {name} of {table.name}, which has no such column: correct only_if.")
    column = table.c[name]
    return and_(column.is_not(None), column.in_([_typed(table, name, column.type.python_type, v) for v in values]))


def still(column: Column[Any], how: Method) -> ColumnElement[bool]:
    """Rows in which the column is not anonymous yet."""
    return methods.still(column, how)


def has_key(catalog: Catalog, table: Table) -> ColumnElement[bool]:
    """People whose key has not been promised to destruction."""
    road = next(road for road in catalog.record(table).roads if road.kind == "subject")
    return table.c[road.columns[0]].not_in(nested(select(KeyDisposal.subject_id).where(KeyDisposal.use == Use.CONTENT)))


def _typed(table: Table, name: str, kind: type, value: str) -> object:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise PolicyError(f"A rule asks whether {name} of {table.name} is '{value}', which it cannot be.") from None
