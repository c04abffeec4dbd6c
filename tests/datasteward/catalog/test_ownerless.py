"""The check of roads against what a database really does: where nothing is found, no row is ever without an owner."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, MetaData, String, Table, create_engine, event, func, insert, not_, select
from sqlalchemy.exc import IntegrityError
from support.checked import OPS, key

from datasteward.catalog import Catalog, Road, is_subject, owned_by, owned_via, ownerless, record
from datasteward.policy import PolicySet

PEOPLE = ["ada", "ben"]
REASONS = st.sampled_from(["", "a reason"])


@st.composite
def keys(draw: st.DrawFn, name: str, to: str) -> Column[str]:
    """A column that refers to `to`, perhaps empty, with any deed when the row there goes."""
    deed = draw(st.sampled_from([None, "CASCADE", "SET NULL", "SET DEFAULT"]))
    return Column(name, String, ForeignKey(f"{to}.id", ondelete=deed), nullable=draw(st.booleans()), info=OPS)


@st.composite
def models(draw: st.DrawFn) -> MetaData:
    """People, what is theirs over one or two columns, and what hangs on that, perhaps with an owner of its own."""
    made = MetaData()
    Table("person", made, key(), info=record("user.account", is_subject("id")))
    owners = draw(st.integers(1, 2))
    first = [draw(keys(f"who{n}", "person")) for n in range(owners)]
    Table(
        "first",
        made,
        key(),
        *first,
        info=record("user.account", *(owned_by(str(c.name), or_nobody=draw(REASONS)) for c in first)),
    )
    second, roads = [draw(keys("up", "first"))], [owned_via("up")]
    if draw(st.booleans()):
        second.append(draw(keys("who", "person")))
        roads.append(owned_by("who"))
    told: list[Road] = roads
    Table("second", made, key(), *second, info=record("user.account", *told))
    return made


@st.composite
def rows(draw: st.DrawFn, table: Table) -> list[dict[str, str | None]]:
    """A few rows that the table's own constraints allow."""
    found: list[dict[str, str | None]] = []
    for n in range(draw(st.integers(1, 4))):
        row: dict[str, str | None] = {"id": f"{table.name}{n}"}
        for column in list(table.columns)[1:]:
            to = next(iter(column.foreign_keys)).column.table.name
            there = PEOPLE if to == "person" else ["first0"]
            row[str(column.name)] = draw(st.sampled_from([*there, *([None] if column.nullable else [])]))
        found.append(row)
    return found


@settings(max_examples=150, deadline=None)
@given(data=st.data(), made=models())
def test_where_nothing_is_found_no_row_loses_its_owner(data: st.DataObject, made: MetaData, shipped: PolicySet) -> None:
    """Whoever leaves, by the database's own deeds: each row that stays has an owner, or its table a reason."""
    catalog = Catalog(made)
    if any(ownerless.of(catalog, shipped)):
        return
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    made.create_all(engine)
    with engine.connect() as connection:
        connection.execute(insert(made.tables["person"]), [{"id": name} for name in PEOPLE])
        for name in ("first", "second"):
            connection.execute(insert(made.tables[name]), data.draw(rows(made.tables[name])))
        for name in data.draw(st.lists(st.sampled_from(["ada", "ben", "first0"]), max_size=3)):
            table = made.tables["first" if name == "first0" else "person"]
            with suppress(IntegrityError), connection.begin_nested():
                connection.execute(table.delete().where(table.c.id == name))
        for table in (made.tables["first"], made.tables["second"]):
            if any(road.or_nobody for road in catalog.record(table).owners):
                continue
            owned = catalog.some_person(table, lambda person: person.is_not(None))
            assert connection.scalar(select(func.count()).select_from(table).where(not_(owned))) == 0
    engine.dispose()
