"""The catalog as a Fides dataset manifest: https://ethyca.github.io/fideslang/resources/dataset/ (fideslang 3.1).

Categories that Fides does not have come along as `data_category`, so that the manifest can be taken up as it is. Fides
has no place for a period: how long rows are kept stands in `meta.retention`, by collection, and in their descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import JSON, Boolean, Float, Integer, Table
from sqlalchemy.schema import Column

from datasteward.catalog import graph
from datasteward.catalog.catalog import Catalog, foreign_keys
from datasteward.catalog.describe import LOG, OBJECTS, Description, describe, outside
from datasteward.catalog.tags import Tag
from datasteward.policy.policyset import PolicySet

SUBJECT = "external_id"
"""The kind of identity, in Fides' words, by which a data subject's row is found."""


def manifest(catalog: Catalog, policies: PolicySet, *, key: str, name: str) -> str:
    """The manifest as YAML; `key` is the dataset's fides_key (letters, digits, `_`, `-`, `.`)."""
    retention = {str(table.name): _kept(catalog, policies, table) for table in catalog.tables}
    dataset = {
        "fides_key": key,
        "name": name,
        "description": f"Every table of {name}, written from its models and its policy set.",
        "meta": {"policy_hash": policies.hash, "retention": retention},
        "collections": [
            *(_collection(catalog, policies, table, key) for table in catalog.tables),
            _outside(catalog, policies, OBJECTS, "The object store, by prefix."),
            _outside(catalog, policies, LOG, "The log, by field."),
        ],
    }
    out, yaml = StringIO(), YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump({"data_category": list(_own_categories(policies)), "dataset": [dataset]}, out)
    return out.getvalue()


def _own_categories(policies: PolicySet) -> Iterator[dict[str, str]]:
    for key, category in policies.taxonomy.categories.items():
        if category.source.startswith("ours"):
            parent = {"parent_key": key.rpartition(".")[0]}
            yield {"fides_key": key, "name": category.name, "description": category.description, **parent}


def _collection(catalog: Catalog, policies: PolicySet, table: Table, key: str) -> dict[str, Any]:
    told = catalog.record(table)
    alone = len(told.owners) == 1
    whose = [graph.in_words(road, alone=alone) for road in told.roads]
    kept = _kept(catalog, policies, table)
    return {
        "name": str(table.name),
        "description": f"{policies.category(told.category).name}. {'; '.join(whose).rstrip('.')}. Kept {kept}.",
        "data_categories": [told.category],
        "fields": [_field(catalog, policies, column, key) for column in table.columns],
    }


def _outside(catalog: Catalog, policies: PolicySet, kind: str, words: str) -> dict[str, Any]:
    """A collection of what stands in no table: Fides knows of it and asks it for nothing."""
    told = (each for each in outside(catalog, policies) if each.table == kind)
    fields = [
        {"name": each.column, "description": _words(policies, each), "data_categories": [each.category]}
        for each in told
    ]
    return {"name": kind, "description": words, "fides_meta": {"skip_processing": True}, "fields": fields}


def _kept(catalog: Catalog, policies: PolicySet, table: Table) -> str:
    return "; ".join(rule.words for rule in policies.rules_for(catalog.record(table).category, table=str(table.name)))


def _field(catalog: Catalog, policies: PolicySet, column: Column[Any], key: str) -> dict[str, Any]:
    told = describe(catalog, policies, column)
    paths = catalog.tag(column).paths
    return {
        "name": told.column,
        "description": _words(policies, told),
        "data_categories": [told.category],
        "fides_meta": _meta(catalog, column, key),
        **({"fields": [_inner(policies, path, tag) for path, tag in sorted(paths.items())]} if paths else {}),
    }


def _inner(policies: PolicySet, path: str, tag: Tag) -> dict[str, Any]:
    name = policies.category(tag.category).name
    return {"name": path, "description": f"{name}.", "data_categories": [tag.category]}


def _words(policies: PolicySet, told: Description) -> str:
    said = [told.identifiability, told.origin, "encrypted" if told.encrypted else None]
    words = [policies.category(told.category).name, *(each for each in said if each)]
    return f"{', '.join(words)}." + (f" Not in the archive: {told.why_not}" if told.why_not else "")


def _meta(catalog: Catalog, column: Column[Any], key: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"data_type": _kind(column)}
    if column.primary_key:
        meta["primary_key"] = True
    if column in catalog.subject_columns():
        meta["identity"] = SUBJECT
    if there := _references(catalog, column):
        meta["references"] = [{"dataset": key, "field": field, "direction": "from"} for field in there]
    return meta


def _references(catalog: Catalog, column: Column[Any]) -> list[str]:
    """The columns whose values stand in this one: by its foreign keys, else by a road to the only table of people."""
    keys = [e for k in foreign_keys(column.table) for e in k.elements if e.parent is column]
    if keys:
        return sorted({f"{element.column.table.name}.{element.column.name}" for element in keys})
    people = catalog.subject_columns()
    by = any(road.kind == "by" and column.key in road.columns for road in catalog.record(column.table).roads)
    return [f"{people[0].table.name}.{people[0].name}"] if by and len(people) == 1 else []


def _kind(column: Column[Any]) -> str:
    kinds = ((Boolean, "boolean"), (Integer, "integer"), (Float, "float"), (JSON, "object"))
    return next((name for kind, name in kinds if isinstance(column.type, kind)), "string")
