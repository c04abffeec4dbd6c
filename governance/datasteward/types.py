"""Column types: ciphertext that is never mistaken for text, and times that are always aware and UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

from datasteward.crypto import Box
from datasteward.errors import NaiveTime, NotSealed


class Sealed(TypeDecorator[Box]):
    """A column of ciphertext: takes a Box or None, gives a Box or None, decrypts nothing.

    Raises NotSealed (a TypeError) for anything else, text and bytes included: seal it first.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Box | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """The ciphertext to store."""
        if value is None:
            return None
        if not isinstance(value, Box):
            raise NotSealed(
                f"A sealed column takes a Box, not {type(value).__name__}: "
                "seal the value with datasteward.keys.seal(vault, row, attribute, plaintext, subject=...)."
            )
        return value.ciphertext

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Box | None:  # noqa: ARG002
        """The stored ciphertext, boxed."""
        return None if value is None else Box(bytes(value))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored and given in UTC on every database, SQLite included (which keeps no zone).

    Raises NaiveTime (a TypeError) for a time without a zone, and for what is no time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a value is in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time to store."""
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None or value.utcoffset() is None:
            raise NaiveTime("A time needs its zone: give an aware datetime, such as datetime.now(UTC).")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The stored time, aware, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Lets a period be added to a column of times; everything else has to be a time."""
        return self.impl_instance.coerce_compared_value(op, value) if isinstance(value, timedelta) else self
