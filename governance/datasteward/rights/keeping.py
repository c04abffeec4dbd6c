"""What the retention rules say about a table: how long, why, and whether its rows outlive an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Table, func, null, select
from sqlalchemy.orm import Session

from datasteward.policy import PolicySet, RetentionRule
from datasteward.steward import Steward


def rules_of(steward: Steward, table: Table) -> tuple[RetentionRule, ...]:
    """The retention rules for the rows of a table; empty where policies/retention.yaml has none."""
    return steward.policies.rules_for(steward.catalog.record(table).category, table=str(table.name))


def keeping_rule(steward: Steward, table: Table) -> RetentionRule | None:
    """The rule by which the rows of the table stay after an erasure, or None: they go."""
    return next((rule for rule in rules_of(steward, table) if rule.on_erasure == "keep"), None)


def stays(steward: Steward, table: Table) -> bool:
    """Whether the rows of the table stay after an erasure."""
    return keeping_rule(steward, table) is not None


def ends(
    session: Session, steward: Steward, table: Table, condition: ColumnElement[bool]
) -> tuple[datetime, datetime] | None:
    """When the first and when the last of the rows that meet `condition` are due, in UTC.

    None when there are none, or no period runs. A query for each rule, whatever the number of rows.
    """
    told = [end for rule in rules_of(steward, table) for end in _ends(session, steward, table, rule, condition)]
    return (min(told), max(told)) if told else None


def due(policies: PolicySet, rule: RetentionRule, started: datetime, country: str | None) -> datetime | None:
    """When a record whose clock started then is due for a person of this country; None when no period runs."""
    period = rule.period_for(country)
    if period is None:
        return None
    return period.after(_fiscal_year_end(policies, started) if rule.clock == "fiscal_year_end" else started)


def _ends(
    session: Session, steward: Steward, table: Table, rule: RetentionRule, condition: ColumnElement[bool]
) -> Iterator[datetime]:
    record = steward.catalog.record(table)
    column = table.c.get(record.clocks.get(rule.clock or "", ""))
    if column is None:
        return
    country = table.c[record.country] if record.country else null()
    query = select(func.min(column, type_=column.type), func.max(column, type_=column.type), country)
    query = query.where(condition, column.is_not(None))
    for first, last, where in session.execute(query.group_by(country) if record.country else query):
        for started in (first, last):
            end = due(steward.policies, rule, started, where) if started is not None else None
            if end is not None:
                yield end


def _fiscal_year_end(policies: PolicySet, moment: datetime) -> datetime:
    """The end of the fiscal year in which the moment lies, as the first moment after its last day."""
    last = policies.jurisdictions.fiscal_year_end
    day = date(moment.year, last.month, last.day)
    if moment.date() > day:
        day = date(moment.year + 1, last.month, last.day)
    return datetime.combine(day + timedelta(days=1), time(), UTC)
