"""Times cut down to the beginning of their hour, day, month or year, in UTC whatever the server's zone is."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, String, func, literal
from sqlalchemy.schema import Column

from datasteward.anonymise.dialects import by_dialect

Unit = Literal["hour", "day", "month", "year"]

REST = {
    "hour": (13, ":00:00.000000"),
    "day": (10, " 00:00:00.000000"),
    "month": (7, "-01 00:00:00.000000"),
    "year": (4, "-01-01 00:00:00.000000"),
}
"""How many characters of a time as SQLAlchemy writes it on SQLite stay, and what the rest becomes."""


def coarse(column: Column[Any], to: str) -> ColumnElement[Any]:
    """The time in the column, cut down to its `to`; for columns of UtcDateTime."""
    kept, rest = REST[to]
    # strftime would round 23:59:59.9996 up into the next day.
    text = func.substr(column, 1, kept, type_=String()) + literal(rest)
    return by_dialect(column.type, sqlite=text, postgresql=func.date_trunc(to, column, "UTC"))
