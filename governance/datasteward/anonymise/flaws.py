"""Why a method cannot anonymise a column, in a sentence that says what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Enum, String, Table, UniqueConstraint
from sqlalchemy.schema import Column

from datasteward.anonymise import pseudonyms
from datasteward.anonymise.times import REST
from datasteward.catalog.tags import TAG, Tag
from datasteward.policy import Method
from datasteward.types import Sealed, UtcDateTime

ELSE = "in policies/anonymisation.yaml"


def flaw(column: Column[Any], method: Method) -> str | None:
    """What is wrong with anonymising the column by this method; None when it can be done."""
    found = _any(column, method) or _BY_METHOD[method.method](column, method)
    return found and f"The column {column.table.name}.{column.name} {found}"


def is_object(column: Column[Any]) -> bool:
    """Whether the column holds the key of an object."""
    told: Tag = column.info[TAG]
    return told.holds == "object"


def is_text(column: Column[Any]) -> bool:
    """Whether the column holds plain text of any wording."""
    return isinstance(column.type, String) and not isinstance(column.type, Enum)


def _any(column: Column[Any], method: Method) -> str | None:
    if column.primary_key:
        return "tells its row from the others and cannot be anonymised: delete the records."
    if method.method == "empty":
        return None
    if isinstance(column.type, Sealed):
        return f"holds ciphertext and can only be emptied: write method: empty for its category {ELSE}."
    if is_object(column):
        return f"holds the key of an object and can only be emptied: write method: empty for its category {ELSE}."
    if column.foreign_keys:
        return f"refers to a row and can only be emptied: write method: empty for its category {ELSE}."
    if _alone(column) and method.method != "keyed_hash":
        return f"must differ from row to row: write method: empty or keyed_hash for its category {ELSE}."
    return None


def _alone(column: Column[Any]) -> bool:
    table: Table = column.table
    alone = [list(index.columns) for index in table.indexes if index.unique]
    alone += [list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)]
    return [column] in alone


def _empty(column: Column[Any], _: Method) -> str | None:
    if column.nullable:
        return None
    return f"must be filled and cannot be emptied: write another method for its category {ELSE}, or delete the records."


def _fixed(column: Column[Any], method: Method) -> str | None:
    long = is_text(column) and isinstance(method.value, str) and _short(column, len(method.value))
    if long or not isinstance(method.value, column.type.python_type):
        return f"cannot hold the fixed value of its category: write another {ELSE}."
    return None


def _truncate_ip(column: Column[Any], method: Method) -> str | None:
    if not is_text(column):
        return f"is no text and holds no network address: write another method for its category {ELSE}."
    if method.v4 is None or method.v6 is None or not (0 <= method.v4 <= 32 and 0 <= method.v6 <= 64):
        return f"needs to know how many bits stay: write v4 (at most 32) and v6 (at most 64) {ELSE}."
    return None


def _coarse_time(column: Column[Any], method: Method) -> str | None:
    if not isinstance(column.type, UtcDateTime):
        return f"is no UtcDateTime and cannot become coarse: write another method for its category {ELSE}."
    return None if method.to in REST else f"can become as coarse as {', '.join(REST)}: write one of them as to {ELSE}."


def _keyed_hash(column: Column[Any], _: Method) -> str | None:
    if not is_text(column) or _short(column, pseudonyms.LENGTH):
        return f"has no room for a text of {pseudonyms.LENGTH} characters: write method: empty for its category {ELSE}."
    return None


def _hash(_: Column[Any], __: Method) -> str | None:
    return f"would still lead to the person, for whoever tries out what was hashed: write method: keyed_hash {ELSE}."


def _short(column: Column[Any], characters: int) -> bool:
    length: int | None = getattr(column.type, "length", None)
    return length is not None and length < characters


_BY_METHOD: Mapping[str, Callable[[Column[Any], Method], str | None]] = {
    "empty": _empty,
    "fixed": _fixed,
    "truncate_ip": _truncate_ip,
    "coarse_time": _coarse_time,
    "keyed_hash": _keyed_hash,
    "hash": _hash,
}
