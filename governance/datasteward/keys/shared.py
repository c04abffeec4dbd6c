"""Rows that belong to several people: sealed once, under a key of their own, which is sealed for each of them.

    share(vault, board, [ada_in, ben_in])                           # makes the board's key, before anything is sealed
    seal_shared(vault, board, "title", "Our board", through=ada_in)
    reveal_shared(vault, board, "title", through=ben_in)
    share(vault, board, [cleo_in], through=ada_in)                  # lets Cleo in; what is sealed stays as it is

`ada_in` is the row of the association through which Ada owns the board: there the key lies (see datasteward.catalog.sharing
for the columns). So an erasure takes it with the person; the others still read, and when the last one goes nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import inspect, select
from sqlalchemy.orm import object_session

from datasteward.catalog.sharing import Sharing, is_shared, sharing_of
from datasteward.crypto import Box, FieldCipher, Keyset, KeysetKind, associated_data, home
from datasteward.errors import KeyMissing
from datasteward.keys.context import Context
from datasteward.keys.places import Attribute, column_of, name_of, row_of, settled, subject_of, value_of
from datasteward.keys.vault import Vault
from datasteward.purposes import check


class SharedRow(NamedTuple):
    """A row that several people own, by its table and its primary key as text."""

    table: str
    row: str

    def value_in(self, column: str) -> bytes:
        """What its value in a column is bound to."""
        return associated_data("datasteward/shared/1", self.table, column, self.row)

    def key_at(self, place: Context) -> bytes:
        """What its key is bound to, in a place of the association."""
        at = (place.subject, place.table, place.column, place.row)
        return associated_data("datasteward/shared-key/1", *at, self.table, self.row)


class Door(NamedTuple):
    """What lets a person in: the place of the key in the association, and the key; None where it was not handed over."""

    place: Context
    key: Box | None


def share(vault: Vault, row: object, doors: Iterable[object], *, through: object | None = None) -> None:
    """Hands the key of a shared row to rows of its association: a new one, or the one that the row `through` has.

    Raises ValueError where a new key would lock out who has one, as far as the row's session knows (one in no session is
    taken for new); KeyMissing for a person without keys; and what `reveal_shared` does. Nothing is handed over then.
    """
    sharing, doors = _sharing(row), list(doors)
    here, places = _shared_row(row, sharing), [_place(row, door, sharing) for door in doors]
    if through is None:
        _require_new(row, doors, sharing)
        key = Keyset.random(KeysetKind.FIELDS).to_bytes()
    else:
        key = open_key(vault, here, _door(row, through, sharing))
    boxes = [seal_key(vault, here, place, key) for place in places]
    for door, box in zip(doors, boxes, strict=True):
        setattr(door, name_of(door, sharing.key), box)


def seal_shared(vault: Vault, row: object, attribute: str, plaintext: str, *, through: object) -> Box:
    """Encrypts the text under the key of the row, opened through a row of its association; assigns it, and returns it.

    Raises what `reveal_shared` does.
    """
    sharing, column = _sharing_by(row, attribute)
    here = _shared_row(row, sharing)
    cipher = _cipher(open_key(vault, here, _door(row, through, sharing)))
    box = Box(cipher.encrypt(plaintext.encode(), here.value_in(column)), home(here.table, column))
    setattr(row, attribute, box)
    return box


def reveal_shared(vault: Vault, row: object, attribute: Attribute, *, through: object) -> str | None:
    """The text of the attribute, opened through a row of the association of the row; None when it is empty.

    Raises KeyMissing when the key was not handed to that row, or its person has no keys any more; DecryptionFailed when
    value or key was sealed for another place; PurposeError as `reveal`; ValueError for a column that is not shared, and
    for rows of which the one does not refer to the other.
    """
    sharing, column = _sharing_by(row, attribute)
    check(row, column_of(row, attribute))
    box, door = value_of(row, column_of(row, attribute)), _door(row, through, sharing)
    return None if box is None else open_shared(vault, _shared_row(row, sharing), column, box, door).decode()


def open_shared(vault: Vault, row: SharedRow, column: str, box: Box, door: Door) -> bytes:
    """Decrypts a value of a shared row that is not mapped. Raises KeyMissing, DecryptionFailed."""
    return _cipher(open_key(vault, row, door)).decrypt(box.ciphertext, row.value_in(column))


def open_key(vault: Vault, row: SharedRow, door: Door) -> bytes:
    """The keyset of a shared row, as Tink's message. Raises KeyMissing, DecryptionFailed."""
    if door.key is None:
        raise KeyMissing("The key of this row was not handed to this owner: have one who has it share it with them.")
    return vault.open(door.place.subject, door.key.ciphertext, row.key_at(door.place))


