"""What a restored key store does not open: values of people whose keys, or newest keys, came after its backup was made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Select, String, cast, select, union
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.catalog.sharing import is_of_person
from datasteward.errors import KeyMissing
from datasteward.keys import Vault
from datasteward.keys.changing import DAMAGED
from datasteward.keys.places import mark_of, settled
from datasteward.ledger import Ledger
from datasteward.steward import Steward

AT_ONCE = 10_000


def unopened(session: Session, steward: Steward, ledger: Ledger) -> int:
    """How many people something is sealed for that none of their keys opens, although the ledger names none of them.

    Told by the key that each value names, in columns whose table says in one column whose they are; nothing is decrypted,
    and the keys of each person are fetched once.
    """
    marks = list(_marks(steward.catalog))
    if not marks:
        return 0
    gone = {entry.subject for entry in ledger.since()}
    told = union(*marks).order_by("owner").execution_options(yield_per=AT_ONCE)
    people = groupby(session.execute(told), key=lambda row: str(row.owner))
    return sum(
        not {bytes(row.mark) for row in of_one} <= _openable(steward.vault, who)
        for who, of_one in people
        if who not in gone
    )


def _marks(catalog: Catalog) -> Iterator[Select[str, bytes]]:
    """For each sealed column whose values there are, and the TINK prefixes of their ciphertexts."""
    for table in catalog.tables:
        for column in table.columns:
            if is_of_person(column) and len(table.primary_key) == 1:  # the key of a shared row is one person's too
                owner = settled(column).owner
                if owner is not None:
                    told = select(cast(owner, String).label("owner"), mark_of(column).label("mark"))
                    yield told.where(column.is_not(None), owner.is_not(None))


def _openable(vault: Vault, who: str) -> set[bytes]:
    try:
        return set(vault.opener(who).prefixes)
    except (KeyMissing, *DAMAGED):  # a keyset that was taken along while its epoch ended opens nothing either
        return set()
