"""Whether the policy set speaks about every category that a tag names, and whether tables can do what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy.schema import Column

from datasteward.catalog import places
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.places import Place
from datasteward.catalog.sharing import sharing_of
from datasteward.catalog.tags import Tag
from datasteward.policy.findings import Finding, UnknownPolicyItem, suggestion
from datasteward.policy.policyset import PolicySet
from datasteward.types import BlindIndex, Sealed


def categories(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each tag and record with a category that is unknown, a branch, or about which a file says nothing."""
    used: dict[tuple[str, Place], None] = {}
    for table in catalog.tagged():
        used[catalog.record(table).category, places.at(catalog.record(table).at, f"table {table.name}")] = None
    for tag, where in _tags(catalog):
        used[tag.category, where] = None
    for category, where in used:
        yield from (Finding(*where, what, remedy) for what, remedy in _unspoken(policies, category))


def _tags(catalog: Catalog) -> Iterator[tuple[Tag, Place]]:
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        yield tag, places.at(tag.at, f"column {column}")
        yield from ((inner, places.at(inner.at, f"column {column}")) for inner in tag.paths.values())
    for name, tag in {**catalog.prefixes, **catalog.log_fields}.items():
        yield tag, places.at(tag.at, name)


def _unspoken(policies: PolicySet, key: str) -> Iterator[tuple[str, str]]:
    known = policies.taxonomy.categories
    if key not in known:
        yield f"unknown category '{key}'", f"{suggestion(key, known)}, or add it to taxonomy.yaml"
        return
    if known[key].abstract:
        yield f"the category '{key}' is a branch of the taxonomy", "name one under it"
        return
    try:
        policies.encrypted(key)
    except UnknownPolicyItem:
        yield f"nothing says whether '{key}' is encrypted", "add it to encryption.yaml"
    if not policies.rules_for(key):
        yield f"no rule says how long '{key}' is kept", "add one to retention.yaml"
    if known[key].personal and not policies.purposes_of(key):
        yield f"no purpose says what '{key}' is used for", "add it to purposes.yaml"
    if known[key].personal and not (policies.identifiability(key) and policies.origin(key)):
        yield f"nothing says whom '{key}' identifies, or where it comes from", "add both to it in taxonomy.yaml"


def clocks(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each rule whose clock a table that it governs does not have: by this rule no row is ever due."""
    for table in catalog.sound():
        told = catalog.record(table)
        for rule in policies.rules_for(told.category, table=str(table.name)):
            if rule.clock and catalog.clock(table, rule.clock) is None:
                what = f"no row of {table.name} is ever due by the rule {rule.id}: nothing tells its clock {rule.clock}"
                yield Finding(*places.at(told.at, f"table {table.name}"), what, "name its column in clocks")


def rules(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each rule of retention that names a table, or a column of a table that it governs, which no model has."""
    names = [str(table.name) for table in catalog.tagged()]
    for rule in policies.retention.values():
        if rule.table is not None and rule.table not in names:
            what = f"the rule '{rule.id}' is for a table '{rule.table}', which no model has"
            yield _of_rule(policies, (rule.id, "table"), what, suggestion(rule.table, names))
    for table in catalog.tagged():
        for rule in policies.rules_for(catalog.record(table).category, table=str(table.name)):
            for field in ("only_if", "generalise"):
                for name in sorted(getattr(rule, field).keys() - set(table.c.keys())):
                    what = f"the rule '{rule.id}' asks for a column '{name}', which {table.name} does not have"
                    yield _of_rule(policies, (rule.id, field, name), what, suggestion(name, table.c.keys()))


def _of_rule(policies: PolicySet, place: tuple[str, ...], what: str, remedy: str) -> Finding:
    line = policies.line("retention.yaml", ("rules", *place))
    return Finding(str(policies.directory / "retention.yaml"), line, what, remedy)


def encryption(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each column whose type and policies/encryption.yaml disagree; a primary key is found by, so it may."""
    for column in catalog.tagged_columns():
        tag = catalog.tag(column)
        try:
            wanted = policies.encrypted(tag.category)
        except UnknownPolicyItem:
            continue  # `categories` tells it
        if wanted and not is_encrypted(tag, column) and not column.primary_key:
            what = f"policies/encryption.yaml wants {tag.category} encrypted, and {column} is not"
            yield Finding(*places.of_column(column), what, "make it Sealed")
        elif isinstance(column.type, Sealed) and not wanted:
            what = f"{column} is encrypted, but policies/encryption.yaml leaves {tag.category} in the clear"
            yield Finding(*places.of_column(column), what, "move the category there, or do not seal the column")


def shared(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each shared column that is to outlive an erasure when its key is not, or the other way round."""
    for table in catalog.sound():
        if (sharing := sharing_of(table)) is None:
            continue
        for column in sharing.columns:
            lasting = [c for c in (column, sharing.key) if policies.for_records(catalog.tag(c).category)]
            if len(lasting) == 1:
                what = f"policies/encryption.yaml has, of {column} and its key {sharing.key}, only {lasting[0]} for records"
                yield Finding(*places.of_column(column), what, "give both a category of the same keys")


def logged(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each field of the log with a category that has to be encrypted: a log is read in the clear."""
    for field, tag in catalog.log_fields.items():
        with suppress(UnknownPolicyItem):
            if policies.encrypted(tag.category):
                what = f"the log's field {field} holds {tag.category}, which policies/encryption.yaml wants encrypted"
                yield Finding(*places.at(tag.at, field), what, "do not log it")


def is_encrypted(tag: Tag, column: Column[Any]) -> bool:
    """Whether what the column holds, or the object whose key it holds, cannot be read at rest without a key."""
    return isinstance(column.type, Sealed | BlindIndex) or tag.holds == "object"
