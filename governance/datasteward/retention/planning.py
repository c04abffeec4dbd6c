"""Planning: what the rules of the policy set would dispose of now, counted in the database and changing nothing.

Items are planned in the order of their execution, and each row is counted once, by the first item that it falls to: what
refers to a row before that row, deletions before anonymisations. So the counts of a plan are those of its run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, case, func, select, union
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry
from datasteward.base import new_id
from datasteward.catalog import Catalog
from datasteward.retention import estimate, selection
from datasteward.retention.plan import Item, Plan
from datasteward.retention.rules import Governed, governed
from datasteward.retention.selection import Selection, Tally
from datasteward.steward import Steward

Going = tuple[Table, ColumnElement[bool]]


def plan(session: Session, steward: Steward, *, now: datetime) -> Plan:
    """The plan as of `now` (UTC). Reads only; the session should see one consistent state.

    Raises PolicyError when a rule asks for what a table cannot give.
    """
    tally = Tally(session, steward.catalog)
    taken: list[Going] = []
    items = [_item(session, steward, each, now, tally, taken) for each in governed(steward)]
    return Plan(
        id=new_id(),
        made_at=now,
        policy_hash=steward.policies.hash,
        database=database_id(session),
        people=_people(session, steward.catalog, taken),
        items=tuple(items),
    )


def present(session: Session, catalog: Catalog, items: Iterable[Item]) -> list[tuple[int, int]]:
    """For each item how many rows would go or be emptied now by its boundaries, and how many others along with them."""
    tally = Tally(session, catalog)
    return [_present(catalog, tally, chosen(catalog, item)) for item in items]


def kept_back(session: Session, steward: Steward, subject: str, *, now: datetime) -> dict[str, int]:
    """What is due of one data subject now, held or not: by the name of the rule how many rows."""
    catalog, found = steward.catalog, Counter[str]()
    for each in governed(steward):
        if not catalog.record(each.table).owners:
            continue
        rows = Selection(each.table, each.clock, each.cutoffs(steward.policies, now), each.columns)
        mine = and_(selection.due(catalog, rows), catalog.belonging_to(each.table, subject))
        found[each.rule.name] += session.scalar(select(func.count()).select_from(each.table).where(mine)) or 0
    return dict(+found)


def chosen(catalog: Catalog, item: Item) -> Selection:
    """The rows that an item of a plan is about."""
    return Selection(catalog.table(item.table), item.clock, item.cutoffs, item.columns)


def database_id(session: Session) -> str:
    """What tells this database from any other: the hash of its first audit entry; empty while there is none."""
    leaf = session.scalar(select(AuditEntry.leaf).where(AuditEntry.number == 0))
    return leaf.hex() if leaf else ""


def _present(catalog: Catalog, tally: Tally, rows: Selection) -> tuple[int, int]:
    goes = tally.left(rows, selection.going(catalog, rows))
    number = tally.count(rows.table, goes)
    return (number, tally.take(rows, goes).total()) if number else (0, 0)


def _item(session: Session, steward: Steward, each: Governed, now: datetime, tally: Tally, taken: list[Going]) -> Item:
    catalog, cutoffs = steward.catalog, each.cutoffs(steward.policies, now)
    rows = Selection(each.table, each.clock, cutoffs, each.columns)
    due = tally.left(rows, selection.due(catalog, rows))
    goes = and_(due, selection.free(catalog, rows))
    found = _count(session, catalog, rows, due, goes)
    number = int(found.goes or 0)
    if number:
        taken.append((rows.table, goes))
    return Item(
        rule=each.rule.id,
        name=each.rule.name,
        table=str(rows.table.name),
        category=catalog.record(rows.table).category,
        action=each.action,
        kept=each.kept,
        clock=rows.clock,
        cutoffs=rows.cutoffs,
        due=found.due,
        held=found.due - number,
        goes=number,
        along=_named(tally.take(rows, goes)) if number else {},
        oldest=found.oldest,
        newest=found.newest,
        bytes=_bytes(rows, number, int(found.objects or 0)),
        columns=rows.columns,
        why=each.why,
    )


def _count(
    session: Session, catalog: Catalog, rows: Selection, due: ColumnElement[bool], goes: ColumnElement[bool]
) -> Row[Any]:
    start = rows.table.c[catalog.record(rows.table).clocks[rows.clock]]
    query = select(
        func.count().label("due"),
        func.sum(case((goes, 1), else_=0)).label("goes"),
        func.min(start).label("oldest"),
        func.max(start).label("newest"),
        func.sum(case((goes, estimate.objects(catalog, rows.table)), else_=0)).label("objects"),
    )
    return session.execute(query.select_from(rows.table).where(due)).one()


def _bytes(rows: Selection, number: int, objects: int) -> int:
    if rows.columns:
        return number * sum(estimate.width(rows.table.c[name].type) for name in rows.columns)
    return number * estimate.row(rows.table) + objects


def _named(counts: Counter[str]) -> dict[str, int]:
    return {str(name): number for name, number in sorted(counts.items())}  # SQLAlchemy's names are a kind of str


def _people(session: Session, catalog: Catalog, taken: list[Going]) -> int:
    """How many data subjects the rows belong to."""
    personal = [(table, rows) for table, rows in taken if catalog.record(table).owners]
    if not personal:
        return 0
    named = [catalog.subjects(table, rows) for table, rows in personal]
    everybody = union(*named).subquery()
    return session.scalar(select(func.count(everybody.c.subject))) or 0
