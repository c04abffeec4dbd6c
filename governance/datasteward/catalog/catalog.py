"""The catalog: every table and column of a service with its category and its roads to the data subjects.

Built once from SQLAlchemy metadata; retention, erasure, export, purposes, reports and encryption ask it instead of naming
tables. What follows from a road as SQL stands in `ownership`, what can be wrong with tags in `faults`.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from copy import copy
from typing import Any, Self

from sqlalchemy import ColumnElement, CompoundSelect, ForeignKeyConstraint, MetaData, Select, Table, literal
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import Column, sort_tables

from datasteward.catalog import faults, ownership
from datasteward.catalog.ownership import Test
from datasteward.catalog.roads import Road
from datasteward.catalog.tags import RECORD, TAG, Record, Tag
from datasteward.errors import CatalogError
from datasteward.statements import Sub, must_go, nested, these


class Catalog:
    """The tagged tables of one or more MetaData, in an order in which each table stands after those it refers to.

    `prefixes` tags what lies under a prefix of the object store, `log_fields` what a field of the log holds: each value is
    what `tag(…)` gives. Raises CatalogError, naming every fault at once with its file and line, when a column has no tag,
    a table no record, or a road leads nowhere; with `faulty` they are only gathered, in `faults`, for `catalog check`.
    """

    def __init__(
        self,
        *metadatas: MetaData,
        prefixes: Mapping[str, Mapping[Any, Any]] | None = None,
        log_fields: Mapping[str, Mapping[Any, Any]] | None = None,
        faulty: bool = False,
    ) -> None:
        self.tables: tuple[Table, ...] = tuple(t for m in metadatas for t in _sorted(m))
        self.prefixes: dict[str, Tag] = {name: info[TAG] for name, info in (prefixes or {}).items()}
        self.log_fields: dict[str, Tag] = {name: info[TAG] for name, info in (log_fields or {}).items()}
        self._by_name = {t.name: t for t in self.tables}
        self.faults = tuple(faults.of(self.tables))
        if self.faults and not faulty:
            raise CatalogError("\n".join(str(fault) for fault in self.faults))

    def table(self, name: str) -> Table:
        """The table of that name. Raises CatalogError when there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise CatalogError(f"The catalog knows no table {name}.") from None

    def record(self, table: Table) -> Record:
        """What a row of the table is."""
        found: Record = table.info[RECORD]
        return found

    def tag(self, column: Column[Any]) -> Tag:
        """What the column holds."""
        found: Tag = column.info[TAG]
        return found

    def personal(self) -> Iterator[Table]:
        """The tables that lead to a data subject, be it one who owns the row or one who appears in it."""
        return (t for t in self.tables if any(road.kind != "nobody" for road in self.record(t).roads))

    def owned(self) -> Iterator[Table]:
        """The tables whose rows belong to a data subject."""
        return (t for t in self.tables if self.record(t).owners)

    def subject_columns(self) -> list[Column[Any]]:
        """The columns in which data subjects have their ids."""
        roads = ((t, road) for t in self.tagged() for road in self.record(t).roads)
        return [t.c[road.columns[0]] for t, road in roads if road.kind == "subject"]

    def columns(self, category: str) -> Iterator[Column[Any]]:
        """Every column whose category is `category` or lies under it."""
        return (c for t in self.tables for c in t.columns if within(self.tag(c).category, category))

    def tagged(self) -> tuple[Table, ...]:
        """The tables that have a record: all, unless the catalog is `faulty`."""
        return tuple(t for t in self.tables if RECORD in t.info)

    def tagged_columns(self) -> Iterator[Column[Any]]:
        """The columns that have a tag: all, unless the catalog is `faulty`."""
        return (c for t in self.tables for c in t.columns if TAG in c.info)

    def sound(self) -> tuple[Table, ...]:
        """The tables that have no fault themselves and lead to none that has: all, unless the catalog is `faulty`."""
        return faults.sound(self.tables) if self.faults else self.tables

    def only(self, names: Collection[str]) -> Self:
        """The same catalog with the tables of these names alone."""
        fewer = copy(self)
        fewer.tables = tuple(t for t in self.tables if str(t.name) in names)
        return fewer

    def objects(self, table: Table) -> list[Column[Any]]:
        """The columns of the table that hold keys of objects."""
        return [c for c in table.columns if self.tag(c).holds == "object"]

    def some_person(
        self,
        table: Table,
        test: Test,
        *,
        roads: tuple[Road, ...] | None = None,
        sub: Sub = nested,
        each: bool = False,
    ) -> ColumnElement[bool]:
        """Whether a row of `table` has an owner whose id passes `test`: true or false, never NULL.

        `roads` looks along these roads instead of all that own; `sub` makes the sub-selects; `each` asks for each row by
        itself (EXISTS), which suits a filter that lets most rows through.
        """
        chosen = self.record(table).owners if roads is None else roads
        return ownership.some_person(self, table, test, chosen, sub, each)

    def belonging_to(self, table: Table, subject: str) -> ColumnElement[bool]:
        """The condition that a row of `table` belongs to the data subject `subject`, alone or with others."""
        return self.some_person(table, lambda person: person == literal(subject))

    def of_others(self, table: Table, subject: str) -> ColumnElement[bool]:
        """The condition, for queries, that a row of `table` belongs to somebody else than `subject`, alone or with others."""
        return self.some_person(table, lambda person: person != literal(subject), sub=these)

    def concerning(self, table: Table, subject: str) -> ColumnElement[bool]:
        """The condition, for queries, that a row of `table` belongs to `subject`, or that they appear in it."""
        roads = tuple(road for road in self.record(table).roads if road.kind != "nobody")
        return self.some_person(table, lambda person: person == literal(subject), roads=roads, sub=these)

    def subjects(self, table: Table, rows: ColumnElement[bool]) -> Select[Any] | CompoundSelect[Any]:
        """A statement for the ids (column `subject`) of those to whom the `rows` of `table` belong; the same may come twice.

        Raises CatalogError for a table that belongs to nobody.
        """
        return ownership.subjects(self, table, rows)

    def clock(self, table: Table, name: str) -> ColumnElement[Any] | None:
        """An expression for the moment (UTC) from which the clock `name` of a row runs: its own column, or that of the
        row to which its first road leads; None when neither has this clock.
        """
        return ownership.along(self, table, lambda record: record.clocks.get(name))

    def country(self, table: Table) -> ColumnElement[Any] | None:
        """An expression for the country whose law sets the period of a row, found like a clock; None when none is told."""
        return ownership.along(self, table, lambda record: record.country)

    def dependents(self, table: Table) -> list[ForeignKeyConstraint]:
        """The foreign keys that point at `table` from anywhere in the catalog (a row may not outlive what it refers to)."""
        return [key for child in self.tables for key in foreign_keys(child) if key.referred_table is table]


def _sorted(metadata: MetaData) -> list[Table]:
    """The tables, each after those it refers to; where that goes in a circle, after those that its rows must refer to."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SAWarning)
        try:
            return metadata.sorted_tables
        except SAWarning:
            warnings.simplefilter("ignore", SAWarning)  # where there is no such order either, `faults` tells of it
            return sort_tables(metadata.tables.values(), skip_fn=_lets_go)


def _lets_go(key: Any) -> bool:
    """Whether a ForeignKey may be empty."""
    return not must_go(key.constraint)


def foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    """The foreign keys of the table, in the order of their columns."""
    return sorted(table.foreign_key_constraints, key=lambda key: [str(c.name) for c in key.columns])


def within(category: str, ancestor: str) -> bool:
    """Whether `category` is `ancestor` or lies under it in the tree of data categories."""
    return category == ancestor or category.startswith(ancestor + ".")
