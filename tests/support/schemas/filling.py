"""Rows for a schema, made up: keys that match, by one, two or no foreign keys, of people who own, share and appear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from support.schemas.building import columns
from support.schemas.shapes import PEOPLE, Key, Schema, Shape, named, schemas

MOST_ROWS = 16
AGES = (9, 9, 9, 4, 3, 2, 1, 0, None)
"""How many days ago the clock of a row started; None: it has not."""

Row = Mapping[str, Any]
"""The values of one row by column. `at` is an age in days, `secret` clear text, `row_key` filled where there may be one."""


@dataclass(frozen=True)
class Service:
    """A schema, its rows by table in the order in which they can be written, and the people under a legal hold."""

    schema: Schema
    rows: Mapping[str, tuple[Row, ...]]
    held: frozenset[str] = frozenset()


@st.composite
def services(draw: st.DrawFn, *, holds: bool = False) -> Service:
    """A schema with up to sixteen rows beside those of the people."""
    schema = draw(schemas())
    rows: dict[str, list[dict[str, Any]]] = {shape.name: [] for shape in schema}
    for person in PEOPLE:
        rows["person"].append({"id": person, **draw(_content(schema[0], person))})
    for number in draw(_tables_of_rows(len(schema) - 1)):
        shape = schema[number]
        made = draw(_row(schema, shape, rows))
        if made is not None:
            rows[shape.name].append(made)
    for shape in schema:
        for key in shape.keys:
            if key.to == shape.name:
                draw(_point(shape, key, rows[shape.name]))
    held = draw(st.frozensets(st.sampled_from(PEOPLE), max_size=2)) if holds else frozenset[str]()
    return Service(schema, {name: tuple(found) for name, found in rows.items()}, held)


def identity(shape: Shape, row: Row) -> tuple[Any, ...]:
    """The primary key of a row."""
    return tuple(row[column] for column in shape.key)


def referred(key: Key, row: Row) -> tuple[Any, ...] | None:
    """The primary key of the row that this one refers to; None when it refers to none."""
    values = tuple(row[column] for column in key.columns)
    return None if None in values else values


@st.composite
def _row(draw: st.DrawFn, schema: Schema, shape: Shape, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any] | None:
    """A row that meets every foreign key but those to its own table; None where that cannot be."""
    values: dict[str, Any] = {}
    for key in shape.keys:
        if key.to != shape.name and not draw(_refer(shape, key, named(schema, key.to), rows[key.to], values)):
            return None
    number = len(rows[shape.name])
    for column in shape.key:
        if column not in values:
            values[column] = _fresh(shape, column, number)
    if any(identity(shape, other) == identity(shape, values) for other in rows[shape.name]):
        return None
    for column in shape.people:
        choice = st.sampled_from(PEOPLE)
        values[column] = draw(st.none() | choice if column in shape.optional else choice)
    return {**dict.fromkeys(columns(shape)), **values, **draw(_content(shape, f"{shape.name}.{number}"))}


@st.composite
def _refer(
    draw: st.DrawFn, shape: Shape, key: Key, to: Shape, there: list[dict[str, Any]], values: dict[str, Any]
) -> bool:
    """Fills the columns of the key; whether that can be done."""
    pairs = list(zip(key.columns, to.key, strict=True))
    fitting = [row for row in there if all(values.get(mine, row[theirs]) == row[theirs] for mine, theirs in pairs)]
    may_be_empty = any(column in shape.optional and values.get(column) is None for column in key.columns)
    if fitting and not (may_be_empty and draw(st.sampled_from((True, False, False)))):
        chosen = draw(st.sampled_from(fitting))
        values.update({mine: chosen[theirs] for mine, theirs in pairs})
        return True
    for column in key.columns:
        values.setdefault(column, None if column in shape.optional else 0 if column.endswith("part") else "ada")
    return may_be_empty


@st.composite
def _point(draw: st.DrawFn, shape: Shape, key: Key, rows: list[dict[str, Any]]) -> None:
    """Lets rows refer to rows of their own table: to others, to themselves, in circles."""
    for row in rows:
        target = draw(st.none() | st.sampled_from(rows))
        if target is not None:
            row.update(zip(key.columns, identity(shape, target), strict=True))


def _fresh(shape: Shape, column: str, number: int) -> Any:
    """The next value of a primary key; of a composite one the first column repeats, so that half a match occurs."""
    if column.endswith("part"):
        return number
    return f"{shape.name}-{number % 2 if len(shape.key) > 1 else number}"


@st.composite
def _content(draw: st.DrawFn, shape: Shape, place: str) -> dict[str, Any]:
    filled = draw(st.sampled_from((True, True, False)))
    return {
        "at": draw(st.sampled_from(AGES)),
        "note": f"note of {place}." if filled else None,
        "secret": f"secret of {place}." if filled else None,
        **({"object": f"thing/{place}." if filled else None} if shape.has_object else {}),
        **({"row_key": "key"} if shape.has_key else {}),
    }


def _tables_of_rows(tables: int) -> st.SearchStrategy[list[int]]:
    """For each row to make the number of its table; most often there are several in each."""
    some = st.lists(st.integers(1, tables), min_size=2 * tables, max_size=MOST_ROWS)
    return st.one_of(st.lists(st.integers(1, tables), max_size=MOST_ROWS), some).map(sorted)
