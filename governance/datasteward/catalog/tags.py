"""What a service says beside its fields: the category of each column, and the roads of each table to its data subjects.

    class UsageEvent(Base):
        __tablename__ = "usage_event"
        __table_args__ = {"info": record("user.behavior.usage", owned_by("account_id"), clocks={"created": "created_at"})}
        id: Mapped[str] = mapped_column(primary_key=True, info=tag("system.operations"))

The tags live in SQLAlchemy's own `info` dictionaries, so the models stay plain; `catalog.Catalog` reads them. Roads stand in
`roads`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from datasteward.catalog.roads import Road

TAG = "datasteward.tag"
RECORD = "datasteward.record"

Origin = Literal["provided", "observed", "derived"]
"""Whether the person gave the data, the service saw it, or it was made from other data (WP242 rev.01, GDPR Art. 20)."""
Identifiability = Literal["identified", "pseudonymous", "anonymous"]
"""Whether the data names a person, leads to one by way of other data (GDPR Art. 4(5)), or to nobody (recital 26)."""


class Tag(msgspec.Struct, frozen=True):
    """What one column, key path, log field or object prefix holds.

    `category` is a key of policies/taxonomy.yaml, which also says `origin` and `identifiability` where the tag does not.
    `holds="object"`: the column is the key of an object in the object store, whose bytes are exported and destroyed with
    the row; `"list"`: it is JSON, a list of plain values of the category. `export=False` needs `why_not`, a reason that the
    person can read. `not_personal` says why a column that looks like personal data (policies/lookalikes.yaml) is none, so
    that `catalog check` lets it be. `paths` tags a JSON column by key path (`"browser.name"`); `at` is where the tag was
    written, `file:line`. Whether it is encrypted is told by the type.
    """

    category: str
    export: bool = True
    why_not: str | None = None
    holds: Literal["value", "object", "list"] = "value"
    origin: Origin | None = None
    identifiability: Identifiability | None = None
    paths: Mapping[str, Tag] = {}
    not_personal: str | None = None
    at: str = ""


class Record(msgspec.Struct, frozen=True):
    """What a row of one table is, whose it is, and which columns its retention clocks start from.

    `clocks` maps the clock names of policies/retention.yaml to columns holding UTC times; `country` names the column
    with the country whose law sets the period, where one does. A clock or country that a table does not have is looked
    for along its first road.
    """

    category: str
    roads: tuple[Road, ...]
    clocks: Mapping[str, str] = {}
    country: str | None = None
    at: str = ""

    @property
    def owners(self) -> tuple[Road, ...]:
        """The roads to those whose row it is."""
        return tuple(road for road in self.roads if road.owns)


def tag(
    category: str,
    *,
    export: bool = True,
    why_not: str | None = None,
    holds: Literal["value", "object", "list"] = "value",
    origin: Origin | None = None,
    identifiability: Identifiability | None = None,
    paths: Mapping[str, Mapping[Any, Any]] | None = None,
    not_personal: str | None = None,
) -> dict[Any, Any]:
    """The `info` of a column; `paths` holds more of them. Raises ValueError when export is refused without a reason."""
    if not export and not why_not:
        raise ValueError(f"A column of category {category} is kept out of the export: say why_not.")
    inner = {path: found[TAG] for path, found in (paths or {}).items()}
    return {TAG: Tag(category, export, why_not, holds, origin, identifiability, inner, not_personal, _caller())}


def record(
    category: str, *roads: Road, clocks: Mapping[str, str] | None = None, country: str | None = None
) -> dict[Any, Any]:
    """The `info` of a table, given in `__table_args__`. Raises ValueError without a road."""
    if not roads:
        raise ValueError(f"A record of category {category} has no road: give nobody(reason) when it is nobody's.")
    return {RECORD: Record(category, roads, dict(clocks or {}), country, _caller())}


def _caller() -> str:
    frame = sys._getframe(2)  # `catalog check` names the line where a tag was written
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
