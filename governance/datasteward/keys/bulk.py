"""Many rows at once: the keys of a person are fetched once, and what is the same for many values is made once.

for words, note in reveal_all(vault, session.scalars(select(Run)).all(), ["prompt", "note"]):
reveal_all(vault, session.execute(select(Run.id, Run.account_id, Run.prompt)).all(), [Run.prompt])
seal_all(vault, runs, ["prompt", "note"], [("a lighthouse", None), …])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import compress
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from sqlalchemy import Column, Row, inspect
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.attributes import instance_state

from datasteward.crypto import FieldCipher, home
from datasteward.crypto.fields import UnknownKey
from datasteward.errors import AccessRefused
from datasteward.keys.context import head, tail
from datasteward.keys.places import Attribute, Place, column_of, place_of, subject_of
from datasteward.keys.tables import Use
from datasteward.keys.vault import Vault
from datasteward.purposes import check

T = TypeVar("T")
Person = tuple[FieldCipher, list[bytes]]
"""A person's cipher, and the heads of the associated data of their values, one for each column."""


def reveal_all(
    vault: Vault, rows: Iterable[object], attributes: Sequence[Attribute], *, subject: str | None = None
) -> list[tuple[str | None, ...]]:
    """The texts of the attributes of each row, in the order of both; None where a value is empty.

    The rows are mapped ones of one class, or those of a statement that selected, beside the columns, the primary key and
    the column that tells whose a row is (or `subject` says it for all). Raises what `reveal` does, and AccessRefused for
    values of more people than the vault opens at once; gives nothing then.
    """
    rows = list(rows)
    if not rows:
        return []
    places = _places(rows[0], attributes)
    _check_purposes(rows, places)
    boxes = _values(rows, attributes, [place.column for place in places])
    filled = list(map(any, boxes))  # a row with nothing to open is asked neither whose it is nor for their keys
    sealed = list(compress(boxes, filled))
    settled = list(_settled(list(compress(rows, filled)), attributes, places[0], subject))
    try:
        opened = _opened(vault, places, sealed, settled)
    except UnknownKey:
        for who in {who for _, who in settled}:
            vault.forget(who)
        opened = _opened(vault, places, sealed, settled)
    if len(opened) == len(boxes):
        return opened
    texts = iter(opened)
    return [next(texts) if there else of_row for there, of_row in zip(filled, boxes, strict=True)]


def _opened(
    vault: Vault, places: list[Place], boxes: list[tuple[Any, ...]], settled: list[tuple[bytes, str]]
) -> list[tuple[str | None, ...]]:
    people = _people(vault.opener, places, most=vault.at_once)
    return [
        cipher.open_texts(of_row, heads, end)
        for of_row, (end, who) in zip(boxes, settled, strict=True)
        for cipher, heads in (people(who),)
    ]


def seal_all(
    vault: Vault,
    rows: Iterable[object],
    attributes: Sequence[str],
    texts: Iterable[Sequence[str | None]],
    *,
    subject: str | None = None,
) -> None:
    """Seals the texts of each mapped row and assigns them: the reverse of `reveal_all`.

    Each column is sealed under the keys that `seal` takes for it, those for content or those for records. Raises
    KeyMissing, ValueError.
    """
    rows = list(rows)
    if not rows:
        return
    places = _places(rows[0], attributes)
    uses = [vault.use_of(place.table, place.column.name) for place in places]
    if len(set(uses)) > 1:
        texts = list(texts)
        for use in Use:
            seal_all(vault, rows, _of(use, uses, attributes), [_of(use, uses, told) for told in texts], subject=subject)
        return
    people = _people(partial(vault.sealer, use=uses[0]), places)
    homes = [home(place.table, place.column.name) for place in places]
    for row, told, (end, who) in zip(rows, texts, _settled(rows, attributes, places[0], subject), strict=True):
        cipher, heads = people(who)
        for attribute, box in zip(attributes, cipher.seal_texts(told, heads, homes, end), strict=True):
            setattr(row, attribute, box)


def _of(use: Use, uses: Sequence[Use], each: Iterable[T]) -> list[T]:
    return [one for one, its in zip(each, uses, strict=True) if its is use]


def _places(row: object, attributes: Sequence[Attribute]) -> list[Place]:
    places = [place_of(column_of(row, attribute)) for attribute in attributes]
    if len({(place.key, place.owner) for place in places}) != 1:
        raise ValueError("Name columns of one table, of one owner: read the others by themselves.")
    return places


def _check_purposes(rows: Sequence[Any], places: list[Place]) -> None:
    """What `reveal` checks, once for each session that has some of the rows."""
    if isinstance(rows[0], Row):
        return  # in no session: the statement that loaded it was checked
    for row in {instance_state(row).session_id: row for row in rows}.values():
        for place in places:
            check(row, place.column)


def _people(
    cipher: Callable[[str], FieldCipher], places: list[Place], *, most: int | None = None
) -> Callable[[str], Person]:
    """Fetches each person's key once, and the keys of `most` people at most."""

    @cache
    def person(who: str) -> Person:
        if most is not None and person.cache_info().currsize >= most:
            raise AccessRefused(
                f"These are the words of more than {most} people: ask for a bulk reading, which somebody else approves."
            )
        return cipher(who), [head(who, place.table, place.column.name) for place in places]

    return person


def _settled(
    rows: Sequence[Any], attributes: Sequence[Attribute], place: Place, subject: str | None
) -> Iterator[tuple[bytes, str]]:
    """What the values of each row are bound to, the tail of the associated data, and whose they are."""
    if subject is not None:
        told: Iterable[tuple[Any, Any]] = ((key, subject) for (key,) in _values(rows, attributes, [place.key]))
    elif place.owner is not None:
        told = _values(rows, attributes, [place.key, place.owner])
    else:
        told = (
            (key, subject_of(row, place))
            for row, (key,) in zip(rows, _values(rows, attributes, [place.key]), strict=True)
        )
    for key, who in told:
        if key is None or who is None:
            raise ValueError(f"A row of {place.table} has no primary key yet, or belongs to nobody: say subject=.")
        yield tail(str(key)), who


def _values(rows: Sequence[Any], attributes: Sequence[Attribute], columns: list[Column[Any]]) -> list[tuple[Any, ...]]:
    """The values of the columns in each row."""
    if not rows:
        return []
    first = rows[0]
    if isinstance(first, Row):
        return list(_tuples(itemgetter, [_position(first, attributes, column) for column in columns], rows))
    mapper = inspect(first, raiseerr=True).mapper
    names = [mapper.get_property_by_column(column).key for column in columns]
    try:
        return list(_tuples(itemgetter, names, map(vars, rows)))
    except KeyError:  # expired or deferred: the session loads it
        return list(_tuples(attrgetter, names, rows))


def _position(row: Row[Any], attributes: Sequence[Attribute], column: Column[Any]) -> int:
    mappers = (attribute.parent for attribute in attributes if isinstance(attribute, QueryableAttribute))
    names = [*(mapper.get_property_by_column(column).key for mapper in mappers), column.key, column.name]
    for name in names:
        if name in row._fields:
            return row._fields.index(name)
    raise ValueError(
        f"Select {column.table.name}.{column.name} too: a sealed value is opened in its place, for its owner."
    )


def _tuples(getter: Callable[..., Callable[[Any], Any]], names: Sequence[Any], rows: Iterable[Any]) -> Iterable[Any]:
    found = map(getter(*names), rows)
    return found if len(names) > 1 else ((value,) for value in found)
