"""Anonymisation that does not deserve the name: what the policies and the tags, taken together, leave in place.

A grave weakness means that a row still leads to its person, or that a method cannot be carried out; the start has to stop.
The others are traces that may or may not do so, and are for a person to weigh (WP216: singling out, linking, inferring).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.schema import Column

from datasteward.anonymise.archive import unfit
from datasteward.anonymise.flaws import flaw
from datasteward.catalog import Catalog, Identifiability, Road, within
from datasteward.catalog.ownership import own
from datasteward.errors import PolicyError
from datasteward.policy import Method, PolicySet, RetentionRule
from datasteward.types import UtcDateTime


class Weakness(msgspec.Struct, frozen=True):
    """One weakness, in a sentence that says what to do. `grave`: the row still leads to its person.

    `where` is the line of the rule, or of the record whose road it is.
    """

    sentence: str
    grave: bool
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence


def weaknesses(catalog: Catalog, policies: PolicySet) -> list[Weakness]:
    """Every weakness of the anonymisations and archives of retention.yaml, and of what roads say about leaving."""
    return [found for table in catalog.tables for found in _of(catalog, policies, table)]


def require(catalog: Catalog, policies: PolicySet) -> None:
    """Raises PolicyError with every grave weakness: what would be called anonymous would still lead to somebody."""
    if grave := [str(each) for each in weaknesses(catalog, policies) if each.grave]:
        raise PolicyError("\n".join(grave))


def _of(catalog: Catalog, policies: PolicySet, table: Table) -> Iterator[Weakness]:
    told = catalog.record(table)
    for rule in policies.rules_for(told.category, table=str(table.name)):
        if rule.clock is None or catalog.clock(table, rule.clock) is None:
            continue
        where = policies.where("retention.yaml", ("rules", rule.id))
        if rule.action == "anonymise":
            yield from _at(where, _anonymised(catalog, policies, table, rule))
        if rule.action == "archive":
            yield from _at(where, _archived(catalog, policies, table, rule))
    for road in told.roads:
        if road.leaving.what == "anonymise":
            yield from _at(told.at, _left(catalog, policies, table, road))


def _at(where: str, found: Iterator[Weakness]) -> Iterator[Weakness]:
    return (msgspec.structs.replace(each, where=where) for each in found)


def _anonymised(catalog: Catalog, policies: PolicySet, table: Table, rule: RetentionRule) -> Iterator[Weakness]:
    changed = [c for c in table.columns if any(within(catalog.tag(c).category, name) for name in rule.anonymise)]
    names = [str(column.name) for column in changed]
    by = f"The rule {rule.id} anonymises {table.name}"
    for column in changed:
        yield from _changed(column, policies.anonymised_by(catalog.tag(column).category))
    for road in catalog.record(table).roads:
        if what := _still_leads(road, names):
            yield Weakness(f"{by}, but a row still leads to its person {what}.", grave=True)
    ends = {name for road in catalog.record(table).roads for name in road.columns}
    for column in table.columns:
        if column.name not in {*names, *ends} and not column.primary_key:
            yield from _kept(catalog, policies, column, rule, by)
    yield from _pointed_at(catalog, table, by)


def _changed(column: Column[Any], method: Method) -> Iterator[Weakness]:
    name = f"The column {column.table.name}.{column.name}"
    if what := flaw(column, method):
        yield Weakness(what, grave=True)
    elif method.method == "keyed_hash":
        yield Weakness(
            f"{name} gets a pseudonym by which rows of one value stay together: write method: empty unless they must.",
            grave=False,
        )


def _still_leads(road: Road, changed: list[str]) -> str | None:
    """Through what the road still leads when these columns have changed."""
    if road.kind == "nobody" or (road.kind in ("by", "via") and set(road.columns) & set(changed)):
        return None  # of a key of several columns, one that is empty is enough
    if road.kind == "subject":
        return "which it is: delete it"
    if road.kind == "through":
        return f"through the rows of {road.table} that refer to it: delete it, or those with it"
    return f"through {', '.join(road.columns)}: name the category of this column under anonymise as well"


def _kept(
    catalog: Catalog, policies: PolicySet, column: Column[Any], rule: RetentionRule, by: str
) -> Iterator[Weakness]:
    category = catalog.tag(column).category
    known = _identifiability(catalog, policies, column)
    own_content = within(category, rule.category)
    if known == "identified" or (known == "pseudonymous" and not own_content):
        leads = "names the person" if known == "identified" else "leads to the person"
        yield Weakness(
            f"{by}, but leaves {column.name}, which {leads}: name {category} under anonymise as well.", grave=True
        )
    elif known == "pseudonymous" and isinstance(column.type, UtcDateTime):
        yield Weakness(
            f"{by}, but leaves the exact time in {column.name}, by which a row can be matched with others: "
            "give it a category with method: coarse_time.",
            grave=False,
        )


def _pointed_at(catalog: Catalog, table: Table, by: str) -> Iterator[Weakness]:
    """Rows of other tables that refer to this one and say themselves whose they are."""
    through = {road.table for road in catalog.record(table).roads if road.kind == "through"}
    for key in catalog.dependents(table):
        names = {str(column.key) for column in own(key)}
        others = [road for road in catalog.record(key.table).owners if set(road.columns) != names]
        if others and key.table is not table and key.table.name not in through:
            sentence = (
                f"{by}, but rows of {key.table.name} refer to it and lead to people: let them go or let go first."
            )
            yield Weakness(sentence, grave=False)


def _archived(catalog: Catalog, policies: PolicySet, table: Table, rule: RetentionRule) -> Iterator[Weakness]:
    if policies.anonymisation.k.value < 2:
        yield Weakness("An archive of groups of one leads to people: write 2 or more as k.", grave=True)
    for name, how in rule.generalise.items():
        if what := unfit(catalog, table, name, how):
            yield Weakness(what, grave=True)
        elif _identifiability(catalog, policies, table.c[name]) == "identified":
            sentence = (
                f"The rule {rule.id} archives {table.name}.{name}, which names people: leave it out of generalise."
            )
            yield Weakness(sentence, grave=True)


def _left(catalog: Catalog, policies: PolicySet, table: Table, road: Road) -> Iterator[Weakness]:
    for name in road.leaving.columns:
        yield from _changed(table.c[name], policies.anonymised_by(catalog.tag(table.c[name]).category))
    if what := _still_leads(road, list(road.leaving.columns)):
        told = what.replace("category of this column under anonymise", "column in anonymise(…)")
        yield Weakness(
            f"A row of {table.name} is anonymised when a person leaves, but leads to them {told}.", grave=True
        )


def _identifiability(catalog: Catalog, policies: PolicySet, column: Column[Any]) -> Identifiability:
    told = catalog.tag(column)
    return told.identifiability or policies.identifiability(told.category) or "pseudonymous"
