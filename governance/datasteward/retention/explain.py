"""Why a row is due or not: each rule for its table, the one that decides, and what holds it.

gptimages retention plan --explain usage_event 3fk2…
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Table, and_, select
from sqlalchemy.orm import Session

from datasteward.anonymise.dialects import prepare
from datasteward.disposal.hanging import hanging
from datasteward.errors import CatalogError
from datasteward.retention import conditions, keyset, selection
from datasteward.retention.held import Held
from datasteward.retention.rules import Governed, governed
from datasteward.retention.scope import typed, wide
from datasteward.statements import these
from datasteward.steward import Steward


class Ruled(msgspec.Struct, frozen=True):
    """One rule on the row: since when its clock runs (UTC; None: it has not started), until when that is kept.

    `applies`: the row meets the rule's conditions; `due`: and is old enough; `left`: and something is left to do; `goes`:
    and no hold keeps it from that. `where` is the line of the policy set.
    """

    rule: str
    where: str
    why: str
    started: datetime | None
    cutoff: datetime
    applies: bool
    due: bool
    left: bool
    goes: bool


class Explanation(msgspec.Struct, frozen=True):
    """What retention says of one row as of `at` (UTC).

    `precedence` says why these rules govern it and no others; of the `rules` those stand first by which it would go.
    `with_rows` are rules by which it goes because something that it hangs on goes. `held`: a hold keeps it from what is due,
    or, when nothing is, from going. The verdict is a sentence.
    """

    table: str
    category: str
    at: datetime
    precedence: str
    rules: tuple[Ruled, ...]
    with_rows: tuple[str, ...]
    held: bool
    verdict: str


def explain(session: Session, steward: Steward, table_name: str, key: str, *, now: datetime) -> Explanation:
    """What becomes of the row with this primary key (several columns: joined by a comma), and why.

    Raises CatalogError when there is no such table or row.
    """
    prepare(session)
    table = steward.catalog.table(table_name)
    this = _this(table, key)
    if session.execute(select(1).select_from(table).where(this)).first() is None:
        raise CatalogError(f"There is no such row in {table_name}: give its primary key.")
    held = Held(session, steward.catalog)
    own = sorted((each for each in governed(steward) if each.table is table), key=lambda each: not each.rule.removes)
    ruled = tuple(_ruled(session, steward, held, each, this, now) for each in own)
    due, along = _along(session, steward, held, table, this, now)
    goes = [each.rule for each in ruled if each.goes] + [_hung(name) for name in along]
    waits = [each.rule for each in ruled if each.left] + [_hung(name) for name in due]
    return Explanation(
        table=table_name,
        category=steward.catalog.record(table).category,
        at=now,
        precedence=_precedence(steward, table),
        rules=ruled,
        with_rows=tuple(along),
        held=not goes and (bool(waits) or _true(session, table, this, held.keeps(table))),
        verdict=_verdict(goes, waits),
    )


def _ruled(
    session: Session, steward: Steward, held: Held, each: Governed, this: ColumnElement[bool], now: datetime
) -> Ruled:
    catalog, rows = steward.catalog, each.selection(steward.policies, now)
    start = keyset.start(catalog, each.table, each.clock)
    country = catalog.country(each.table)
    found = session.execute(select(start, *([country] if country is not None else [])).where(this)).one()
    where = found[1] if len(found) > 1 else None
    meets = and_(*conditions.only_if(each.table, rows.only_if)) if rows.only_if else None
    old = conditions.old(catalog, each.table, each.clock, rows.cutoffs)
    return Ruled(
        rule=each.rule.id,
        where=steward.policies.where("retention.yaml", ("rules", each.rule.id)),
        why=each.why,
        started=found[0],
        cutoff=rows.cutoffs.get(where or "", rows.cutoffs[""]),
        applies=meets is None or _true(session, each.table, this, meets),
        due=_true(session, each.table, this, old),
        left=_true(session, each.table, this, selection.due(catalog, rows)),
        goes=_true(session, each.table, this, selection.going(catalog, held, rows)),
    )


def _along(
    session: Session, steward: Steward, held: Held, table: Table, this: ColumnElement[bool], now: datetime
) -> tuple[list[str], list[str]]:
    """The rules by which something is due that the row hangs on, and those of them by which that goes."""
    due, goes = [], []
    for each in governed(steward):
        if each.rule.removes:
            rows, name = each.selection(steward.policies, now), f"{each.rule.name} ({each.table.name})"
            if _hangs(session, steward, each.table, selection.due(steward.catalog, rows), table, this):
                due.append(name)
            if _hangs(session, steward, each.table, selection.going(steward.catalog, held, rows), table, this):
                goes.append(name)
    return due, goes


def _hangs(
    session: Session,
    steward: Steward,
    upon: Table,
    rows: ColumnElement[bool],
    table: Table,
    this: ColumnElement[bool],
) -> bool:
    """Whether this row of `table` hangs on others, the `rows` of `upon`."""
    along = dict(hanging(steward.catalog, upon, rows, these)).get(table)
    if along is None or along is rows:
        return False
    own = upon is table and _true(session, table, this, rows)
    return not own and _true(session, table, this, along)


def _hung(name: str) -> str:
    return f"what it hangs on, by {name}"


def _precedence(steward: Steward, table: Table) -> str:
    category = steward.catalog.record(table).category
    rules = steward.policies.rules_for(category, table=str(table.name))
    if not rules:
        return f"No rule speaks about {category}."
    first = rules[0]
    if first.table:
        return f"A rule for the table {table.name} itself comes before any rule for a category."
    nearest = first.category
    if nearest == category:
        return f"The rule is for {category} itself, and no rule names the table."
    return f"The nearest rule above {category} is for {nearest}, and no rule names the table."


def _verdict(goes: list[str], waits: list[str]) -> str:
    if goes:
        return f"It goes with the next plan, by {goes[0]}."
    if waits:
        return f"It is due by {waits[0]}, and a legal hold keeps it."
    return "It stays: no rule is due on it now."


def _this(table: Table, key: str) -> ColumnElement[bool]:
    columns = list(table.primary_key.columns)
    values = key.split(",") if len(columns) > 1 else [key]
    if len(values) != len(columns):
        raise CatalogError(f"The primary key of {table.name} has {len(columns)} parts: give them joined by commas.")
    try:
        return and_(*(wide(column) == typed(column, value) for column, value in zip(columns, values, strict=True)))
    except ValueError:
        raise CatalogError(f"There is no such row in {table.name}: give its primary key.") from None


def _true(session: Session, table: Table, this: ColumnElement[bool], rows: ColumnElement[bool] | None) -> bool:
    if rows is None:
        return False
    return session.execute(select(1).select_from(table).where(this, rows)).first() is not None
