"""The four mixes of GDPRbench: which operations, how often, and on which of the records.

Both sides are given the same operations in the same order. Each is a transaction and says how many rows it concerned.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Protocol

from . import schema

ZIPF = 0.99


class Side(Protocol):
    """What can be done with records, by the toolkit or by hand; every method returns the number of rows."""

    def create(self, key: str, data: bytes, metadata: dict[str, Any]) -> int: ...
    def delete_by(self, field: str, value: Any) -> int: ...
    def update_by(self, field: str, value: Any, to: str) -> int: ...
    def read_own(self, person: str) -> int: ...
    def update_own(self, person: str, key: str, data: bytes) -> int: ...
    def read_own_metadata(self, person: str, key: str) -> int: ...
    def update_own_metadata(self, person: str, key: str, to: str) -> int: ...
    def delete_own(self, person: str, key: str) -> int: ...
    def read(self, key: str) -> int: ...
    def read_by(self, field: str, value: Any) -> int: ...
    def metadata_of(self, person: str) -> int: ...
    def logs_of(self, person: str) -> int: ...
    def still_there(self, key: str) -> int: ...


Operation = Callable[[Side], int]


class Mix:
    """Draws operations for a table of so many records; `chance` decides, so that a run can be had again."""

    def __init__(self, records: int, chance: random.Random) -> None:
        self._records, self._chance = records, chance
        self._made = records
        numbers = list(range(records))
        chance.shuffle(numbers)
        self._numbers = numbers
        self._weights = list(accumulate((rank + 1) ** -ZIPF for rank in range(records)))

    def controller(self) -> Operation:
        """Create 25, delete by metadata 25, update metadata by metadata 50; uniform."""
        (kind,) = self._chance.choices(("create", "delete", "update"), (25, 25, 50))
        if kind == "create":
            number = self._made = self._made + 1
            key, data, metadata = schema.key(number), self._data(), schema.metadata(number, self._records)
            return lambda side: side.create(key, data, metadata)
        if kind == "delete":
            field, value = self._some("purpose", "time_to_live", "person_id")
            return lambda side: side.delete_by(field, value)
        field, value = self._some("purpose", "person_id", "shared_with")
        to = self._word()
        return lambda side: side.update_by(field, value, to)

    def customer(self) -> Operation:
        """Read and update own data, read and update own metadata, delete: 20 each; Zipf."""
        number = self._favoured()
        who, key, data, to = (
            schema.value("person_id", number, self._records),
            schema.key(number),
            self._data(),
            self._word(),
        )
        return self._chance.choice(
            (
                lambda side: side.read_own(who),
                lambda side: side.update_own(who, key, data),
                lambda side: side.read_own_metadata(who, key),
                lambda side: side.update_own_metadata(who, key, to),
                lambda side: side.delete_own(who, key),
            )
        )

    def processor(self) -> Operation:
        """Read by key 80 (Zipf); by purpose, objection or decision 20 (uniform)."""
        if self._chance.random() < 0.8:
            key = schema.key(self._favoured())
            return lambda side: side.read(key)
        field, value = self._some("purpose", "objections", "decisions")
        return lambda side: side.read_by(field, value)

    def regulator(self) -> Operation:
        """Read metadata by user 46, that user's log 31, verify a deletion 23; Zipf."""
        (kind,) = self._chance.choices(("metadata", "logs", "deletion"), (46, 31, 23))
        number = self._favoured()
        who, gone = schema.value("person_id", number, self._records), schema.key(self._records + number)
        if kind == "metadata":
            return lambda side: side.metadata_of(who)
        if kind == "logs":
            return lambda side: side.logs_of(who)
        return lambda side: side.still_there(gone)

    def _favoured(self) -> int:
        return self._chance.choices(self._numbers, cum_weights=self._weights)[0]

    def _some(self, *fields: str) -> tuple[str, Any]:
        field = self._chance.choice(fields)
        return field, schema.value(field, self._chance.randrange(self._records), self._records)

    def _data(self) -> bytes:
        return self._chance.randbytes(schema.BYTES)

    def _word(self) -> str:
        return f"word{self._chance.randrange(1000)}"
