"""Every check of a catalog: those that need nothing but models and policies, made at each start, and those of a live system.

checks.require(catalog, policies)      at the start, before anything can be stored
checks.of(catalog, policies)           the same, as findings
checks.live(catalog, policies, …)      what database and objects hold now
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from datasteward.catalog import drift, lookalike, ownerless, spoken
from datasteward.catalog.catalog import Catalog
from datasteward.errors import CatalogError
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet


def of(catalog: Catalog, policies: PolicySet) -> list[Finding]:
    """All findings, sorted by file and line, that models and policies alone show."""
    found = {
        *catalog.faults,
        *spoken.categories(catalog, policies),
        *spoken.clocks(catalog, policies),
        *spoken.rules(catalog, policies),
        *spoken.encryption(catalog, policies),
        *spoken.shared(catalog, policies),
        *spoken.logged(catalog, policies),
        *ownerless.of(catalog, policies),
        *lookalike.names(catalog, policies),
    }
    return sorted(found)


def require(catalog: Catalog, policies: PolicySet) -> None:
    """Raises CatalogError with every finding of `of`, when there is one: nothing may be stored."""
    if found := of(catalog, policies):
        raise CatalogError("\n".join(str(finding) for finding in found))


def live(
    catalog: Catalog,
    policies: PolicySet,
    session: Session,
    *,
    object_keys: Iterable[str] = (),
    ignored: Collection[str] = (),
) -> list[Finding]:
    """All findings in what is stored now, sorted by file and line; no finding shows a value.

    `object_keys` are the keys of the object store, `ignored` the tables that no model has to know. Reads up to the
    sample of lookalikes.yaml from each column that is not personal, counts where a category is gone, and changes nothing.
    """
    there = catalog.only(_present(catalog, session))
    found = {
        *drift.tables(catalog, session, ignored),
        *drift.objects(catalog, policies, object_keys),
        *drift.key_paths(there, policies, session),
        *drift.orphaned(there, policies, session),
        *lookalike.contents(there, policies, session),
    }
    return sorted(found)


def _present(catalog: Catalog, session: Session) -> set[str]:
    """The tables that the database has as the models know them, or with more columns."""
    there = inspect(session.connection())
    live = {name: {column["name"] for column in there.get_columns(name)} for name in there.get_table_names()}
    return {str(t.name) for t in catalog.tables if {str(c.name) for c in t.columns} <= live.get(str(t.name), set())}
