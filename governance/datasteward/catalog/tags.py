"""What a service says beside its fields: the category of each column, and the road of each table to its data subject.

    class UsageEvent(Base):
        __tablename__ = "usage_event"
        __table_args__ = {"info": record("user.behavior.usage", owned_by("account_id"), clocks={"created": "created_at"})}
        id: Mapped[str] = mapped_column(primary_key=True, info=tag("system.operations"))

The tags live in SQLAlchemy's own `info` dictionaries, so the models stay plain; `catalog.Catalog` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

TAG = "datasteward.tag"
RECORD = "datasteward.record"


class Tag(msgspec.Struct, frozen=True):
    """What one column holds.

    `category` is a key of policies/taxonomy.yaml. `holds="object"`: the column is the key of an object in the object
    store, whose bytes are exported and destroyed with the row. `export=False` needs `why_not`, a reason that the
    person can read.
    """

    category: str
    export: bool = True
    why_not: str | None = None
    holds: Literal["value", "object"] = "value"


class Road(msgspec.Struct, frozen=True):
    """How a row leads to its data subject (see the four functions below)."""

    kind: Literal["subject", "owned", "via", "nobody"]
    column: str = ""
    reason: str = ""


class Record(msgspec.Struct, frozen=True):
    """What a row of one table is, whose it is, and which columns its retention clocks start from.

    `clocks` maps the clock names of policies/retention.yaml to columns holding UTC times; `country` names the column
    with the country whose law sets the period, where one does.
    """

    category: str
    road: Road
    clocks: Mapping[str, str] = {}
    country: str | None = None


def is_subject(column: str) -> Road:
    """The row is a data subject; `column` holds its opaque id."""
    return Road("subject", column)


def owned_by(column: str) -> Road:
    """`column` holds the id of the data subject whose row this is (a foreign key or, where law keeps the row, not)."""
    return Road("owned", column)


def owned_via(column: str) -> Road:
    """`column` is a foreign key to a table that has a road of its own; the row belongs to whom that row belongs."""
    return Road("via", column)


def nobody(reason: str) -> Road:
    """The table holds no personal data; the reason is read by auditors."""
    return Road("nobody", reason=reason)


def tag(
    category: str, *, export: bool = True, why_not: str | None = None, holds: Literal["value", "object"] = "value"
) -> dict[Any, Any]:
    """The `info` of a column. Raises ValueError when a column is kept out of the export without a reason."""
    if not export and not why_not:
        raise ValueError(f"A column of category {category} is kept out of the export: say why_not.")
    return {TAG: Tag(category, export, why_not, holds)}


def record(
    category: str, road: Road, *, clocks: Mapping[str, str] | None = None, country: str | None = None
) -> dict[Any, Any]:
    """The `info` of a table, given in `__table_args__`."""
    return {RECORD: Record(category, road, dict(clocks or {}), country)}
