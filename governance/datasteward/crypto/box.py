"""Ciphertext as a value that nobody mistakes for text."""

from __future__ import annotations

from typing import NoReturn


class Box:
    """Ciphertext of one field. Immutable; compares by its ciphertext; its `repr` shows the length in bytes alone.

    It has no text form and cannot be pickled, so it slips neither into a template, a log line nor a cache. Reading it
    is explicit: `datasteward.keys.reveal` or `Vault.reveal_text`, with the context it was sealed for.
    """

    __slots__ = ("_ciphertext",)

    def __init__(self, ciphertext: bytes) -> None:
        self._ciphertext = bytes(ciphertext)

    @property
    def ciphertext(self) -> bytes:
        """The bytes to store: TINK prefix, IV, ciphertext, tag."""
        return self._ciphertext

    def __eq__(self, other: object) -> bool:
        return self._ciphertext == other._ciphertext if isinstance(other, Box) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ciphertext)

    def __repr__(self) -> str:
        return f"<Box, {len(self._ciphertext)} bytes>"

    def __str__(self) -> NoReturn:
        raise TypeError("A sealed value has no text form: read it with datasteward.keys.reveal.")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("A sealed value has no text form: read it with datasteward.keys.reveal.")

    def __copy__(self) -> Box:
        return self

    def __deepcopy__(self, memo: object) -> Box:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A sealed value is not pickled: store its row, and read it where it is needed.")
