"""Planning: what the rules of the policy set would dispose of now, counted in the database and changing nothing.

Items are planned in the order of their execution, and each row is counted once, by the first item that it falls to: what
refers to a row before that row, deletions before anonymisations. So the counts of a plan are those of its run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, case, func, not_, select, union
from sqlalchemy.orm import Session

from datasteward.anonymise.dialects import prepare
from datasteward.audit.models import AuditEntry
from datasteward.base import new_id
from datasteward.catalog import Catalog
from datasteward.errors import StalePlan
from datasteward.retention import clockwatch, estimate, keyset, selection
from datasteward.retention.held import Held, only
from datasteward.retention.models import LegalHold
from datasteward.retention.plan import Item, Plan
from datasteward.retention.rules import Governed, governed
from datasteward.retention.selection import Selection, Tally
from datasteward.steward import Steward

Going = tuple[Table, ColumnElement[bool]]


def plan(session: Session, steward: Steward, *, now: datetime) -> Plan:
    """The plan as of `now` (UTC). Reads only; the session should see one consistent state.

    Raises PolicyError when a rule asks for what a table cannot give.
    """
    prepare(session)
    tally, held = Tally(session, steward.catalog), Held(session, steward.catalog)
    taken: list[Going] = []
    items = [_item(session, steward, each, now, tally, held, taken) for each in governed(steward)]
    return Plan(
        id=new_id(),
        made_at=now,
        policy_hash=steward.policies.hash,
        database=database_id(session),
        people=people(session, steward.catalog, taken),
        items=tuple(items),
        jump=clockwatch.jump(session, now, steward.policies.limits.retention_clock_jump.span),
    )


def present(session: Session, steward: Steward, items: Iterable[Item], held: Held) -> list[tuple[int, int]]:
    """For each item how many rows would go or change now by its cutoffs, and how many others along with them."""
    prepare(session)
    tally = Tally(session, steward.catalog)
    return [_present(steward.catalog, tally, held, chosen(steward, item)) for item in items]


def kept_back(session: Session, steward: Steward, hold: LegalHold, *, now: datetime) -> dict[str, int]:
    """What is due now and kept by this hold alone: by the name of the rule how many rows go once it is lifted."""
    prepare(session)
    catalog, found = steward.catalog, Counter[str]()
    this, others = Held(session, catalog, which=only(hold)), Held(session, catalog, which=not_(only(hold)))
    for each in governed(steward):
        rows = each.selection(steward.policies, now)
        unheld, free = selection.free(this, rows), selection.free(others, rows)
        if unheld is not None:
            kept = and_(selection.due(catalog, rows), not_(unheld), *([] if free is None else [free]))
            found[each.rule.name] += session.scalar(select(func.count()).select_from(each.table).where(kept)) or 0
    return dict(+found)


def chosen(steward: Steward, item: Item) -> Selection:
    """The rows that an item of a plan is about, by its cutoffs."""
    catalog, policies = steward.catalog, steward.policies
    table = catalog.table(item.table)
    methods = {name: policies.anonymised_by(catalog.tag(table.c[name]).category) for name in item.columns}
    return Selection(table, item.clock, item.cutoffs, item.only_if, methods, keys=item.action == "shred")


def bounded(steward: Steward, item: Item) -> Selection:
    """The same, inside the boundaries of the item: what a run may take. Raises StalePlan for boundaries that are none."""
    found = chosen(steward, item)
    if item.lower is None or item.upper is None:
        return found
    order = keyset.told(steward.catalog, steward.policies, found.table, item.clock)
    try:
        lower, upper = keyset.from_json(order, item.lower), keyset.from_json(order, item.upper)
    except ValueError:
        raise StalePlan(f"The boundaries in {item.table} are not places in it any more: make a new plan.") from None
    return replace(found, lower=lower, upper=upper, order=tuple(order))


def database_id(session: Session) -> str:
    """What tells this database from any other: the hash of its first audit entry; empty while there is none."""
    leaf = session.scalar(select(AuditEntry.leaf).where(AuditEntry.number == 0))
    return leaf.hex() if leaf else ""


def people(session: Session, catalog: Catalog, taken: Iterable[Going]) -> int:
    """How many data subjects the rows belong to."""
    named = [
        select(catalog.subjects(table, rows).subquery().c.subject)  # SQLite takes no compound select inside another
        for table, rows in taken
        if catalog.record(table).owners
    ]
    if not named:
        return 0
    everybody = union(*named).subquery()
    return session.scalar(select(func.count(everybody.c.subject.distinct()))) or 0


def _present(catalog: Catalog, tally: Tally, held: Held, rows: Selection) -> tuple[int, int]:
    goes = tally.left(rows, selection.going(catalog, held, rows))
    number = tally.count(rows.table, goes)
    return (number, tally.take(rows, goes).total()) if number else (0, 0)


def _item(
    session: Session, steward: Steward, each: Governed, now: datetime, tally: Tally, held: Held, taken: list[Going]
) -> Item:
    catalog, rows = steward.catalog, each.selection(steward.policies, now)
    due = tally.left(rows, selection.due(catalog, rows))
    unheld = selection.free(held, rows)
    goes = due if unheld is None else and_(due, unheld)
    found = _count(session, catalog, rows, due, unheld)
    number = int(found.goes or 0)
    if number:
        taken.append((rows.table, goes))
    lower, upper = _bounds(session, steward, rows, goes) if number else (None, None)
    return Item(
        rule=each.rule.id,
        name=each.rule.name,
        table=str(rows.table.name),
        category=catalog.record(rows.table).category,
        action=each.action,
        kept=each.kept,
        clock=rows.clock,
        cutoffs=rows.cutoffs,
        only_if=rows.only_if,
        due=found.due,
        held=found.due - number,
        goes=number,
        lower=lower,
        upper=upper,
        along=_named(tally.take(rows, goes)) if number else {},
        oldest=found.oldest,
        newest=found.newest,
        bytes=_bytes(rows, number, int(found.objects or 0)),
        columns=rows.columns,
        why=each.why,
    )


def _count(
    session: Session, catalog: Catalog, rows: Selection, due: ColumnElement[bool], unheld: ColumnElement[bool] | None
) -> Row[Any]:
    start = keyset.start(catalog, rows.table, rows.clock)
    size = estimate.objects(catalog, rows.table)
    query = select(
        func.count().label("due"),
        (func.count() if unheld is None else func.sum(case((unheld, 1), else_=0))).label("goes"),
        func.min(start, type_=start.type).label("oldest"),
        func.max(start, type_=start.type).label("newest"),
        func.sum(size if unheld is None else case((unheld, size), else_=0)).label("objects"),
    )
    return session.execute(query.select_from(rows.table).where(due)).one()


def _bounds(
    session: Session, steward: Steward, rows: Selection, goes: ColumnElement[bool]
) -> tuple[keyset.Place, keyset.Place]:
    order = keyset.told(steward.catalog, steward.policies, rows.table, rows.clock)
    found = keyset.ends(session, rows.table, order, goes)
    assert found is not None  # noqa: S101 - the caller has counted them
    return keyset.to_json(found[0]), keyset.to_json(found[1])


def _bytes(rows: Selection, number: int, objects: int) -> int:
    if rows.keys:
        return 0
    if rows.methods:
        return number * sum(estimate.width(rows.table.c[name].type) for name in rows.columns)
    return number * estimate.row(rows.table) + objects


def _named(counts: Counter[str]) -> dict[str, int]:
    return {str(name): number for name, number in sorted(counts.items())}  # SQLAlchemy's names are a kind of str
