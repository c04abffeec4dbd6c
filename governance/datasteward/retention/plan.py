"""What a retention plan is: a frozen object of counts and boundaries that one module makes and another executes.

It holds no row and no id of anybody. Its JSON is what is stored, written to files and shown; `digest` recognises it again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from datasteward.errors import StalePlan

EVERYWHERE = ""
"""The key of the cutoff that holds for rows whose country has none of its own."""


class Item(msgspec.Struct, frozen=True):
    """What one rule does to one table.

    `cutoffs` maps a country (or EVERYWHERE) to a moment, UTC: rows whose clock `clock` started before it are due. Of
    those, `held` stay because of a legal hold and `goes` go; `along` counts the rows of other tables that hang on them
    and go too. `oldest` and `newest` are of what is due; `bytes` is an estimate (see planning). `columns` are what
    `anonymise` empties.
    """

    rule: str
    name: str
    table: str
    category: str
    action: Literal["delete", "anonymise"]
    kept: str
    clock: str
    cutoffs: Mapping[str, datetime]
    due: int
    held: int
    goes: int
    along: Mapping[str, int]
    oldest: datetime | None
    newest: datetime | None
    bytes: int
    columns: tuple[str, ...]
    why: str

    @property
    def rows(self) -> int:
        """How many rows change or go, those that hang on others included."""
        return self.goes + sum(self.along.values())


class Plan(msgspec.Struct, frozen=True):
    """What would be disposed of as of `made_at` (UTC) under the policy set `policy_hash`, item by item.

    `items` stand in the order in which they are executed. `database` tells the database that it was made from.
    `people` is how many data subjects it concerns.
    """

    id: str
    made_at: datetime
    policy_hash: str
    database: str
    people: int
    items: tuple[Item, ...]

    @property
    def due(self) -> int:
        """How many rows are due by their own rule."""
        return sum(item.due for item in self.items)

    @property
    def held(self) -> int:
        """How many of them stay because of a hold."""
        return sum(item.held for item in self.items)

    @property
    def goes(self) -> int:
        """How many of them go."""
        return sum(item.goes for item in self.items)

    @property
    def rows(self) -> int:
        """How many rows change or go in all."""
        return sum(item.rows for item in self.items)

    @property
    def bytes(self) -> int:
        """The estimate of what becomes free, in bytes."""
        return sum(item.bytes for item in self.items)

    @property
    def along(self) -> Counter[str]:
        """The rows that go because what they hang on goes, by table."""
        return sum((Counter(item.along) for item in self.items), Counter())

    @property
    def digest(self) -> str:
        """SHA-256 over the plan's JSON, in hexadecimal: equal for equal plans, changed by any edit."""
        return hashlib.sha256(to_json(self)).hexdigest()


def to_json(plan: Plan) -> bytes:
    """The plan as JSON, the same bytes for the same plan."""
    return msgspec.json.encode(plan, order="deterministic")


def to_file(plan: Plan) -> bytes:
    """The plan as JSON for people to read, ending in a line break."""
    return msgspec.json.format(to_json(plan), indent=2) + b"\n"


def from_json(text: bytes) -> Plan:
    """The plan that `text` holds. Raises StalePlan when it holds none."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StalePlan("This is not a retention plan as it was written: make a new plan.") from None
