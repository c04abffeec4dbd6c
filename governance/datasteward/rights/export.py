"""The archive of everything that is held about one person, derived from the catalog and never written table by table.

    images/…, files/…   every object that a row names, decrypted, with the ending that its contents ask for
    data/TABLE.json     every row of every table that leads to the person, decrypted; what is left out, and why
    index.html          the same to read, pictures beside their words
    manifest.json       size and SHA-256 of every other file

Made as a stream: nothing but the list of paths is held in memory. Order and timestamps are fixed, so that the same data
gives the same manifest. Promised: nothing in it belongs to anybody else, as far as roads and tags are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    ForeignKeyConstraint,
    FromClause,
    Row,
    Select,
    Table,
    and_,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog import Catalog, foreign_keys
from datasteward.errors import DecryptionFailed, ObjectMissing
from datasteward.keys import Context, Vault
from datasteward.rights import doors, index_page, rows
from datasteward.rights.archive import StreamedZip
from datasteward.rights.filetypes import ending, is_picture
from datasteward.rights.grouping import Group, groups
from datasteward.rights.holdings import facts_of
from datasteward.rights.models import SubjectRequest
from datasteward.statements import one_of, these
from datasteward.steward import Steward

Told = Callable[[int, int], None]
COMPACT = 1 << 16


class Export:
    """One archive of one person's data, made once: iterate over `chunks()` inside the session's transaction.

    `service` is the name that the page speaks of; `request` is the id of the request that it answers, whose own row is
    left out, because it changes while the archive is made. `told(done, total)` hears of every object.
    """

    def __init__(
        self,
        session: Session,
        steward: Steward,
        subject: str,
        *,
        service: str,
        request: str,
        asked_at: datetime,
        told: Told = lambda _done, _total: None,
    ) -> None:
        self._session, self._steward, self._subject = session, steward, subject
        self._service, self._request, self._asked_at = service, request, asked_at
        self._told = told
        self._zip = StreamedZip()
        self._paths: dict[tuple[str, str, str], str] = {}
        self.records: dict[str, int] = {}
        self.unreadable: list[str] = []

    @property
    def files(self) -> int:
        """How many files the archive has so far."""
        return len(self._zip.entries)

    def chunks(self) -> Iterator[bytes]:
        """The archive, piece by piece. Raises KeyMissing when the person's key is gone."""
        tables = list(self._steward.catalog.personal())
        yield from self._objects(tables)
        for table in tables:
            yield from self._zip.file(data_path(table), self._json(table), packed=True)
        yield from self._zip.file("index.html", self._index(), packed=True)
        yield from self._zip.file("manifest.json", [self._manifest()], packed=True)
        yield from self._zip.end()

    def _objects(self, tables: Iterable[Table]) -> Iterator[bytes]:
        columns = [
            (t, c) for t in tables for c in self._steward.catalog.objects(t) if self._steward.catalog.tag(c).export
        ]
        total, done = sum(self._count(t, c.is_not(None)) for t, c in columns), 0
        for table, column in columns:
            for row in self._rows(table):
                key = row._mapping[column]
                if key is not None:
                    yield from self._object(table, column, row, key)
                    done += 1
                    self._told(done, total)

    def _object(self, table: Table, column: Column[Any], row: Row[Any], key: str) -> Iterator[bytes]:
        if rows.hidden(row, column):
            return
        name = rows.identity(table, row)
        try:
            first = self._verified(key)
        except (ObjectMissing, DecryptionFailed):
            self.unreadable.append(f"{table.name} {name} {column.name}")
            return
        folder = "images" if is_picture(first) else "files"
        path = f"{folder}/{table.name}/{name}{self._suffix(table, column)}{ending(first)}"
        self._paths[str(table.name), name, str(column.name)] = path
        yield from self._zip.file(path, self._steward.objects.open(self._subject, key), packed=False)

    def _verified(self, key: str) -> bytes:
        """The first bytes of an object that opens to its end: half a file could not be taken out of the archive again."""
        pieces = self._steward.objects.open(self._subject, key)
        first = next(pieces, b"")
        for _ in pieces:
            pass
        return first

    def _suffix(self, table: Table, column: Column[Any]) -> str:
        shared = [c for c in self._steward.catalog.objects(table) if self._steward.catalog.tag(c).export]
        return f"-{column.name}" if len(shared) > 1 else ""

    def _json(self, table: Table) -> Iterator[bytes]:
        columns = rows.handed_over(self._steward.catalog, table)
        head = {
            "table": str(table.name),
            "columns": {str(c.name): self._steward.catalog.tag(c).category for c in columns},
            "left_out": rows.left_out(self._steward.catalog, table),
        }
        buffer = bytearray(msgspec.json.encode(head)[:-1] + b',"rows":[')
        number = 0
        for row in self._rows(table):
            told = {str(c.name): self._value(table, row, c) for c in columns}
            buffer += (b",\n" if number else b"\n") + msgspec.json.encode(told)
            number += 1
            if len(buffer) > COMPACT:
                yield bytes(buffer)
                buffer.clear()
        self.records[str(table.name)] = number
        yield bytes(buffer + b"\n]}\n")

    def _value(self, table: Table, row: Row[Any], column: Column[Any]) -> Any:
        if self._steward.catalog.tag(column).holds == "object":
            return self._paths.get((str(table.name), rows.identity(table, row), str(column.name)))
        value = rows.readable(self._steward.vault, self._subject, table, row, column)
        if value == rows.UNREADABLE:
            self._note(f"{table.name} {rows.identity(table, row)} {column.name}")
        return value

    def _note(self, place: str) -> None:
        if place not in self.unreadable:
            self.unreadable.append(place)

    def _index(self) -> Iterator[bytes]:
        sections = [self._section(group) for group in groups(self._steward)]
        told = sum(self.records.values())
        pictures = sum(is_picture_path(path) for path in self._paths.values())
        cover = index_page.Cover(
            title=f"What {self._service} held about you",
            lede=f"{told:,} records and {pictures:,} pictures, as they stood when you asked for them.",
            notes=[
                f"Asked for at {self._asked_at:%Y-%m-%d %H:%M} UTC. Portability and access, GDPR Art. 15 and 20.",
                "This page needs no network. The same data for programs stands in the folder data, as JSON.",
            ],
            left_out=[
                *(
                    (f"{o.table}, {o.column}".replace("_", " "), o.why)
                    for t in self._tables()
                    for o in self._left_out(t)
                ),
                *((place, "It could not be read any more.") for place in self.unreadable),
            ],
        )
        yield from index_page.page(cover, [s for s in sections if any(part.number for part in s.parts)])

    def _tables(self) -> Iterator[Table]:
        return (t for t in self._steward.catalog.personal() if self.records.get(str(t.name)))

    def _left_out(self, table: Table) -> list[rows.LeftOut]:
        return rows.left_out(self._steward.catalog, table)

    def _section(self, group: Group) -> index_page.Section:
        facts = facts_of(self._session, self._steward, self._subject, group)
        return index_page.Section(
            group.title, group.key.replace(".", "-"), facts, [self._part(t) for t in group.tables]
        )

    def _part(self, table: Table) -> index_page.Part:
        title = self._steward.policies.category(self._steward.catalog.record(table).category).name
        number = self.records.get(str(table.name), 0)
        if any(name == str(table.name) for name, _, _ in self._paths):
            return index_page.Part(title, data_path(table), number, pictures=self._pictures(table))
        columns = self._shown(table)
        names = [str(c.name).replace("_", " ") for c in columns]
        shown = self._rows(table, index_page.SHOWN_ROWS)
        told = ([self._value(table, row, c) for c in columns] for row in shown)
        return index_page.Part(title, data_path(table), number, names, told)

    def _shown(self, table: Table) -> list[Column[Any]]:
        """The columns that the page shows: words first, and not the ids, which stand in the file."""
        found = rows.handed_over(self._steward.catalog, table)
        told = [c for c in found if not (c.primary_key or c.foreign_keys or self._is_owner(table, c))]
        return sorted(told or found, key=lambda c: not rows.is_words(c))

    def _is_owner(self, table: Table, column: Column[Any]) -> bool:
        return any(column.name in road.columns for road in self._steward.catalog.record(table).roads)

    def _pictures(self, table: Table) -> Iterator[index_page.Picture]:
        catalog = self._steward.catalog
        columns = rows.handed_over(catalog, table)
        told = [c for c in self._shown(table) if not rows.is_words(c) and catalog.tag(c).holds != "object"]
        for row, parents in self._with_parents(table):
            paths = [self._value(table, row, c) for c in columns if catalog.tag(c).holds == "object"]
            own = [self._value(table, row, c) for c in columns if rows.is_words(c)]
            yield index_page.Picture(
                [path for path in paths if path],
                [str(text) for text in (*own, *parents) if text],
                [(str(c.name).replace("_", " "), row._mapping[c]) for c in told if not rows.hidden(row, c)],
                _pixels(table, row),
            )

    def _with_parents(self, table: Table) -> Iterator[tuple[Row[Any], list[Any]]]:
        """The rows of the table, each with the words of the rows that it must refer to (a picture's prompt)."""
        catalog, subject = self._steward.catalog, self._subject
        parents = [parent for key in foreign_keys(table) if (parent := _Parent.of(catalog, key)) is not None]
        query: Select[Any] = self._of_person(table, rows.query(catalog, table, subject))
        joined: FromClause = table
        for parent in parents:
            joined = joined.outerjoin(parent.row, parent.condition(catalog, subject))
            query = query.add_columns(*parent.selected(catalog, subject))
        query = rows.in_order(catalog, table, query.select_from(joined)).execution_options(yield_per=rows.AT_ONCE)
        with self._session.execute(query) as found:
            for row in found:
                yield row, [words for parent in parents for words in parent.told(self._steward.vault, subject, row)]

    def _manifest(self) -> bytes:
        told = {
            "service": self._service,
            "request": self._request,
            "asked_at": self._asked_at,
            "policy": self._steward.policies.hash,
            "records": self.records,
            "left_out": [o for t in self._steward.catalog.personal() for o in self._left_out(t)],
            "unreadable": self.unreadable,
            "files": self._zip.entries,
        }
        return msgspec.json.format(msgspec.json.encode(told), indent=1)

    def _rows(self, table: Table, limit: int | None = None) -> Iterator[Row[Any]]:
        query = self._of_person(table, rows.query(self._steward.catalog, table, self._subject)).limit(limit)
        query = rows.in_order(self._steward.catalog, table, query)
        with self._session.execute(query.execution_options(yield_per=rows.AT_ONCE)) as found:
            yield from found

    def _count(self, table: Table, condition: Any) -> int:
        mine = self._steward.catalog.concerning(table, self._subject)
        query = self._of_person(table, select(func.count()).select_from(table).where(mine, condition))
        return self._session.scalar(query) or 0

    def _of_person(self, table: Table, query: Select[Any]) -> Select[Any]:
        return query.where(table.c.id != self._request) if table is SubjectRequest.__table__ else query


