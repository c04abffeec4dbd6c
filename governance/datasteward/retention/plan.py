"""What a retention plan is: a frozen object of counts and boundaries that one module makes and another executes.

It holds no row and no id of any person. Its JSON is what is stored, written to files and shown; `digest` recognises it again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from datasteward.errors import StalePlan

EVERYWHERE = ""
"""The key of the cutoff that holds for rows whose country has none of its own."""

Action = Literal["delete", "anonymise", "archive", "shred"]


class Item(msgspec.Struct, frozen=True):
    """What one rule does to one table.

    `cutoffs` maps a country (or EVERYWHERE) to a moment, UTC: rows whose clock `clock` started before it are due, when the
    columns of `only_if` hold one of the values told there. Of those, `held` stay because of a legal hold and `goes` go,
    from the place `lower` to the place `upper` (see keyset; none when nothing goes). `along` counts the rows of other
    tables that hang on them and go too. `oldest` and `newest` are of what is due; `bytes` is an estimate (see estimate).
    `columns` are what `anonymise` changes.
    """

    rule: str
    name: str
    table: str
    category: str
    action: Action
    kept: str
    clock: str
    cutoffs: Mapping[str, datetime]
    only_if: Mapping[str, tuple[str, ...]]
    due: int
    held: int
    goes: int
    lower: tuple[Any, ...] | None
    upper: tuple[Any, ...] | None
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

    `items` stand in the order in which they are executed. `database` tells the database that it was made from. `people` is
    how many data subjects it concerns. `jump` is by how many seconds the clock seems to have jumped ahead before it was
    made, 0 when it has not (see clockwatch).
    """

    id: str
    made_at: datetime
    policy_hash: str
    database: str
    people: int
    items: tuple[Item, ...]
    jump: int = 0

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