def seal_key(vault: Vault, row: SharedRow, place: Context, key: bytes) -> Box:
    """The keyset of a shared row, encrypted for a place of the association. Raises KeyMissing."""
    sealer = vault.sealer(place.subject, vault.use_of(place.table, place.column))
    return Box(sealer.encrypt(key, row.key_at(place)), home(place.table, place.column))


def _cipher(key: bytes) -> FieldCipher:
    return FieldCipher(Keyset.from_bytes(KeysetKind.FIELDS, key))


def _sharing(row: object) -> Sharing:
    mapper = inspect(row, raiseerr=True).mapper
    found = next(filter(None, map(sharing_of, mapper.tables)), None)
    if found is None:
        raise ValueError(f"No column of {mapper.local_table.name} is shared: declare one with Sealed(key=…).")
    return found


def _sharing_by(row: object, attribute: Attribute) -> tuple[Sharing, str]:
    """How the row is shared, and the name of the column."""
    column = column_of(row, attribute)
    if not is_shared(column):
        raise ValueError(f"{column} is not shared, but one person's: use seal and reveal of datasteward.keys.")
    return _sharing(row), str(column.name)


def _shared_row(row: object, sharing: Sharing) -> SharedRow:
    place = settled(sharing.columns[0])
    return SharedRow(place.table, row_of(row, place))


def _door(row: object, through: object, sharing: Sharing) -> Door:
    place = _place(row, through, sharing)
    check(through, sharing.key)
    return Door(place, value_of(through, sharing.key))


def _place(row: object, door: object, sharing: Sharing) -> Context:
    """Where the key of the row lies in a row of the association, or is to lie."""
    place = settled(sharing.key)
    if sharing.key.table not in inspect(door, raiseerr=True).mapper.tables:
        raise ValueError(f"Name a row of {place.table}: there the key of the shared row lies.")
    if not _refers(door, row, sharing):
        names = " and ".join(sharing.link.column_keys)
        raise ValueError(f"Set {names} of the row of {place.table} first: it does not refer to the shared row.")
    return Context(subject_of(door, place), place.table, str(place.column.name), row_of(door, place))


def _refers(door: object, row: object, sharing: Sharing) -> bool:
    pairs = [(value_of(door, e.parent), value_of(row, e.column)) for e in sharing.link.elements]
    return all(here is not None and here == there for here, there in pairs)


def _require_new(row: object, doors: Sequence[object], sharing: Sharing) -> None:
    """Raises ValueError where the row has a key: by its values, its doors, and what its session knows of others."""
    sealed = any(value_of(row, column) is not None for column in sharing.columns)
    if sealed or any(value_of(door, sharing.key) is not None for door in doors) or _has_key(row, sharing):
        raise ValueError(
            "This row has a key already, and would lose it: say through= which of its owners lets others in."
        )


def _has_key(row: object, sharing: Sharing) -> bool:
    session = object_session(row)
    if session is None:
        return False
    coming = (each for each in session.new if sharing.key.table in inspect(each, raiseerr=True).mapper.tables)
    if any(_refers(door, row, sharing) and value_of(door, sharing.key) is not None for door in coming):
        return True
    theirs = [e.parent == value_of(row, e.column) for e in sharing.link.elements]
    with session.no_autoflush:
        return session.scalar(select(sharing.key).where(*theirs, sharing.key.is_not(None)).limit(1)) is not None
