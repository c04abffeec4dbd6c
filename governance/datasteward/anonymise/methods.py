"""Anonymising columns in place: what each becomes, and which rows have something left to anonymise, as set-based SQL.

    prepare(session)
    session.execute(update_of(table, {"ip_address": method, "account_id": empty}, rows, RunKey.new()))

`empty` leaves nothing; with `fixed` every row reads the same, those that were empty too; `truncate_ip` and `coarse_time`
leave the network and the hour, day, month or year; `keyed_hash` leaves a pseudonym whose key is gone. Done twice, each
changes nothing the second time. Bytes of objects are not touched: promise them to disposal before their column is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, Update, and_, false, func, literal, null, or_, update
from sqlalchemy.schema import Column

from datasteward.anonymise import addresses, pseudonyms, times
from datasteward.anonymise.flaws import flaw
from datasteward.anonymise.pseudonyms import RunKey
from datasteward.errors import PolicyError
from datasteward.policy import Method


def anonymised(column: Column[Any], method: Method, key: RunKey) -> ColumnElement[Any]:
    """An expression for the anonymised value of the column; `key` is that of the run.

    Raises PolicyError when the method does not fit the column, or is none.
    """
    if what := flaw(column, method):
        raise PolicyError(what)
    return pseudonyms.keyed(column, key) if method.method == "keyed_hash" else _becomes(column, method)


def still(column: Column[Any], method: Method) -> ColumnElement[bool]:
    """The condition that a row has something left to anonymise in the column: true or false, never NULL.

    Raises PolicyError like `anonymised`.
    """
    if what := flaw(column, method):
        raise PolicyError(what)
    if method.method == "empty":
        return column.is_not(None)
    return (
        pseudonyms.is_open(column)
        if method.method == "keyed_hash"
        else column.is_distinct_from(_becomes(column, method))
    )


def left(table: Table, methods: Mapping[str, Method]) -> ColumnElement[bool]:
    """The condition that a row has something left to anonymise; `methods` are by the name of the column."""
    return or_(false(), *(still(table.c[name], method) for name, method in methods.items()))


def update_of(table: Table, methods: Mapping[str, Method], rows: ColumnElement[bool], key: RunKey) -> Update:
    """The statement that anonymises those of the rows in which something is left; columns are named by `methods`."""
    values = {name: anonymised(table.c[name], method, key) for name, method in methods.items()}
    return update(table).where(and_(rows, left(table, methods))).values(values)


def _becomes(column: Column[Any], method: Method) -> ColumnElement[Any]:
    if method.method == "empty":
        return null()
    if method.method == "fixed":
        return literal(method.value, column.type)
    if method.method == "coarse_time" and method.to:
        return times.coarse(column, method.to)
    found = addresses.network(column, method.v4 or 0, method.v6 or 0)
    return found if column.nullable else func.coalesce(found, "")
