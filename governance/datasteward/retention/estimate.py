"""How many bytes go: an estimate, the same for every database, and said to be one wherever it is shown.

A row counts 16 bytes and the usual size of each of its columns by type; an object counts the size that its row tells, in
the column `bytes` or `<column>_bytes`, and nothing where the row tells none.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Float, Integer, LargeBinary, String, Table, Text, func, literal
from sqlalchemy.types import TypeDecorator, TypeEngine

from datasteward.catalog import Catalog

ROW = 16
LONG = 256
"""For text of any length, JSON and ciphertext."""
WIDTHS: tuple[tuple[type[TypeEngine[Any]], int], ...] = (
    (Boolean, 1),
    (Integer, 8),
    (Float, 8),
    (DateTime, 8),
    (Text, LONG),
    (String, 32),
    (LargeBinary, LONG),
)


def row(table: Table) -> int:
    """The estimate for one row of the table without its objects, in bytes."""
    return ROW + sum(width(column.type) for column in table.columns)


def objects(catalog: Catalog, table: Table) -> ColumnElement[int]:
    """An expression for the bytes of the objects that a row names; 0 where the row does not tell."""
    told: ColumnElement[int] = literal(0)
    for column in catalog.objects(table):
        size = next((name for name in (f"{column.name}_bytes", "bytes") if name in table.c), None)
        if size is not None and not (size == "bytes" and column is not catalog.objects(table)[0]):
            told = told + func.coalesce(table.c[size], 0)
    return told


def width(kind: TypeEngine[Any]) -> int:
    """The estimate for one value of a type, in bytes."""
    bare = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return next((width for known, width in WIDTHS if isinstance(bare, known)), LONG)
