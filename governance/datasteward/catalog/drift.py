"""Where a live system and the models differ: tables and columns by reflection, objects by prefix, keys inside JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Table, func, inspect, select
from sqlalchemy.engine import Inspector
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import places
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.places import Place
from datasteward.catalog.sampling import leaves, sampled, tagged_path
from datasteward.catalog.tags import Tag
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet

DATABASE, OBJECTS = "database", "objects"
"""What stands in the place of a file where something is in no file at all."""
AT_ONCE = 500
"""Rows that are read at once."""


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


def objects(catalog: Catalog, policies: PolicySet, keys: Iterable[str]) -> Iterator[Finding]:
    """A finding for each kind of object key that lies under no prefix of the catalog, or under one whose category
    taxonomy.yaml no longer names, with how many there are.
    """
    tagged, bare = Counter[str](), Counter[str]()
    for key in keys:
        prefix = next((each for each in catalog.prefixes if key.startswith(each)), None)
        if prefix is not None:
            tagged[prefix] += 1
        else:
            bare[key.partition("/")[0] if "/" in key else ""] += 1
    for prefix, count in sorted(tagged.items()):
        tag = catalog.prefixes[prefix]
        yield from _gone(policies, tag.category, count, "object", f"under {prefix}", places.at(tag.at, prefix))
    for prefix, count in sorted(bare.items()):
        where = f"under {prefix}/" if prefix else "under no prefix"
        what = f"{count:,} {'object stands' if count == 1 else 'objects stand'} {where}, which nothing tags"
        yield Finding(OBJECTS, 1, what, "tag the prefix in the catalog, or delete the objects")


def key_paths(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each JSON column in which a sampled row has a key that no tagged path covers."""
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        if not tag.paths and tag.holds != "list":
            continue
        paths = {path for value in sampled(session, policies, column) for path, _ in leaves(value)}
        unknown = sorted(path for path in paths - {""} if tagged_path(tag, path) is None)
        if unknown:
            what = f"{column} holds keys that no path tags: {', '.join(unknown[:8])}"
            yield Finding(*places.of_column(column), what, "add them to the paths of its tag")


def orphaned(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each table, column and key path with data of a category that taxonomy.yaml no longer names, and how
    many rows hold some.
    """
    for table in catalog.tagged():
        told = catalog.record(table)
        if _unknown(policies, told.category):
            rows = session.scalar(select(func.count()).select_from(table)) or 0
            yield from _gone(policies, told.category, rows, "row", f"of {table.name}", places.of_table(table))
    for column in catalog.tagged_columns():
        place = places.of_column(column)
        tag = catalog.tag(column)
        if _unknown(policies, tag.category):
            rows = session.scalar(select(func.count(column)).select_from(column.table)) or 0
            yield from _gone(policies, tag.category, rows, "row", f"of {column}", place)
        for path, inner in tag.paths.items():
            if _unknown(policies, inner.category):
                rows = _with_path(session, column, tag, path)
                yield from _gone(policies, inner.category, rows, "row", f"of {column} {path}", place)


def _with_path(session: Session, column: Column[Any], tag: Tag, path: str) -> int:
    values = session.scalars(select(column).where(column.is_not(None)).execution_options(yield_per=AT_ONCE))
    return sum(any(tagged_path(tag, key) is tag.paths[path] for key, _ in leaves(value)) for value in values)


def _unknown(policies: PolicySet, category: str) -> bool:
    return category not in policies.taxonomy.categories


def _gone(policies: PolicySet, category: str, count: int, kind: str, where: str, place: Place) -> Iterator[Finding]:
    if count and _unknown(policies, category):
        told = f"{count:,} {kind} {where} still holds" if count == 1 else f"{count:,} {kind}s {where} still hold"
        remedy = "put the category back into taxonomy.yaml, or delete the data and its tag first"
        yield Finding(*place, f"{told} {category}, which the taxonomy does not name", remedy)
