"""Shapes as SQLAlchemy tables with their tags, and as the retention rules of a policy set."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Integer, MetaData, String, Table
from support.schemas.shapes import Key, Schema, Shape, named

from datasteward.catalog import record, tag
from datasteward.policy import Period, RetentionRule
from datasteward.types import RowKey, Sealed, UtcDateTime

ID, WHOSE, NOTE = "system.operations", "user.unique_id", "user.content.preference"
SECRET = "user.content.private.prompt"


def metadata(schema: Schema) -> MetaData:
    """The tables, tagged."""
    made = MetaData()
    for shape in schema:
        clocks = {"created": "at"} if shape.clock else {}
        Table(
            shape.name,
            made,
            *(_column(shape, name) for name in columns(shape)),
            *(_constraint(schema, shape, number, key) for number, key in enumerate(shape.keys)),
            info=record(category(shape), *shape.roads, clocks=clocks),
        )
    return made


def columns(shape: Shape) -> list[str]:
    """The names of all columns of the table."""
    found = [*shape.key, *(c for key in shape.keys for c in key.columns), *shape.people, "at", "note", "secret"]
    more = [*(["object"] if shape.has_object else []), *(["row_key"] if shape.has_key else [])]
    return list(dict.fromkeys([*found, *more]))


def category(shape: Shape) -> str:
    """The category of the table's records."""
    return "user.account" if shape.name == "person" else "user.behavior.usage"


def rules(schema: Schema) -> dict[str, RetentionRule]:
    """The retention rules: one for each table that has one, or that law keeps."""
    return {shape.name: _rule(shape) for shape in schema if shape.action or shape.kept}


def emptied(shape: Shape) -> tuple[str, ...]:
    """The columns that the table's retention rule empties."""
    if shape.action == "forget":
        return tuple(name for name in shape.people if name in shape.optional)
    return ("note",) if shape.action == "anonymise" else ()


def _rule(shape: Shape) -> RetentionRule:
    what = {"forget": (WHOSE,), "anonymise": (NOTE,)}
    return RetentionRule(
        id=shape.name,
        name=f"Rule of {shape.name}",
        category=category(shape),
        table=shape.name,
        wording="{period}",
        legal_basis="test",
        promise="intro",
        source="test",
        clock="created" if shape.action else None,
        period=Period(days=shape.days) if shape.action else None,
        until=None if shape.action else "service_needs",
        action="anonymise" if shape.action in what else "delete",
        anonymise=what.get(shape.action or "", ()),
        on_erasure="keep" if shape.kept else "delete",
        erasure_reason="Law asks for it." if shape.kept else None,
    )


def _column(shape: Shape, name: str) -> Column[Any]:
    optional = name in shape.optional
    if name in shape.people:
        return Column(name, String(40), nullable=optional, info=tag(WHOSE if optional else ID))
    if name == "at":
        return Column(name, UtcDateTime(), info=tag(ID))
    if name == "note":
        return Column(name, String(80), info=tag(NOTE))
    if name == "secret":
        return Column(name, Sealed(key=f"{shape.shares}.row_key" if shape.shares else None), info=tag(SECRET))
    if name == "row_key":
        return Column(name, RowKey(), info=tag(SECRET, export=False, why_not="It opens the secret."))
    if name == "object":
        return Column(name, String(120), info=tag("user.content.private.image", holds="object"))
    kind = Integer() if name.endswith("part") else String(40)
    return Column(name, kind, primary_key=name in shape.key, nullable=optional, autoincrement=False, info=tag(ID))


def _constraint(schema: Schema, shape: Shape, number: int, key: Key) -> ForeignKeyConstraint:
    to = shape.key if key.to == shape.name else named(schema, key.to).key
    return ForeignKeyConstraint(
        key.columns,
        [f"{key.to}.{name}" for name in to],
        name=f"fk_{shape.name}_{number}",
        ondelete="SET NULL" if key.lets_go else None,
    )
