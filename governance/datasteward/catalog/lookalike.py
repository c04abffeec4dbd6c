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
from datasteward.catalog.places import Place
from datasteward.catalog.sampling import leaves, sampled, tagged_path
from datasteward.catalog.tags import RECORD, Tag
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet

AN_ID = "user.unique_id"
AT_ONCE = 500
"""Values in one statement; a database takes so many and no more."""


def names(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each such column that holds somebody's id by what the tables say, or has such a name.

    Key paths inside JSON and fields of the log are asked for their names, too.
    """
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        for what, category in () if _silent(policies, tag) else _named(catalog, policies, column):
            yield _finding(places.of_column(column), str(column), what, category)
        for path, inner in tag.paths.items():
            for what, category in () if _silent(policies, inner) else _like(policies, path):
                yield _finding(places.of_column(column), f"{column} {path}", what, category)
    for field, tag in catalog.log_fields.items():
        for what, category in () if _silent(policies, tag) else _like(policies, field):
            yield _finding(places.at(tag.at, field), f"the log's field {field}", what, category)


def contents(catalog: Catalog, policies: PolicySet, session: Session) -> Iterator[Finding]:
    """A finding for each such column with a value that looks so, among as many as lookalikes.yaml says."""
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        silent = all(_silent(policies, each) for each in (tag, *tag.paths.values()))
        if silent or not isinstance(_plain(column), (String, JSON)):
            continue
        values = [text for value in sampled(session, policies, column) for text in _texts(policies, value, tag)]
        if values:
            told, place = _held(catalog, policies, session, values), places.of_column(column)
            yield from (_finding(place, str(column), what, category) for what, category in told)


def _silent(policies: PolicySet, tag: Tag) -> bool:
    """Whether nothing is asked of a tag: it is personal, is unknown (told elsewhere), or says why it is none."""
    category = policies.taxonomy.categories.get(tag.category)
    return category is None or category.personal or bool(tag.not_personal)


def _named(catalog: Catalog, policies: PolicySet, column: Column[Any]) -> Iterator[tuple[str, str]]:
    if _leads_to_subject(catalog, column):
        yield "holds the id of a data subject", AN_ID
    elif not column.foreign_keys:
        yield from _like(policies, str(column.name))


def _like(policies: PolicySet, name: str) -> Iterator[tuple[str, str]]:
    fits = {each.word_in(name): each for each in policies.lookalikes.names.values()}
    if word := max(fits, key=len, default=""):
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
    for column in catalog.subject_columns():
        if _stands_in(session, column, sorted(set(values))):
            yield f"holds an id that stands in {column}", AN_ID


def _stands_in(session: Session, column: Column[Any], values: list[str]) -> bool:
    chunks = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
    return any(session.scalar(select(column).where(column.in_(chunk)).limit(1)) is not None for chunk in chunks)


def _texts(policies: PolicySet, value: Any, tag: Tag) -> Iterator[str]:
    """The texts in a value that are asked about: of a JSON value those that stand under such a tag."""
    for path, leaf in leaves(value):
        if isinstance(leaf, str) and not _silent(policies, tagged_path(tag, path) or tag):
            yield leaf


def _plain(column: Column[Any]) -> Any:
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _finding(place: Place, shown: str, what: str, category: str) -> Finding:
    remedy = f"tag it {category} or another personal category, or say why not with not_personal"
    return Finding(*place, f"{shown} {what}, and is tagged as not personal", remedy)
