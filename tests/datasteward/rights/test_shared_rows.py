"""Rows that several people share: each owner's archive holds the words, until that owner is erased; the last one's takes them."""

# ruff: noqa: RUF012 (SQLAlchemy reads __table_args__ as a plain class attribute)

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import ForeignKey, MetaData, String, delete, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from support.boards import (
    KEY,
    NOTE,
    OPS,
    TITLE,
    WHO,
    WORDS,
    Base,
    Board,
    Membership,
    Person,
    Scrap,
    member,
    shared_board,
)
from support.erasing import hold, lift
from support.records import erase, kept_to_their_end

from datasteward.backup.unopened import unopened
from datasteward.base import new_id
from datasteward.catalog import is_subject, owned_by, owned_through, owned_via, record, tag
from datasteward.catalog.records import for_records
from datasteward.errors import HoldInTheWay, KeyMissing
from datasteward.exceptional import access, carrying
from datasteward.exceptional.models import Kind
from datasteward.keys import Box, Use, Vault, reveal_shared, seal_shared, share
from datasteward.rights.export import Export
from datasteward.rights.rows import UNREADABLE
from datasteward.types import RowKey, Sealed


def archive(service: Any, subject: str) -> ZipFile:
    """What the person is handed."""
    with service.write() as session:
        made = Export(session, service.steward, subject, service="Boards", request="none", asked_at=service.clock())
        return ZipFile(io.BytesIO(b"".join(made.chunks())))


def rows_of(made: ZipFile, table: str) -> list[dict[str, Any]]:
    """The rows of a table in the archive."""
    found: list[dict[str, Any]] = json.loads(made.read(f"data/{table}.json"))["rows"]
    return found


def titles(service: Any, subject: str) -> list[str]:
    """The titles of the boards in the person's archive."""
    return [row["title"] for row in rows_of(archive(service, subject), "board")]


def words_of(made: ZipFile) -> bytes:
    """Every byte of the archive's files."""
    return b"".join(made.read(name) for name in made.namelist())


@pytest.fixture
def service(world: Any) -> Any:
    """A service with nobody in it."""
    return world(Base.metadata)


@pytest.fixture
def people(service: Any) -> list[str]:
    """Three of them, with keys."""
    made = [new_id() for _ in range(3)]
    with service.write() as session:
        session.add_all(Person(id=each) for each in made)
    for each in made:
        service.steward.vault.create(each)
    return made


@pytest.fixture
def board(service: Any, people: list[str]) -> tuple[Board, list[Membership]]:
    """A board of the first two of them, in no session; the third has one of their own."""
    first, second, third = people
    board, members = shared_board(service.steward.vault, "b1", first, second)
    theirs, alone = Board(id="b2"), member(Board(id="b2"), third)
    share(service.steward.vault, theirs, [alone])
    seal_shared(service.steward.vault, theirs, "title", "my own", through=alone)
    with service.write() as session:
        session.add_all([board, theirs])
        session.flush()
        session.add_all([*members, alone])
    return board, members


Shared = tuple[Board, list[Membership]]


def test_the_archive_of_each_owner_has_the_words_and_no_other_has(
    service: Any, people: list[str], board: Shared
) -> None:
    """Title and note stand in both owners' archives, and in no byte of the third's; nobody's holds the key."""
    for each in people[:2]:
        made = archive(service, each)
        assert rows_of(made, "board") == [{"id": "b1", "title": TITLE, "note": NOTE}]
        assert json.loads(made.read("manifest.json"))["unreadable"] == []
        (mine,) = rows_of(made, "membership")
        assert "board_key" not in mine
    outside = words_of(archive(service, people[2]))
    assert b"my own" in outside
    assert TITLE.encode() not in outside
    assert NOTE.encode() not in outside


