"""How a row leads to the people it is about, and what becomes of it when one of them leaves.

    is_subject("id")               the row is a data subject
    owned_by("account_id")         the column holds the opaque id of the person whose row it is
    owned_via("order_id")          a foreign key, of one column or several, to a row that has roads of its own
    owned_through("membership")    an association table refers to the row and has roads of its own: several people own it
    seen_by, seen_via, seen_through   the same for people who appear in somebody else's row: theirs to see, not to take
    nobody(reason)                 the table holds no personal data

A table may name several. A row belongs to everybody to whom an owning road leads. A road by which people appear in a row
leads on to everybody who owns or appears in the row that it leads to; an owning road leads to its owners alone.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Leaving(msgspec.Struct, frozen=True):
    """What becomes of a row when a person to whom a road leads is erased.

    `last_owner`: it goes when no other owner is left. `delete`: it goes at once. `anonymise`: `columns` are emptied, and the
    row stays for the other owners, as long as there is one. `keep`: it stays as it is, for `reason`.
    """

    what: Literal["last_owner", "delete", "anonymise", "keep"] = "last_owner"
    columns: tuple[str, ...] = ()
    reason: str = ""


class Road(msgspec.Struct, frozen=True):
    """One way from a row to people.

    `kind`: the row is the `subject`; `by` a column with the person's id; `via` a foreign key over `columns`; `through` the
    association `table` (whose `columns` refer to the row, where it has more than one foreign key to it); or `nobody`.
    `owns`: the row is theirs; else they appear in it. `hides` names columns that such a person is not shown.
    `or_nobody`: why the road may be empty, where it may; `reason`: why the row is nobody's.
    """

    kind: Literal["subject", "by", "via", "through", "nobody"]
    columns: tuple[str, ...] = ()
    table: str = ""
    owns: bool = True
    leaving: Leaving = Leaving()
    hides: tuple[str, ...] = ()
    or_nobody: str = ""
    reason: str = ""


LAST = Leaving()
STAYS = Leaving("keep", reason="It is another person's row, who has not left.")


def last_owner() -> Leaving:
    """The row goes when its last owner has left."""
    return LAST


def with_any() -> Leaving:
    """The row goes when this person leaves, whoever else owns it."""
    return Leaving("delete")


def anonymise(*columns: str) -> Leaving:
    """The columns are emptied when this person leaves; the row stays for the others, and goes with the last owner."""
    return Leaving("anonymise", columns)


def keep(reason: str) -> Leaving:
    """The row stays as it is when this person leaves; auditors read the reason."""
    return Leaving("keep", reason=reason)


def is_subject(column: str) -> Road:
    """The row is a data subject; `column` holds its opaque id. It goes with that person, whoever else owns it."""
    return Road("subject", (column,), leaving=with_any())


def owned_by(column: str, *, leaving: Leaving = LAST, hides: tuple[str, ...] = (), or_nobody: str = "") -> Road:
    """`column` holds the id of a data subject whose row it is (a foreign key or, where law keeps the row, not)."""
    return Road("by", (column,), leaving=leaving, hides=hides, or_nobody=or_nobody)


def owned_via(*columns: str, leaving: Leaving = LAST, hides: tuple[str, ...] = (), or_nobody: str = "") -> Road:
    """`columns` are a foreign key to a table that has roads of its own; the row belongs to whom that row belongs."""
    return Road("via", columns, leaving=leaving, hides=hides, or_nobody=or_nobody)


def owned_through(
    table: str, *columns: str, leaving: Leaving = LAST, hides: tuple[str, ...] = (), or_nobody: str = ""
) -> Road:
    """Rows of the association `table` refer to this row (by `columns`); it belongs to whom those rows belong."""
    return Road("through", columns, table, leaving=leaving, hides=hides, or_nobody=or_nobody)


def seen_by(column: str, *, leaving: Leaving = STAYS, hides: tuple[str, ...] = ()) -> Road:
    """`column` holds the id of a person who appears in this row, which is not theirs."""
    return Road("by", (column,), owns=False, leaving=leaving, hides=hides)


def seen_via(*columns: str, leaving: Leaving = STAYS, hides: tuple[str, ...] = ()) -> Road:
    """`columns` are a foreign key to a table; whoever owns or appears in that row may see this one.

    In a tree (the key refers to the table itself), they may see what stands below that row, at any depth.
    """
    return Road("via", columns, owns=False, leaving=leaving, hides=hides)


def seen_through(table: str, *columns: str, leaving: Leaving = STAYS, hides: tuple[str, ...] = ()) -> Road:
    """Rows of the association `table` refer to this row (by `columns`); whoever owns or appears in those may see it."""
    return Road("through", columns, table, owns=False, leaving=leaving, hides=hides)


def nobody(reason: str) -> Road:
    """The table holds no personal data; the reason is read by auditors."""
    return Road("nobody", owns=False, reason=reason)
