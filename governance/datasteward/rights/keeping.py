"""What the retention rules say about a table: how long, why, and whether its rows outlive an erasure."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, null, select
from sqlalchemy.orm import Session

from datasteward.policy.model import RetentionRule
from datasteward.steward import Steward


def rule_of(steward: Steward, table: Table) -> RetentionRule | None:
    """The retention rule for the rows of a table, or None where policies/retention.yaml has none."""
    return steward.policies.retention_for(steward.catalog.record(table).category)


def kept_by_law(steward: Steward, table: Table) -> bool:
    """Whether the rows of the table stay after an erasure."""
    rule = rule_of(steward, table)
    return rule is not None and rule.on_erasure == "keep"


def ends(session: Session, steward: Steward, table: Table, condition: ColumnElement[bool]) -> tuple[datetime, datetime] | None:
    """When the first and when the last of the rows that meet `condition` are due, in UTC.

    None when there are none, or no period runs. One query, whatever the number of rows.
    """
    rule, record = rule_of(steward, table), steward.catalog.record(table)
    column = table.c.get(record.clocks.get(rule.clock or "", "")) if rule else None
    if rule is None or rule.clock is None or column is None:
        return None
    country = table.c[record.country] if record.country else null()
    query = select(func.min(column, type_=column.type), func.max(column, type_=column.type), country)
    query = query.where(condition, column.is_not(None))
    found = session.execute(query.group_by(country) if record.country else query).all()
    told = [
        end
        for first, last, where in found
        for moment in (first, last)
        if moment is not None and (end := steward.policies.due(rule, moment, where)) is not None
    ]
    return (min(told), max(told)) if told else None
