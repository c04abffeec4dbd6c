"""Which columns are sealed under the keys for records: what policies/encryption.yaml says of their categories."""

from __future__ import annotations

from datasteward.catalog.catalog import Catalog
from datasteward.catalog.sharing import is_of_person
from datasteward.policy import PolicySet


def for_records(catalog: Catalog, policies: PolicySet) -> frozenset[tuple[str, str]]:
    """The (table, column) pairs whose keys outlive an erasure for as long as the law has their rows kept."""
    return frozenset(
        (str(column.table.name), str(column.name))
        for column in catalog.tagged_columns()
        if is_of_person(column) and policies.for_records(catalog.tag(column).category)
    )
