"""Column types: ciphertext that is never mistaken for text, and times that are always aware and UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, DateTime, Dialect, LargeBinary, Table
from sqlalchemy.sql.base import SchemaEventTarget
from sqlalchemy.types import TypeDecorator, TypeEngine

from datasteward.crypto import Box, Home, home
from datasteward.crypto.box import UNTOLD
from datasteward.crypto.fields import is_sealed
from datasteward.errors import NaiveTime, NotSealed

T = TypeVar("T")


class OfColumn(TypeDecorator[T]):
    """A type whose values belong to the one column that it is the type of."""

    impl = LargeBinary
    cache_ok = True
    _column: Column[Any] | None = None
    _home = UNTOLD
    _shared = False

    def _set_parent(self, parent: SchemaEventTarget, outer: bool = False, **kw: Any) -> None:
        super()._set_parent(parent, outer=outer, **kw)
        if isinstance(parent, Column):
            before = self._column
            self._shared = before is not None and before is not parent and before.type is self
            self._column, self._home = parent, UNTOLD

    @property
    def home(self) -> Home:
        """Its column; UNTOLD where it stands in none, or in several."""
        if self._home is UNTOLD and self._column is not None and not self._shared:
            table = getattr(self._column, "table", None)
            self._home = home(str(table), self._column.name) if isinstance(table, Table) else UNTOLD
        return self._home

    def require_home(self, told: Home) -> None:
        """Raises NotSealed for a value that is known to be of another column."""
        here = self.home
        if told is not here and UNTOLD not in (told, here):
            raise NotSealed(f"What is of {told} could never be opened or found in {here}: make it anew for {here}.")


class Sealed(OfColumn[Box]):
    """A column of ciphertext: takes a Box or None, gives a Box or None, decrypts nothing.

    Whose key seals a row's value follows from the road of its table (see datasteward.keys.places); where it does not,
    `under` names the column, of the same table, that holds whose it is. In a row that several people own, `key` names, as
    `table.column`, the RowKey in which the key that seals the row's values lies (see datasteward.keys.shared).

    Raises NotSealed (a TypeError) for anything else, text and bytes included, for a box of another column, and for one that
    holds nothing sealed. What SQL itself computes (`func.lower(…)`, INSERT from SELECT) does not pass through here.
    """

    cache_ok = True

    def __init__(self, *, under: str | None = None, key: str | None = None) -> None:
        if under is not None and key is not None:
            raise ValueError("A shared value is sealed under its row's key: say under= at the RowKey, if anywhere.")
        super().__init__()
        self.under, self.key = under, key

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], bytes | None]:
        """What SQLAlchemy has each value go through, here in one call for a box of this column: a flush has many."""

        def stored(value: Any) -> bytes | None:
            if type(value) is Box and value.home is self._home and is_sealed(value.ciphertext):
                return value.ciphertext  # every driver takes bytes
            return self.process_bind_param(value, dialect)

        return stored

    def process_bind_param(self, value: Box | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """The ciphertext to store."""
        if value is None:
            return None
        if not isinstance(value, Box):
            raise NotSealed(
                f"A sealed column takes a Box, not {type(value).__name__}: "
                "seal the value with datasteward.keys.seal(vault, row, attribute, plaintext)."
            )
        self.require_home(value.home)
        if not is_sealed(value.ciphertext):
            raise NotSealed("This Box holds nothing that was sealed: make it by datasteward.keys.seal, not by hand.")
        return value.ciphertext

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Box | None:  # noqa: ARG002
        """The stored ciphertext, boxed."""
        return None if value is None else Box(bytes(value), self.home)


class RowKey(Sealed):
    """A column of an association: the key of the shared row, sealed for the person whose this row of the association is.

    `datasteward.keys.share` writes it. It is no value of anybody: nothing reads it out, not to its owner either.
    """

    cache_ok = True

    def __init__(self, *, under: str | None = None) -> None:
        super().__init__(under=under)


class Blinded(msgspec.Struct, frozen=True, gc=False):
    """A value's blind index in one column; made by datasteward.keys.blind."""

    index: bytes
    home: Home = UNTOLD

    def __repr__(self) -> str:
        return f"<Blinded of {self.home}>"


class BlindIndex(OfColumn[Blinded]):
    """A column of blind indexes, by which the sealed one beside it is searched for equality (see datasteward.keys.blind).

    `normal` names how values are written before they are hashed. `length` is in bytes: with 16 no two values ever share
    an index, which suits what names one person; fewer make strangers share one (n rows, about n / 256^length of them at a
    lookup), so that an index says less, and whoever looks reveals what was found to be sure.

    Raises NotSealed (a TypeError) for anything but what `blind` made for this column.
    """

    cache_ok = True

    def __init__(self, normal: str = "exact", *, length: int = 16) -> None:
        if not 1 <= length <= 32:
            raise ValueError("A blind index has 1 to 32 bytes.")
        super().__init__()
        self.normal, self.length = normal, length

    def process_bind_param(self, value: Blinded | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """The index to store or to look for."""
        if value is None:
            return None
        if not isinstance(value, Blinded):
            raise NotSealed(
                f"A blind index is no {type(value).__name__}: make it with datasteward.keys.blind(vault, column, value)."
            )
        self.require_home(value.home)
        return value.index

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Blinded | None:  # noqa: ARG002
        """The stored index."""
        return None if value is None else Blinded(bytes(value), self.home)


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
