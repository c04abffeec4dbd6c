"""The catalog: every table and column of a service with its category and its road to the data subject.

Built once from SQLAlchemy metadata; retention, erasure, export, reports and encryption ask it instead of naming tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, ForeignKey, MetaData, Select, Table, select
from sqlalchemy.schema import Column
from sqlalchemy.sql.expression import literal

from datasteward.catalog.tags import RECORD, TAG, Record, Tag
from datasteward.errors import CatalogError


class Catalog:
    """The tagged tables of one or more MetaData, in an order in which each table stands after those it refers to.

    Raises CatalogError, naming every fault at once, when a column has no tag, a table no record, or a road leads nowhere.
    """

    def __init__(self, *metadatas: MetaData) -> None:
        self.tables: tuple[Table, ...] = tuple(t for m in metadatas for t in m.sorted_tables)
        self._by_name = {t.name: t for t in self.tables}
        if faults := [fault for table in self.tables for fault in self._faults(table)]:
            raise CatalogError("\n".join(faults))

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

    def tag(self, column: Column[object]) -> Tag:
        """What the column holds."""
        found: Tag = column.info[TAG]
        return found

    def personal(self) -> Iterator[Table]:
        """The tables that lead to a data subject."""
        return (t for t in self.tables if self.record(t).road.kind != "nobody")

    def columns(self, category: str) -> Iterator[Column[object]]:
        """Every column whose category is `category` or lies under it."""
        return (c for t in self.tables for c in t.columns if within(self.tag(c).category, category))

    def objects(self, table: Table) -> list[Column[object]]:
        """The columns of the table that hold keys of objects."""
        return [c for c in table.columns if self.tag(c).holds == "object"]

    def subject(self, table: Table) -> ColumnElement[str]:
        """An expression for the id of the data subject of a row of `table`, usable in any statement that selects from it.

        Raises CatalogError for a table that belongs to nobody.
        """
        road = self.record(table).road
        if road.kind == "nobody":
            raise CatalogError(f"The table {table.name} belongs to nobody.")
        column = table.c[road.column]
        if road.kind in ("subject", "owned"):
            return column
        parent_key = self._foreign(table).column
        parent = parent_key.table
        inner = select(self.subject(parent)).where(parent_key == column)
        return inner.correlate(table).scalar_subquery()

    def belonging_to(self, table: Table, subject: str) -> ColumnElement[bool]:
        """The condition that a row of `table` belongs to the data subject `subject`."""
        road = self.record(table).road
        if road.kind in ("subject", "owned"):
            return table.c[road.column] == literal(subject)
        parent_key = self._foreign(table).column
        parent = parent_key.table
        return table.c[road.column].in_(select(parent_key).where(self.belonging_to(parent, subject)))

    def dependents(self, table: Table) -> list[ForeignKey]:
        """The foreign keys that point at `table` from anywhere in the catalog (a row may not outlive what it refers to)."""
        return [key for child in self.tables for key in child.foreign_keys if key.column.table is table]

    def rows_of(self, table: Table, subject: str) -> Select[tuple[object, ...]]:
        """A statement for the rows of `table` that belong to `subject`."""
        return select(table).where(self.belonging_to(table, subject))

    def _foreign(self, table: Table) -> ForeignKey:
        return next(iter(table.c[self.record(table).road.column].foreign_keys))

    def _faults(self, table: Table) -> Iterable[str]:
        for column in table.columns:
            if TAG not in column.info:
                yield f"The column {table.name}.{column.name} has no data category: give it info=tag(…)."
        if RECORD not in table.info:
            yield f"The table {table.name} does not say whose its rows are: give it info=record(…)."
            return
        yield from self._road_faults(table)

    def _road_faults(self, table: Table) -> Iterable[str]:
        told = self.record(table)
        named = {*told.clocks.values(), *([told.country] if told.country else [])}
        if told.road.kind != "nobody":
            named.add(told.road.column)
        for name in sorted(named - set(table.c.keys())):
            yield f"The table {table.name} names a column {name} that it does not have."
        if told.road.kind == "via" and told.road.column in table.c and not table.c[told.road.column].foreign_keys:
            yield f"The road of {table.name} goes through {told.road.column}, which is no foreign key."


def within(category: str, ancestor: str) -> bool:
    """Whether `category` is `ancestor` or lies under it in the tree of data categories."""
    return category == ancestor or category.startswith(ancestor + ".")
