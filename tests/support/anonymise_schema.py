"""Tables on which anonymisation is tried: one column for each method, and activity that belongs to people in every way."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Enum, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table, Text

from datasteward.catalog import is_subject, owned_by, owned_through, owned_via, record, tag
from datasteward.types import Sealed, UtcDateTime

METADATA = MetaData()
KEY = tag("system.operations")


def _told(*roads: object) -> dict[object, object]:
    return record("user.behavior", *roads, clocks={"created": "at"})  # type: ignore[arg-type]


person = Table(
    "person", METADATA, Column("id", String, primary_key=True, info=KEY), info=record("user.account", is_subject("id"))
)

visit = Table(
    "visit",
    METADATA,
    Column("id", Integer, primary_key=True, info=KEY),
    Column("person_id", String, ForeignKey("person.id"), info=tag("user.unique_id")),
    Column("address", Text, info=tag("user.device.ip_address")),
    Column("must_address", Text, nullable=False, server_default="", info=tag("user.device.ip_address")),
    Column("at", UtcDateTime(), info=tag("user.behavior")),
    Column("name", Text, info=tag("user.name")),
    Column("must_name", Text, nullable=False, server_default="", info=tag("user.name")),
    Column("short", String(20), info=tag("user.name")),
    Column("code", Text, unique=True, info=tag("user.behavior")),
    Column("kind", Enum("a", "b", name="visit_kind"), info=tag("user.behavior")),
    Column("notes", JSON, info=tag("user.behavior", holds="list")),
    Column("sealed", Sealed(), info=tag("user.name")),
    Column("picture", String, info=tag("user.content", holds="object")),
    Column("number", Integer, info=tag("user.behavior")),
    info=_told(owned_by("person_id")),
)

event = Table(
    "event",
    METADATA,
    Column("id", Integer, primary_key=True, info=KEY),
    Column("owner", String, info=tag("user.unique_id")),
    Column("at", UtcDateTime(), info=tag("user.behavior")),
    Column("kind", String, info=tag("user.behavior")),
    Column("number", Integer, info=tag("user.behavior")),
    info=_told(owned_by("owner", or_nobody="tests")),
)

album = Table(
    "album",
    METADATA,
    Column("shelf", Integer, primary_key=True, info=KEY),
    Column("place", Integer, primary_key=True, info=KEY),
    Column("kind", String, info=tag("user.behavior")),
    Column("at", UtcDateTime(), info=tag("user.behavior")),
    info=_told(owned_through("member")),
)

member = Table(
    "member",
    METADATA,
    Column("id", Integer, primary_key=True, info=KEY),
    Column("shelf", Integer, nullable=False, info=KEY),
    Column("place", Integer, nullable=False, info=KEY),
    Column("person_id", String, ForeignKey("person.id"), nullable=False, info=tag("user.unique_id")),
    ForeignKeyConstraint(["shelf", "place"], ["album.shelf", "album.place"]),
    info=record("user.behavior", owned_via("shelf", "place"), owned_by("person_id")),
)

page = Table(
    "page",
    METADATA,
    Column("id", Integer, primary_key=True, info=KEY),
    Column("shelf", Integer, info=KEY),
    Column("place", Integer, info=KEY),
    Column("author", String, info=tag("user.unique_id")),
    Column("kind", String, info=tag("user.behavior")),
    ForeignKeyConstraint(["shelf", "place"], ["album.shelf", "album.place"]),
    info=record("user.behavior", owned_via("shelf", "place"), owned_by("author")),
)
