"""Blind indexes: finding a row by a sealed value, by what HMAC makes of it under a key that belongs to one field.

    class Account(Base):
        email: Mapped[Box] = mapped_column(Sealed(), info=tag("user.contact.email"))
        email_index: Mapped[Blinded | None] = mapped_column(
            BlindIndex("email"), index=True, info=tag("user.contact.email", export=False, why_not="Made from the address."))

    account.email_index = blind(vault, Account.email_index, address)
    select(Account).where(Account.email_index == blind(vault, Account.email_index, "x@y.example"))

HMAC-SHA256 (RFC 2104) of the normalised value, cut to the column's length; the key is HKDF-SHA256 (RFC 5869) of a standing
key of the key store, with table and column in its info. Without the key store nobody tests a guess; two fields with the
same value have nothing in common.

Not promised: equal values of one field are seen to be equal. The key is not a person's, so an index does not fall with
their key: it goes with its row, and a rule that keeps the row without the person empties it.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import SQLColumnExpression

from datasteward.crypto import associated_data, home
from datasteward.keys.places import column_of
from datasteward.keys.vault import Vault
from datasteward.types import Blinded, BlindIndex

STANDING = "blind-indexes"
"""The standing keys that indexes are made with, nobody's."""


def exact(value: str) -> str:
    """The value as it is."""
    return value


def email(value: str) -> str:
    """A mail address however it was typed: NFKC, without case, blanks around it and marks that nobody sees (category Cf).

    The domain is as DNS has it (RFC 3490), so `bücher.example` and `xn--bcher-kva.example` are one. Strictly, case counts
    before the @ (RFC 5321, 2.4); nobody gives two people addresses that differ by it.
    """
    seen = "".join(character for character in value if unicodedata.category(character) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold()).strip()
    name, at, domain = folded.rpartition("@")
    with suppress(UnicodeError):  # it is no domain: compared as it was typed
        return name + at + (domain.encode("idna").decode() if at else domain)
    return folded


NORMAL: dict[str, Callable[[str], str]] = {"exact": exact, "email": email}
"""The ways to write a value before it is hashed, by the name that the column gives. A change means making indexes anew."""


def blind(vault: Vault, column: SQLColumnExpression[Any], value: str) -> Blinded:
    """The index of the value in this column, to store or to look for.

    Raises ValueError for a column that is no BlindIndex or names a normalisation that there is not.
    """
    found = column_of(None, column)
    kind = found.type
    if not isinstance(kind, BlindIndex) or kind.normal not in NORMAL:
        raise ValueError(f"{found} is looked up by no blind index: make it BlindIndex, of {' or '.join(NORMAL)}.")
    use = associated_data("datasteward/blind/1", str(found.table), found.name)
    key = vault.derive(vault.standing(STANDING), use)
    digest = hmac.digest(key, NORMAL[kind.normal](value).encode(), "sha256")
    return Blinded(digest[: kind.length], home(str(found.table), found.name))
