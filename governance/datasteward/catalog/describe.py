"""What is told of one column, whoever asks: `catalog check --json` and the manifests for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy.schema import Column

from datasteward.catalog.catalog import Catalog
from datasteward.catalog.spoken import is_encrypted
from datasteward.catalog.tags import Identifiability, Origin, Tag
from datasteward.policy.policyset import PolicySet

OBJECTS, LOG = "objects", "log"
"""What stands in the place of a table for what lies under a prefix of the object store, and for a field of the log."""


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
    return _of(policies, tag, str(column.table.name), str(column.name), is_encrypted(tag, column))


def outside(catalog: Catalog, policies: PolicySet) -> Iterator[Description]:
    """What is kept outside the tables: by prefix in the encrypted object store, and by field in the log, in the clear."""
    yield from (_of(policies, tag, OBJECTS, prefix, True) for prefix, tag in sorted(catalog.prefixes.items()))
    yield from (_of(policies, tag, LOG, field, False) for field, tag in sorted(catalog.log_fields.items()))


def _of(policies: PolicySet, tag: Tag, table: str, column: str, encrypted: bool) -> Description:
    return Description(
        table=table,
        column=column,
        category=tag.category,
        personal=policies.category(tag.category).personal,
        identifiability=tag.identifiability or policies.identifiability(tag.category),
        origin=tag.origin or policies.origin(tag.category),
        encrypted=encrypted,
        export=tag.export,
        why_not=tag.why_not,
    )
