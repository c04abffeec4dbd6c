"""Columns for tables that are tagged wrongly, and what the checks of models and policies say of them."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String

from datasteward.catalog import Catalog, checks, tag
from datasteward.policy import PolicySet

OPS = tag("system.operations")
ID = tag("user.unique_id")


def key() -> Column[str]:
    """A primary key."""
    return Column("id", String, primary_key=True, info=OPS)


def found(made: MetaData, policies: PolicySet) -> list[str]:
    """What the checks say of the tables, without where and how to mend it."""
    return [finding.what for finding in checks.of(Catalog(made, faulty=True), policies)]