@dataclass(frozen=True)
class _Parent:
    """The row that a row must refer to by `key`, and its columns with words."""

    key: ForeignKeyConstraint
    words: list[Column[Any]]
    row: FromClause

    @classmethod
    def of(cls, catalog: Catalog, key: ForeignKeyConstraint) -> _Parent | None:
        """None where a row need not refer, refers to its like or to a person, or to a row without words."""
        table = key.referred_table
        person = any(road.kind == "subject" for road in catalog.record(table).roads)
        words = [c for c in rows.handed_over(catalog, table) if rows.is_words(c)]
        if not words or person or table is key.table or any(column.nullable for column in key.columns):
            return None
        return cls(key, words, table.alias())

    @property
    def table(self) -> Table:
        """Its table."""
        return self.key.referred_table

    @property
    def mark(self) -> str:
        """What tells it from other rows that a row refers to."""
        return "_".join(self.key.column_keys)

    def selected(self, catalog: Catalog, subject: str) -> list[ColumnElement[Any]]:
        """What is to be selected of it, and beside it."""
        columns = [self.row.c[column.name] for column in (*self.table.primary_key.columns, *self.words)]
        return [*columns, *doors.beside(catalog, self.table, subject, row=self.row, mark=self.mark)]

    def condition(self, catalog: Catalog, subject: str) -> ColumnElement[bool]:
        """The row referred to, where it is the person's by a road that hides no words."""
        hidden = {str(column.name) for column in self.words}
        roads = tuple(road for road in catalog.record(self.table).owners if not hidden & set(road.hides))
        theirs = catalog.some_person(self.table, lambda person: person == literal(subject), roads=roads, sub=these)
        key = list(self.table.primary_key.columns)
        refers = [e.parent == self.row.c[e.column.name] for e in self.key.elements]
        return and_(*refers, one_of([self.row.c[c.name] for c in key], these(select(*key).where(theirs))))

    def told(self, vault: Vault, subject: str, row: Row[Any]) -> Iterator[Any]:
        """Its words, decrypted."""
        name = "-".join(str(row._mapping[self.row.c[c.name]]) for c in self.table.primary_key.columns)
        for column in self.words:
            place = Context(subject, self.table.name, column.name, name)
            door = doors.door(column, subject, row, mark=self.mark)
            yield rows.revealed(vault, place, row._mapping[self.row.c[column.name]], door)


def _pixels(table: Table, row: Row[Any]) -> tuple[int, int] | None:
    """Width and height, where the table has such columns and the row fills them."""
    if "width" not in table.c or "height" not in table.c:
        return None
    width, height = row._mapping[table.c.width], row._mapping[table.c.height]
    return (width, height) if width and height else None


def data_path(table: Table) -> str:
    """Where the rows of the table stand in the archive."""
    return f"data/{table.name}.json"


def is_picture_path(path: str) -> bool:
    """Whether the path is that of a picture."""
    return path.startswith("images/")
