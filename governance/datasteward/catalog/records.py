"""Which columns are sealed under the keys for records: what policies/encryption.yaml says of their categories."""

from __future__ import annotations

from datasteward.catalog.catalog import Catalog
from datasteward.policy import PolicySet
from datasteward.types import Sealed


def for_records(catalog: Catalog, policies: PolicySet) -> frozenset[tuple[str, str]]:
    """The (table, column) pairs whose keys outlive an erasure for as long as the law has their rows kept."""
    return frozenset(
        (str(column.table.name), str(column.name))
        for column in catalog.tagged_columns()
        if isinstance(column.type, Sealed) and policies.for_records(catalog.tag(column).category)
    )
