"""The statements of the operations, the same on either side's table, made once so that SQLAlchemy has them compiled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, insert, select, update

from .schema import INDEXED, METADATA


class Statements:
    """The statements over one of the two tables of records; their parameters are key, person, value and to."""

    def __init__(self, table: Table) -> None:
        c, given = table.c, bindparam
        key, own = c.id == given("key"), c.person_id == given("person")
        by = {name: c[name] == given("value", type_=c[name].type) for name in INDEXED}
        metadata, data = [c[name] for name in METADATA], [c.id, c.person_id, c.data]
        created = insert(table).values({each.name: given(f"new_{each.name}") for each in c})
        self.create = created.execution_options(preserve_rowcount=True)
        self.delete_by = {name: delete(table).where(these) for name, these in by.items()}
        self.update_by = {name: update(table).where(these).values(source=given("to")) for name, these in by.items()}
        self.read_own = select(c.id, c.data).where(own)
        self.update_own = update(table).where(key, own).values(data=given("to"))
        self.read_own_metadata = select(*metadata).where(key, own)
        self.update_own_metadata = update(table).where(key, own).values(objections=given("to"))
        self.delete_own = delete(table).where(key, own)
        self.read = select(*data).where(key)
        self.read_by: dict[str, Any] = {name: select(*data).where(these) for name, these in by.items()}
        self.metadata_of = select(c.id, *metadata).where(own)
        self.still_there = select(c.id).where(key)


def new(**values: Any) -> dict[str, Any]:
    """The parameters of `create`."""
    return {f"new_{name}": value for name, value in values.items()}


def logs_of(table: Any) -> Select[Any]:
    """The newest ten entries of a person in a log."""
    return select(table).where(table.c.subject_id == bindparam("person")).order_by(table.c.number.desc()).limit(10)
