"""Archiving activity so that no line leads to a person: rows are counted in groups of at least k people.

    groups = grouped(catalog, table, rows, {"kind": "as_is", "created_at": "day"}, k)
    for block in write(session, groups, head): …

A group is one combination of the generalised columns; every other column is left out. It is published when its rows belong
to at least `k` distinct people (k-anonymity, Samarati and Sweeney 1998), however many rows they are; smaller ones are
suppressed and only counted. How many people a group has is not published.

What is not promised: that the members of a group differ (homogeneity: when all of them did the same, it is known of each),
nor anything about somebody who knows all others of a group, nor about two archives that overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, LargeBinary, Select, Table, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from datasteward.anonymise import times
from datasteward.anonymise.flaws import is_object
from datasteward.anonymise.people import SUBJECT, beside
from datasteward.catalog import Catalog
from datasteward.errors import NotAnonymous, PolicyError
from datasteward.policy.model import Coarseness
from datasteward.types import Sealed, UtcDateTime

AT_ONCE = 500
RECORDS = "records"
PEOPLE = "people"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of an archive: of what it is, by which rule of which policies, as of when (UTC), and how coarse."""

    table: str
    rule: str
    policy_hash: str
    as_of: datetime
    k: int
    columns: Mapping[str, Coarseness]


class Suppressed(msgspec.Struct, frozen=True):
    """What was not published because too few people stood behind it: how many groups, of how many rows."""

    groups: int
    records: int


def grouped(
    catalog: Catalog, table: Table, rows: ColumnElement[bool], generalise: Mapping[str, Coarseness], k: int
) -> Select[Any]:
    """A statement for the groups of the rows that have at least `k` people, always in the same order.

    Its columns are those of `generalise`, then `records`, the number of rows, and `people`, which `write` keeps to itself.
    Raises NotAnonymous for a `k` below 2, PolicyError for a column that cannot be generalised so, CatalogError for a table
    that belongs to nobody.
    """
    groups = _groups(catalog, table, rows, generalise, k)
    return select(groups).where(groups.c[PEOPLE] >= k).order_by(*(groups.c[name].nulls_first() for name in generalise))


def suppressed(
    session: Session,
    catalog: Catalog,
    table: Table,
    rows: ColumnElement[bool],
    generalise: Mapping[str, Coarseness],
    k: int,
) -> Suppressed:
    """What `grouped` leaves out. Raises as it does."""
    groups = _groups(catalog, table, rows, generalise, k)
    small = select(func.count(), func.coalesce(func.sum(groups.c[RECORDS]), 0)).where(groups.c[PEOPLE] < k)
    number, records = session.execute(small).one()
    return Suppressed(number, int(records))


def check(session: Session, groups: Select[Any], k: int) -> None:
    """Raises NotAnonymous when one of the groups has fewer than `k` people."""
    fewest = session.scalar(select(func.min(groups.order_by(None).subquery().c[PEOPLE])))
    if fewest is not None:
        _enough(int(fewest), k)


def write(session: Session, groups: Select[Any], head: Head) -> Iterator[bytes]:
    """The archive as JSON Lines: the head, then a line for each of the `groups`; the same bytes for the same rows.

    It is streamed and never whole in memory. Raises NotAnonymous, before the first line when the session sees one state
    throughout, and else at the latest before the line in question, when a group has fewer people than the head promises.
    """
    check(session, groups, head.k)
    yield _line(head)
    with session.execute(groups.execution_options(yield_per=AT_ONCE)) as result:
        for row in result.mappings():
            _enough(row[PEOPLE], head.k)
            yield _line({str(name): value for name, value in row.items() if name != PEOPLE})


def unfit(catalog: Catalog, table: Table, name: str, how: Coarseness) -> str | None:
    """Why a column cannot stand in an archive like this, in a sentence; None when it can."""
    if name not in table.c or name in (RECORDS, PEOPLE):
        return f"The table {table.name} has no column {name} that could be archived: correct generalise."
    column = table.c[name]
    ends = {end for road in catalog.record(table).roads for end in road.columns if road.kind != "through"}
    if column.primary_key or name in ends:
        return f"The column {table.name}.{name} leads to one row or person: leave it out of generalise."
    if is_object(column) or isinstance(column.type, Sealed | LargeBinary | JSON):
        return f"The column {table.name}.{name} holds no values that several people share: leave it out of generalise."
    if how != "as_is" and not isinstance(column.type, UtcDateTime):
        return f"The column {table.name}.{name} is no UtcDateTime: write as_is, or leave it out of generalise."
    return None


def _groups(
    catalog: Catalog, table: Table, rows: ColumnElement[bool], generalise: Mapping[str, Coarseness], k: int
) -> Any:
    """All groups, with their numbers of rows and people.

    Rows and the people beside them are counted in one go, so that rows with several owners, or none, count once.
    """
    if k < 2:
        raise NotAnonymous("A group of one leads to its person: write 2 or more as k in policies/anonymisation.yaml.")
    values = [_general(catalog, table, name, how) for name, how in generalise.items()]
    own = select(*values, null().label(SUBJECT)).select_from(table).where(rows)
    names = [*generalise, SUBJECT]
    counted = [own.add_columns(literal(1).label(RECORDS))]
    counted += [each.add_columns(literal(0).label(RECORDS)) for each in beside(catalog, table, values, rows)]
    all_of = union_all(*counted).subquery()
    keys = [all_of.c[name] for name in names[:-1]]
    people = func.count(all_of.c[SUBJECT].distinct()).label(PEOPLE)
    records = func.sum(all_of.c[RECORDS]).label(RECORDS)
    return select(*keys, records, people).group_by(*keys).subquery()


def _general(catalog: Catalog, table: Table, name: str, how: Coarseness) -> ColumnElement[Any]:
    if what := unfit(catalog, table, name, how):
        raise PolicyError(what)
    column = table.c[name]
    return (column if how == "as_is" else times.coarse(column, how)).label(name)


def _enough(people: int, k: int) -> None:
    if people < k:
        raise NotAnonymous(
            f"A group has fewer than {k} people: nothing is archived; find out how it came to stand here."
        )


def _line(of: object) -> bytes:
    return msgspec.json.encode(of, order="deterministic") + b"\n"