def test_when_an_owner_is_erased_the_others_have_the_words_and_the_last_one_takes_them(
    service: Any, people: list[str], board: Shared
) -> None:
    """After the first erasure the other's archive is as before; after the second no row is left, and copies open to nobody."""
    vault, (copy, members) = service.steward.vault, board
    certificate = erase(service, people[0])
    assert certificate.rows == {"person": 1, "membership": 1}
    assert titles(service, people[1]) == [TITLE]
    with pytest.raises(KeyMissing):
        reveal_shared(vault, copy, "title", through=members[0])
    assert reveal_shared(vault, copy, "title", through=members[1]) == TITLE
    certificate = erase(service, people[1])
    assert certificate.rows == {"person": 1, "membership": 1, "board": 1}
    for each in members:
        with pytest.raises(KeyMissing):
            reveal_shared(vault, copy, "title", through=each)
    assert titles(service, people[2]) == ["my own"]


def test_a_membership_without_the_key_reads_nothing(service: Any, people: list[str], board: Shared) -> None:
    """Who owns the row by a membership that was handed no key is handed the row, without its words; let in, with them."""
    vault, outsider = service.steward.vault, people[2]
    with service.write() as session:
        session.add(member(board[0], outsider))
    made = archive(service, outsider)
    assert [row["title"] for row in rows_of(made, "board")] == [UNREADABLE, "my own"]
    assert json.loads(made.read("manifest.json"))["unreadable"] == ["board b1 title", "board b1 note"]
    assert TITLE.encode() not in words_of(made)
    with service.write() as session:
        late = session.scalars(select(Membership).where(Membership.key.is_(None))).one()
        share(vault, session.get_one(Board, "b1"), [late], through=session.get_one(Membership, board[1][0].id))
    assert titles(service, outsider) == [TITLE, "my own"]


@pytest.mark.parametrize("moved", ["the key", "the membership", "the value"])
def test_e2_what_is_moved_in_the_database_is_not_handed_over(
    service: Any, people: list[str], board: Shared, moved: str
) -> None:
    """A key copied to an outsider's membership, a membership turned to another board, and a value copied to another
    board read as what cannot be read any more.
    """
    outsider, _ = people[2], board
    with service.write() as session:
        if moved == "the key":
            session.add(member(Board(id="b1"), outsider))
            session.flush()
            theirs = select(Membership.key).where(Membership.person_id == people[0]).scalar_subquery()
            session.execute(update(Membership).where(Membership.board_id == "b1").values(key=theirs))
        elif moved == "the membership":
            session.execute(update(Membership).where(Membership.person_id == outsider).values(board_id="b1"))
        else:
            theirs = select(Board.title).where(Board.id == "b1").scalar_subquery()
            session.execute(update(Board).where(Board.id == "b2").values(title=theirs))
    made = archive(service, outsider)
    assert UNREADABLE in [row["title"] for row in rows_of(made, "board")]
    assert TITLE.encode() not in words_of(made)


def test_one_of_several_memberships_is_enough(service: Any, people: list[str], board: Shared) -> None:
    """A row is handed over once, through a membership of the person that has the key, whichever that is."""
    vault, first = service.steward.vault, people[0]
    empty, late = (member(board[0], first, number) for number in (0, 2))
    share(vault, board[0], [late], through=board[1][1])
    with service.write() as session:
        session.add_all([empty, late])
    assert titles(service, first) == [TITLE]


def test_the_words_of_a_board_stand_beside_a_picture_on_it_for_its_owner(
    service: Any, people: list[str], board: Shared
) -> None:
    """On the page a picture has the words of the board that it is on, when these are the person's."""
    for each in (people[0], people[2]):
        service.steward.objects.put(each, f"scrap/{each}", [b"\x89PNG\r\n\x1a\n"])
        with service.write() as session:
            session.add(Scrap(id=new_id(), board_id="b1", person_id=each, picture=f"scrap/{each}"))
    page, outside = (archive(service, each).read("index.html").decode() for each in (people[0], people[2]))
    assert page.count(TITLE) == 3  # in the board's own row; under the picture, and where it cannot be shown
    assert "images/scrap/" in outside
    assert TITLE not in outside


