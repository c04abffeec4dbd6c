"""Where a table and a column are written: the file and line that a finding points at. Read from the source, not imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import Column

from datasteward.catalog.tags import RECORD, TAG


class Place(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int


def at(told: str, unless: str = "unknown") -> Place:
    """The place that a tag or record remembers as `file:line`; `unless` names what has none."""
    file, _, line = told.rpartition(":")
    return Place(file, int(line)) if file else Place(unless, 1)


def of_table(table: Table) -> Place:
    """Where the class or the Table is written; where its record is when no source tells."""
    file, node = _found(table)
    record = table.info.get(RECORD)
    return Place(file, node.lineno) if node is not None else at(record.at if record else "", f"table {table.name}")


def of_column(column: Column[Any]) -> Place:
    """Where the column is written in its class or Table; else where its tag is, else where its table is."""
    file, node = _found(column.table)
    for each in ast.walk(node) if node is not None else ():
        if _writes(each, {str(column.name), str(column.key)}):
            return Place(file, each.lineno)  # type: ignore[attr-defined] # only statements and calls are written so
    tag = column.info.get(TAG)
    return at(tag.at) if tag is not None and tag.at else of_table(column.table)


def _found(table: Table) -> tuple[str, ast.ClassDef | ast.Call | None]:
    for file in dict.fromkeys(_files(table)):
        for node in _declarations(file):
            if _names(node, str(table.name)):
                return file, node
    return "", None


def _files(table: Table) -> Iterator[str]:
    """The files that may hold the table: its mapped class's, then those in which it and its columns are tagged."""
    for mapped in _mapped(DeclarativeBase):
        if mapped.__dict__.get("__table__") is table:
            yield str(getattr(sys.modules.get(mapped.__module__), "__file__", None) or "")
    told = [table.info.get(RECORD), *(column.info.get(TAG) for column in table.columns)]
    yield from (at(each.at).file for each in told if each is not None and each.at)


def _mapped(base: type[Any]) -> Iterator[type[Any]]:
    for each in base.__subclasses__():
        yield each
        yield from _mapped(each)


@lru_cache(maxsize=64)
def _declarations(file: str) -> tuple[ast.ClassDef | ast.Call, ...]:
    """The classes and calls of a source file; none when it cannot be read."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.Call)))


def _names(node: ast.ClassDef | ast.Call, table: str) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) == "Table" and _first(node) == table
    names = (each for each in node.body if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant))
    return any(
        isinstance(target, ast.Name) and target.id == "__tablename__" and each.value.value == table  # type: ignore[attr-defined]
        for each in names
        for target in each.targets
    )


def _writes(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) in ("Column", "mapped_column") and _first(node) in names
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in names for target in targets)


def _called(node: ast.Call) -> str:
    called = node.func
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _first(node: ast.Call) -> object:
    return node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
