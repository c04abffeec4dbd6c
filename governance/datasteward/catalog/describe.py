"""What is told of one column, whoever asks: `catalog check --json` and the manifests for other tools."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.schema import Column

from datasteward.catalog.catalog import Catalog
from datasteward.catalog.spoken import is_encrypted
from datasteward.catalog.tags import Identifiability, Origin
from datasteward.policy.policyset import PolicySet


class Description(msgspec.Struct, frozen=True):
    """One column in the words of its tag, of the taxonomy where the tag is silent, and of its type.

    `identifiability` and `origin` are None where neither says them.
    """

    table: str
    column: str
    category: str
    personal: bool
    identifiability: Identifiability | None
    origin: Origin | None
    encrypted: bool
    export: bool
    why_not: str | None


def describe(catalog: Catalog, policies: PolicySet, column: Column[Any]) -> Description:
    """What is known of the column. Raises UnknownPolicyItem when taxonomy.yaml does not name its category."""
    tag = catalog.tag(column)
    return Description(
        table=str(column.table.name),
        column=str(column.name),
        category=tag.category,
        personal=policies.category(tag.category).personal,
        identifiability=tag.identifiability or policies.identifiability(tag.category),
        origin=tag.origin or policies.origin(tag.category),
        encrypted=is_encrypted(tag, column),
        export=tag.export,
        why_not=tag.why_not,
    )