def test_a_hold_on_a_board_keeps_the_key_of_each_owner(service: Any, people: list[str], board: Shared) -> None:
    """What is held stays readable: the membership stays, and the keys under which its key is sealed, until it is lifted."""
    hold_id = hold(service, table="board")
    with pytest.raises(HoldInTheWay):
        erase(service, people[0])
    assert service.steward.vault.has(people[0])
    assert titles(service, people[0]) == [TITLE]
    lift(service, hold_id)
    erase(service, people[1])
    assert not service.steward.vault.has(people[1])


def test_a_break_glass_reading_opens_the_words_through_the_person_and_shows_no_key(
    service: Any, people: list[str], board: Shared
) -> None:
    """The words of a shared row come for each of its owners; a key is no words, and what only holds keys is not asked for."""
    steward = service.steward
    assert access.readable(steward.catalog) == ["board", "membership"]
    with service.write() as session:
        asked = access.ask(
            session, steward, Kind.BREAK_GLASS, file="24-117", by="ops", now=service.clock(), subject=people[1]
        )
        if access.state(steward.policies, asked, service.clock()) == "asked":
            access.approve(session, steward.policies, asked.id, by="legal", now=service.clock())
        carrying.take(session, steward.policies, asked.id, by="ops", now=service.clock())
        lines = [json.loads(line) for line in carrying.opened(session, steward, steward.vault._store, asked.id)]
    assert [line for line in lines if line["table"] == "board"] == [
        {"table": "board", "id": "b1", "person": people[1], "title": TITLE, "note": NOTE}
    ]
    assert [set(line) for line in lines if line["table"] == "membership"] == [{"table", "id", "person", "nick"}]


class Law(DeclarativeBase):
    metadata = MetaData()


