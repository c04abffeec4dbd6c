"""A service of people with letters, boards, notes and invoices, some of which holds keep, and what an erasure leaves of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, func, insert, select
from support.erasing import number
from support.people import person

from datasteward.base import new_id
from datasteward.catalog import anonymise, owned_by, owned_through, owned_via, record, tag
from datasteward.keys import Context
from datasteward.types import Sealed, UtcDateTime


def metadata() -> MetaData:
    """People; their letters with pages and objects; boards that several own; notes of two people; invoices."""
    made = MetaData()
    key = tag("system.operations")
    person(made)
    Table(
        "letter",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("owner", String(26), ForeignKey("person.id", ondelete="CASCADE"), info=tag("user.unique_id")),
        Column("words", Sealed(), info=tag("user.content.private.prompt")),
        Column("object", String(120), info=tag("user.content.private.image", holds="object")),
        Column("at", UtcDateTime(), info=key),
        info=record("user.content.private.generation", owned_by("owner"), clocks={"created": "at"}),
    )
    Table(
        "page",
        made,
        Column("letter", Integer, ForeignKey("letter.id", ondelete="CASCADE"), primary_key=True, info=key),
        Column("number", Integer, primary_key=True, info=key),
        info=record("user.content.private.image", owned_via("letter")),
    )
    Table(
        "board",
        made,
        Column("id", Integer, primary_key=True, info=key),
        info=record("user.content.preference", owned_through("member")),
    )
    Table(
        "member",
        made,
        Column("board", Integer, ForeignKey("board.id", ondelete="CASCADE"), primary_key=True, info=key),
        Column("person", String(26), primary_key=True, info=tag("user.unique_id")),
        info=record("user.content.preference", owned_by("person")),
    )
    Table(
        "note",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("writer", String(26), info=tag("user.unique_id")),
        Column("reader", String(26), info=tag("user.unique_id")),
        Column("name", String(20), info=tag("user.name")),
        info=record(
            "user.behavior.usage",
            owned_by("writer", leaving=anonymise("writer", "name"), or_nobody="The writer left."),
            owned_by("reader"),
        ),
    )
    Table(
        "invoice",
        made,
        Column("id", Integer, primary_key=True, info=key),
        Column("subject_id", String(26), info=tag("user.unique_id")),
        Column("words", Sealed(), info=tag("user.content.private.prompt")),
        info=record("user.financial.transaction", owned_by("subject_id")),
    )
    return made


Joiner = Callable[[], str]


def joiner(service: Any) -> Joiner:
    """Makes a person: three letters of two pages each, a day apart; a board, a note and an invoice."""
    count = iter(range(1000))

    def make() -> str:
        subject, tables, vault = new_id(), service.steward.catalog.table, service.steward.vault
        vault.create(subject)
        with service.write() as session:
            session.execute(insert(tables("person")).values(id=subject))
            for day in range(3):
                row, key = next(count), f"letter/{subject}/{day}"
                service.steward.objects.put(subject, key, [b"an object"])
                words = vault.seal(Context(subject, "letter", "words", str(row)), "dear")
                at = service.clock() + timedelta(days=day)
                values = {"id": row, "owner": subject, "words": words, "object": key, "at": at}
                session.execute(insert(tables("letter")).values(values))
                session.execute(insert(tables("page")), [{"letter": row, "number": n} for n in range(2)])
            row = next(count)
            session.execute(insert(tables("board")).values(id=row))
            session.execute(insert(tables("member")).values(board=row, person=subject))
            session.execute(insert(tables("note")).values(id=row, writer=subject, reader="somebody", name="Ines"))
            words = vault.seal(Context(subject, "invoice", "words", str(row)), "paid")
            session.execute(insert(tables("invoice")).values(id=row, subject_id=subject, words=words))
        return subject

    return make


ALL = {"person": 1, "letter": 3, "page": 6, "board": 1, "member": 1}


def there(service: Any) -> dict[str, int]:
    """How many rows each table has, and in how many notes a name stands."""
    names = ("person", "letter", "page", "board", "member", "invoice")
    with service.write() as session:
        note = service.steward.catalog.table("note")
        named = session.scalar(select(func.count(note.c.name))) or 0
    return {name: n for name in names if (n := number(service, name))} | {"named": named}


def first_letter(service: Any, subject: str) -> int:
    """The key of the person's first letter."""
    letter = service.steward.catalog.table("letter")
    with service.write() as session:
        return session.scalar(select(func.min(letter.c.id)).where(letter.c.owner == subject)) or 0
