"""Which rows holds keep: random rows and holds against a model that looks at them one by one, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table, delete, insert, not_, select
from sqlalchemy.orm import Session
from support.held_rows import Thing, held, metadata, named, scopes, things

from datasteward.disposal.disposal import dispose
from datasteward.retention import holds
from datasteward.retention.held import Held, only
from datasteward.retention.models import LegalHold
from datasteward.retention.scope import Scope
from datasteward.statements import among
from datasteward.steward import Steward
from gptimages.db import Database

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
Ruled = Callable[..., Steward]
examples = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def made(retention_db: Database) -> MetaData:
    """The tables of the model, beside the service's own."""
    found: MetaData = metadata()
    found.create_all(retention_db.engine)
    return found


def put(session: Session, made: MetaData, steward: Steward, rows: list[Thing], wanted: list[Scope]) -> None:
    """Empties the tables, then puts in the rows and places the holds."""
    session.execute(delete(LegalHold))
    for table in reversed(made.sorted_tables):
        session.execute(delete(table))
    for row in rows:
        session.execute(insert(made.tables[row.table]).values(row.values))
    for scope in wanted:
        holds.place(session, steward, scope, "24-117", review_at=NOW + timedelta(days=9), by="tests", now=NOW)


def keys(session: Session, table: Table, condition: Any) -> set[tuple[str, ...]]:
    """The keys, as text, of the rows that meet the condition; none where there is no condition."""
    if condition is None:
        return set()
    found = session.execute(select(*table.primary_key.columns).where(condition))
    return {tuple(map(str, row)) for row in found}


@examples
@given(data=st.data(), rows=things())
def test_exactly_what_a_hold_is_about_is_held(
    retention_db: Database, made: MetaData, ruled: Ruled, data: st.DataObject, rows: list[Thing]
) -> None:
    """The rows that may not go, and those that may not lose a column, are those of the model: each is told true or false."""
    wanted = data.draw(st.lists(scopes(rows), max_size=3))
    steward = ruled(metadata=made)
    with retention_db.write() as session:
        put(session, made, steward, rows, wanted)
        found = Held(session, steward.catalog)
        for table in made.sorted_tables:
            keeps = found.keeps(table)
            expected = {row.key for row in held(rows, wanted) if row.table == table.name}
            assert keys(session, table, keeps) == expected
            if keeps is not None:
                free = {row.key for row in rows if row.table == table.name} - expected
                assert keys(session, table, not_(keeps)) == free
            for column in map(str, table.c.keys()):
                there = keys(session, table, found.names(table, (column,)))
                assert there == {row.key for row in named(rows, wanted, str(table.name), column)}


@examples
@given(data=st.data(), rows=things())
def test_whatever_else_goes_held_rows_stay_as_they_were(
    retention_db: Database, made: MetaData, ruled: Ruled, data: st.DataObject, rows: list[Thing]
) -> None:
    """When all goes that no hold keeps, held rows are there, what is held of them as it was, and no other row is left."""
    wanted = data.draw(st.lists(scopes(rows), min_size=1, max_size=3))
    steward = ruled(metadata=made)
    with retention_db.write() as session:
        put(session, made, steward, rows, wanted)
        for table in reversed(made.sorted_tables):
            keeps = Held(session, steward.catalog).keeps(table)
            free = select(*table.primary_key.columns)
            found = session.execute(free if keeps is None else free.where(not_(keeps))).all()
            dispose(session, steward.catalog, table, among(list(table.primary_key.columns), found), now=NOW)
        kept = held(rows, wanted)
        for table in made.sorted_tables:
            left = {
                tuple(str(row[c.name]) for c in table.primary_key.columns): dict(row) for row in _all(session, table)
            }
            assert left.keys() == {row.key for row in kept if row.table == table.name}
            for row in (row for row in kept if row.table == table.name):
                same = {name for name in row.values if any(row.touched(scope, {name}) for scope in wanted)}
                assert {name: left[row.key][name] for name in same} == {name: row.values[name] for name in same}


def _all(session: Session, table: Table) -> list[Any]:
    return list(session.execute(select(table)).mappings())


def test_without_holds_nothing_is_asked(retention_db: Database, steward: Steward) -> None:
    """While no hold is in force there is no condition at all; one on a single table leaves the tables apart from it free."""
    catalog = steward.catalog
    with retention_db.write() as session:
        free = Held(session, catalog)
        assert all(free.keeps(table) is None and free.names(table, table.c.keys()) is None for table in catalog.tables)
        scope = Scope(table="usage_event")
        hold = holds.place(session, steward, scope, "24-117", review_at=NOW + timedelta(days=9), by="tests", now=NOW)
        one = Held(session, catalog)
        assert {str(t.name) for t in catalog.tables if one.keeps(t) is not None} == {"usage_event", "account"}
        assert Held(session, catalog, which=not_(only(hold))).keeps(catalog.table("usage_event")) is None
        holds.lift(session, hold.id, by="tests", now=NOW)
        assert Held(session, catalog).keeps(catalog.table("usage_event")) is None