class Payer(Law):
    __tablename__ = "payer"
    __table_args__ = {"info": record("user.account", is_subject("id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=WHO)


class Invoice(Law):
    __tablename__ = "invoice"
    __table_args__ = {"info": record("user.financial.transaction", owned_through("share"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    words: Mapped[Box | None] = mapped_column(Sealed(key="share.key"), info=tag("user.financial.transaction.billed_to"))


class Part(Law):
    __tablename__ = "share"
    __table_args__ = {"info": record("user.financial.transaction", owned_by("payer_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    invoice_id: Mapped[str] = mapped_column(ForeignKey(Invoice.id), info=OPS)
    payer_id: Mapped[str] = mapped_column(String(40), info=WHO)
    key: Mapped[Box | None] = mapped_column(
        RowKey(), info=tag("user.financial.transaction.billed_to", export=False, why_not="It opens the invoice.")
    )


def payers(world: Any, number: int) -> tuple[Any, list[str], list[Part]]:
    """People with a part in one invoice that the law keeps; the last of them was not handed its key."""
    made = world(Law.metadata)
    vault = Vault(made.steward.vault._store, records=for_records(made.steward.catalog, made.steward.policies))
    service = dataclasses.replace(made, steward=dataclasses.replace(made.steward, vault=vault))
    names, invoice = [new_id() for _ in range(number)], Invoice(id="i1")
    parts = [Part(id=f"p{n}", invoice_id="i1", payer_id=each) for n, each in enumerate(names)]
    for each in names:
        vault.create(each)
    share(vault, invoice, parts[:-1])
    seal_shared(vault, invoice, "words", "two beds", through=parts[0])
    with service.write() as session:
        session.add_all([*(Payer(id=each) for each in names), invoice])
        session.flush()
        session.add_all(parts)
    return service, names, parts


def test_what_law_keeps_is_read_by_the_keys_for_records(world: Any) -> None:
    """After an erasure a shared record opens through the person's part of it, whose key for records lasts as long as that."""
    service, (ada, _, _), parts = payers(world, 3)
    vault = service.steward.vault
    assert vault.records == {("share", "key")}
    kept = erase(service, ada).kept
    assert (kept["share"], kept["invoice"]) == (1, 1)
    assert (vault.has(ada), vault.has(ada, Use.RECORDS)) == (False, True)
    with service.write() as session:
        invoice, part = session.get_one(Invoice, "i1"), session.get_one(Part, parts[0].id)
        assert reveal_shared(vault, invoice, "words", through=part) == "two beds"
        session.execute(delete(Part).where(Part.id == part.id))
    assert kept_to_their_end(service) == 1
    assert not vault.has(ada, Use.RECORDS)


def test_a_record_that_a_person_cannot_read_needs_no_key_of_theirs(world: Any) -> None:
    """Who has a part in a record without its key loses the key for records at once, though a hold keeps the record."""
    service, (_, _, cleo), _ = payers(world, 3)
    vault = service.steward.vault
    vault.sealer(cleo, Use.RECORDS)
    hold(service, table="invoice")
    erase(service, cleo)
    assert not vault.has(cleo, Use.RECORDS)


def test_a_hold_on_a_shared_record_lets_an_erasure_end(world: Any) -> None:
    """What opens with a key for records is not lost with those for content: the erasure goes through, and that key stays."""
    service, (ada, _, _), _ = payers(world, 3)
    hold(service, table="invoice")
    erase(service, ada)
    assert service.steward.vault.has(ada, Use.RECORDS)


class Town(DeclarativeBase):
    metadata = MetaData()


class House(Town):
    """What a household shares: the people themselves are the association."""

    __tablename__ = "house"
    __table_args__ = {"info": record("user.account", owned_through("resident"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    words: Mapped[Box | None] = mapped_column(Sealed(key="resident.house_key"), info=WORDS)


class Resident(Town):
    __tablename__ = "resident"
    __table_args__ = {"info": record("user.account", is_subject("id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=WHO)
    house_id: Mapped[str] = mapped_column(ForeignKey(House.id), info=OPS)
    house_key: Mapped[Box | None] = mapped_column(RowKey(), info=KEY)


class Club(Town):
    """What people share by way of an account of theirs."""

    __tablename__ = "club"
    __table_args__ = {"info": record("user.account", owned_through("seat"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    words: Mapped[Box | None] = mapped_column(Sealed(key="seat.club_key"), info=WORDS)


class Seat(Town):
    __tablename__ = "seat"
    __table_args__ = {"info": record("user.account", owned_via("resident_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    club_id: Mapped[str] = mapped_column(ForeignKey(Club.id), info=OPS)
    resident_id: Mapped[str] = mapped_column(ForeignKey(Resident.id), info=OPS)
    club_key: Mapped[Box | None] = mapped_column(RowKey(), info=KEY)
    resident: Mapped[Resident] = relationship()


def test_the_association_leads_to_its_person_on_a_road_of_any_kind(world: Any) -> None:
    """It may be the person itself, or lead to them over another row."""
    service = world(Town.metadata)
    vault, (ada, ben) = service.steward.vault, (new_id(), new_id())
    house, club = House(id="h1"), Club(id="c1")
    homes = [Resident(id=each, house_id="h1") for each in (ada, ben)]
    seats = [Seat(id=f"s-{each.id}", club_id="c1", resident=each) for each in homes]
    for each in (ada, ben):
        vault.create(each)
    for row, doors in ((house, homes), (club, seats)):
        share(vault, row, doors)
        seal_shared(vault, row, "words", f"words of {row.id}", through=doors[0])
    with service.write() as session:
        session.add_all([house, club])
        session.flush()
        session.add_all([*homes, *seats])
    erase(service, ada)
    made = archive(service, ben)
    assert [rows_of(made, name)[0]["words"] for name in ("house", "club")] == ["words of h1", "words of c1"]


def test_after_a_restore_a_member_without_keys_is_told_of(service: Any, people: list[str]) -> None:
    """The key of a board is sealed for its member: with their keys away it does not open, and theirs alone is counted."""
    vault = service.steward.vault
    board, members = shared_board(vault, "b1", *people[:2])
    with service.write() as session:
        session.add(board)
        session.flush()
        session.add_all(members)
    with service.write() as session:
        assert unopened(session, service.steward, service.steward.ledger) == 0
    vault.destroy(people[0])
    with service.write() as session:
        assert unopened(session, service.steward, service.steward.ledger) == 1
