"""Where a live system and the models differ: tables and columns by reflection, objects by prefix, keys inside JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Table, func, inspect, select
from sqlalchemy.engine import Inspector
from sqlalchemy.orm import Session

from datasteward.catalog import places
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.sampling import leaves, sampled, tagged_path
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet

DATABASE, OBJECTS = "database", "objects"
"""What stands in the place of a file where something is in no file at all."""


def tables(catalog: Catalog, session: Session, ignored: Collection[str]) -> Iterator[Finding]:
    """A finding for each table and column that only the database has or only the models have; `ignored` are not asked."""
    there = inspect(session.connection())
    known = {str(table.name): table for table in catalog.tables}
    live = set(there.get_table_names())
    for name in sorted(live - known.keys() - set(ignored)):
        what = f"the database has a table {name} that the models do not know"
        yield Finding(DATABASE, 1, what, "add it to the models with its tags, or drop it")
    for name, table in known.items():
        if name not in live:
            what = f"the database lacks the table {name}"
            yield Finding(*places.of_table(table), what, "bring the database up to date")
        else:
            yield from _columns(table, there)


def _columns(table: Table, there: Inspector) -> Iterator[Finding]:
    live = {column["name"] for column in there.get_columns(str(table.name))}
    for name in sorted(live - {str(column.name) for column in table.columns}):
        what = f"the database has a column {table.name}.{name} that the models do not know"
        yield Finding(*places.of_table(table), what, "add it to the models with its tag, or drop it")
    for column in table.columns:
        if column.name not in live:
            what = f"the database lacks the column {column}"
            yield Finding(*places.of_column(column), what, "bring the database up to date")


def objects(catalog: Catalog, keys: Iterable[str]) -> Iterator[Finding]:
    """A finding for each kind of object key that lies under no prefix of the catalog, with how many there are."""
    prefixes = tuple(catalog.prefixes)
    bare = Counter(key.partition("/")[0] if "/" in key else "" for key in keys if not key.startswith(prefixes))
    for prefix, count in sorted(bare.items()):
        where = f"under {prefix}/" if prefix else "under no prefix"
        what = f"{count:,} {'object stands' if count == 1 else 'objects stand'} {where}, which nothing tags"
        yield Finding(OBJECTS, 1, what, "tag the prefix in the catalog, or delete the objects")


def key_paths(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each JSON column with tagged key paths in which a sampled row has a key that none of them covers."""
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        if not tag.paths:
            continue
        paths = {path for value in sampled(session, policies, column) for path, _ in leaves(value)}
        unknown = sorted(path for path in paths if tagged_path(tag, path) is None)
        if unknown:
            what = f"{column} holds keys that no path tags: {', '.join(unknown[:8])}"
            yield Finding(*places.of_column(column), what, "add them to the paths of its tag")


def orphaned(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each column with data of a category that taxonomy.yaml no longer names, and how many rows hold some."""
    for column in catalog.tagged_columns():
        key = catalog.tag(column).category
        if key not in policies.taxonomy.categories and (rows := _filled(session, column)):
            what = (
                f"{rows:,} {'row' if rows == 1 else 'rows'} of {column} still {'holds' if rows == 1 else 'hold'} {key}"
            )
            remedy = "put the category back into taxonomy.yaml, or delete the data and the column first"
            yield Finding(*places.of_column(column), f"{what}, which the taxonomy does not name", remedy)


def _filled(session: Session, column: Any) -> int:
    return session.scalar(select(func.count(column)).select_from(column.table)) or 0
