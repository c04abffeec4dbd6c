"""Columns that look like personal data under a category that is not personal: by what they refer to, by name, by content.

What looks so is data, policies/lookalikes.yaml. A tag says with `not_personal` why its column is none. No finding shows a
value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, ColumnElement, String, Table, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeDecorator

from datasteward.catalog import places
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.tags import RECORD, Tag
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet

AN_ID = "user.unique_id"
AT_ONCE = 500
"""Values in one statement; a database takes so many and no more."""


def names(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each such column that holds somebody's id by what the tables say, or has such a name."""
    for column in catalog.tagged_columns():
        if not _silent(policies, catalog.tag(column)):
            yield from (_finding(column, what, category) for what, category in _named(catalog, policies, column))


def contents(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each such column with a value that looks so, among as many as lookalikes.yaml says."""
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        if _silent(policies, tag) or not (_is_text(column) or _is_json(column)):
            continue
        values = [text for value in sampled(session, policies, column) for text in _texts(value, tag)]
        if values:
            yield from (_finding(column, what, key) for what, key in _held(catalog, policies, session, values))


def sampled(session: Session, policies: PolicySet, column: Column[Any]) -> list[Any]:
    """Some values of the column, from the newest key down, as many as lookalikes.yaml says."""
    key = [each.desc() for each in column.table.primary_key.columns]
    found = select(column).where(column.is_not(None)).order_by(*key).limit(policies.lookalikes.sample)
    return list(session.scalars(found))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside a JSON value with its key path; positions in lists are no part of it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def tagged_path(tag: Tag, path: str) -> Tag | None:
    """The tag of a key path inside a JSON column, its own or the nearest one above it; None when there is none."""
    parts = path.split(".")
    steps = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((tag.paths[step] for step in steps if step in tag.paths), None)


def _silent(policies: PolicySet, tag: Tag) -> bool:
    """Whether nothing is asked of a tag: it is personal, is unknown (told elsewhere), or says why it is none."""
    category = policies.taxonomy.categories.get(tag.category)
    return category is None or category.personal or bool(tag.not_personal)


def _named(catalog: Catalog, policies: PolicySet, column: Column[Any]) -> Iterator[tuple[str, str]]:
    if _leads_to_subject(catalog, column):
        yield "holds the id of a data subject", AN_ID
    elif not column.foreign_keys:
        fits = {each.word_in(str(column.name)): each for each in policies.lookalikes.names.values()}
        if word := max(fits, key=len):
            yield f"is named like {fits[word].what}", fits[word].category


def _leads_to_subject(catalog: Catalog, column: Column[Any]) -> bool:
    """Whether a road says so, or a foreign key to a column of which a road says so."""
    return _is_subject(catalog, column) or any(_is_subject(catalog, key.column) for key in column.foreign_keys)


def _is_subject(catalog: Catalog, column: ColumnElement[Any]) -> bool:
    table = getattr(column, "table", None)
    if not isinstance(table, Table) or RECORD not in table.info:
        return False
    roads = catalog.record(table).roads
    return any(road.kind in ("subject", "by") and column.key in road.columns for road in roads)


def _held(catalog: Catalog, policies: PolicySet, session: Session, values: list[str]) -> Iterator[tuple[str, str]]:
    told: set[str] = set()
    for each in policies.lookalikes.contents.values():
        if each.what not in told and any(each.fits(value) for value in values):
            told.add(each.what)
            yield f"holds what looks like {each.what}", each.category
    for column in subject_columns(catalog):
        if _stands_in(session, column, sorted(set(values))):
            yield f"holds an id that stands in {column}", AN_ID


def _stands_in(session: Session, column: Column[Any], values: list[str]) -> bool:
    chunks = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
    return any(session.scalar(select(column).where(column.in_(chunk)).limit(1)) is not None for chunk in chunks)


def subject_columns(catalog: Catalog) -> list[Column[Any]]:
    """The columns in which data subjects have their ids."""
    tables = (table for table in catalog.tagged())
    found = ((table, road) for table in tables for road in catalog.record(table).roads if road.kind == "subject")
    return [table.c[road.columns[0]] for table, road in found]


def _texts(value: Any, tag: Tag) -> Iterator[str]:
    """The texts in a value; of a JSON value those whose key path has no tag of its own."""
    for path, leaf in leaves(value):
        if isinstance(leaf, str) and tagged_path(tag, path) is None:
            yield leaf


def _is_text(column: Column[Any]) -> bool:
    return isinstance(_plain(column), String)


def _is_json(column: Column[Any]) -> bool:
    return isinstance(_plain(column), JSON)


def _plain(column: Column[Any]) -> Any:
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _finding(column: Column[Any], what: str, category: str) -> Finding:
    remedy = f"tag it {category} or another personal category, or say why not with not_personal"
    return Finding(*places.of_column(column), f"{column} {what}, and is tagged as not personal", remedy)
