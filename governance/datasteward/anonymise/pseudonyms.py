"""Pseudonyms under a key that nobody keeps: HMAC-SHA-256 (RFC 2104) in SQL.

Equal values of one run stay equal, so that rows can still be counted by them; once the run's key is gone, nobody can try
out which value a pseudonym was made from. Two runs share no pseudonym. What is not promised: how often a value occurs
stays visible, and a value that is rare by its company can be recognised by it.

The database sees the key while it computes, as a bound parameter. A server that logs its statements' parameters
(`log_statement`, `log_min_duration_statement`) would keep it: `log_parameter_max_length = 0` forbids that.
"""

from __future__ import annotations

import secrets
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, LargeBinary, String, case, func, literal, not_

from datasteward.anonymise.dialects import by_dialect

BLOCK = 64
PREFIX = "hmac:"
LENGTH = len(PREFIX) + 64
SHAPE = r"\Ahmac:[0-9a-f]{64}\Z"
"""By this a pseudonym is known again. A value that somebody wrote in this very shape is taken for one."""


class RunKey:
    """A key for one run: held in memory alone, shown by no `repr`, pickled by nobody, gone with the object."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key.ljust(BLOCK, b"\0")

    @classmethod
    def new(cls) -> RunKey:
        """A random one."""
        return cls(secrets.token_bytes(32))

    @property
    def inner(self) -> bytes:
        """The key as the inner hash begins with it (ipad)."""
        return bytes(byte ^ 0x36 for byte in self._key)

    @property
    def outer(self) -> bytes:
        """The key as the outer hash begins with it (opad)."""
        return bytes(byte ^ 0x5C for byte in self._key)

    def __repr__(self) -> str:
        return "<RunKey>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("The key of a run is never stored: make a new one for the next run.")


def keyed(text: ColumnElement[Any], key: RunKey) -> ColumnElement[Any]:
    """The pseudonym of the text, or the text itself when it is one."""
    inner, outer = literal(key.inner, LargeBinary()), literal(key.outer, LargeBinary())
    read = func.convert_to(text, "UTF8", type_=LargeBinary())
    twice = func.sha256(outer.op("||")(func.sha256(inner.op("||")(read))))
    hashed = by_dialect(
        String(),
        sqlite=func.datasteward_hmac(inner, outer, text),
        postgresql=func.encode(twice, "hex"),
    )
    return case((is_open(text), literal(PREFIX) + hashed), else_=text)


def is_open(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the text is there and no pseudonym yet: true or false, never NULL."""
    return text.is_not(None) & not_(text.regexp_match(SHAPE))
