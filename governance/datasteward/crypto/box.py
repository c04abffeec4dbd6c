"""Ciphertext as a value that nobody mistakes for text, and that knows the column it belongs to."""

from __future__ import annotations

from functools import cache
from typing import NoReturn

import msgspec

NO_TEXT = "A sealed value has no text form: read it with datasteward.keys.reveal."


class Home:
    """The column that a box belongs to, by its names in the database; made by `home`, so that equal ones are the same.

    Of no type that JSON knows, so that no encoder takes the box which has it.
    """

    __slots__ = ("column", "table")

    def __init__(self, table: str, column: str) -> None:
        self.table, self.column = table, column

    def __repr__(self) -> str:
        return f"{self.table}.{self.column}"


home = cache(Home)
UNTOLD = Home("", "")
"""Of a box that was made from bytes alone."""


class Box(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Ciphertext of one field. Immutable; compares by its ciphertext; its `repr` shows the column and the length alone.

    `ciphertext` is what is stored: TINK prefix, IV, ciphertext, tag. `home` is the column that it was sealed for or loaded
    from, where that is known: written to another one it could never be opened, so datasteward.types.Sealed refuses it there.

    It has no text form and cannot be pickled, so it slips neither into a template, a log line nor a cache. Reading it
    is explicit: `datasteward.keys.reveal`, `reveal_all` or `Vault.reveal_text`, with the context it was sealed for.
    """

    ciphertext: bytes
    home: Home = UNTOLD

    def __eq__(self, other: object) -> bool:
        return self.ciphertext == other.ciphertext if isinstance(other, Box) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.ciphertext)

    def __repr__(self) -> str:
        column = "" if self.home is UNTOLD else f" of {self.home}"
        return f"<Box{column}, {len(self.ciphertext)} bytes>"

    def __str__(self) -> NoReturn:
        raise TypeError(NO_TEXT)

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError(NO_TEXT)

    def __copy__(self) -> Box:
        return self

    def __deepcopy__(self, memo: object) -> Box:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A sealed value is not pickled: store its row, and read it where it is needed.")
