"""The table of people that most small services of the tests begin with."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table

from datasteward.catalog import is_subject, record, tag


def person(metadata: MetaData) -> Table:
    """People, each a row with an id of their own and nothing else."""
    return Table(
        "person",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("user.unique_id")),
        info=record("user.account", is_subject("id")),
    )
