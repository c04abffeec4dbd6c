"""The tables of a service as a person meets them: under the groups of policies/taxonomy.yaml, in that file's order."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table

from datasteward.policy import PolicySet, Purpose, covers
from datasteward.steward import Steward

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Group:
    """One heading with its tables. `OTHER` holds the tables of categories that taxonomy.yaml shows under no group."""

    key: str
    title: str
    description: str
    tables: tuple[Table, ...]


def groups(steward: Steward) -> list[Group]:
    """The groups that have tables with a road to a person. Every such table stands in exactly one."""
    told = steward.policies.taxonomy.groups
    found: dict[str, list[Table]] = {key: [] for key in (*told, OTHER)}
    for table in steward.catalog.personal():
        found[_group_of(steward, table)].append(table)
    named = [Group(g.id, g.name, g.description, tuple(found[g.id])) for g in told.values()]
    rest = Group(OTHER, "The rest", "What belongs to none of these.", tuple(found[OTHER]))
    return [group for group in (*named, rest) if group.tables]


def categories(steward: Steward, table: Table) -> frozenset[str]:
    """The categories that a row of the table holds: its own and those of its columns, but for ids and operations."""
    personal = steward.policies.taxonomy.categories
    told = {steward.catalog.record(table).category, *(steward.catalog.tag(c).category for c in table.columns)}
    return frozenset(c for c in told if c in personal and personal[c].personal and c != "user.unique_id")


def purposes(policies: PolicySet, held: frozenset[str]) -> list[Purpose]:
    """The purposes that use any of these categories day by day, in the order of purposes.yaml.

    What covers all is left out: the law claims all data alike.
    """
    daily = (p for p in policies.purposes.values() if not p.covers_all)
    return [p for p in daily if any(covers(p.categories, category) for category in held)]


def _group_of(steward: Steward, table: Table) -> str:
    taxonomy = steward.policies.taxonomy
    category = taxonomy.categories.get(steward.catalog.record(table).category)
    return category.group if category and category.group in taxonomy.groups else OTHER
