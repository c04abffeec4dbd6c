"""People who share boards: what is on a board is sealed under its key, which lies in each membership."""

# ruff: noqa: RUF012 (SQLAlchemy reads __table_args__ as a plain class attribute)

from __future__ import annotations

from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from datasteward.catalog import is_subject, owned_by, owned_through, record, tag
from datasteward.keys import Box, Vault, seal_shared, share
from datasteward.types import RowKey, Sealed

OPS, WHO = tag("system.operations"), tag("user.unique_id")
WORDS = tag("user.support.ticket")
KEY = tag("user.support.ticket", export=False, why_not="It opens the board, for you alone.")
TITLE, NOTE = "what we never told the others", "bring bread on Thursday"


class Base(DeclarativeBase):
    metadata = MetaData()


class Person(Base):
    __tablename__ = "person"
    __table_args__ = {"info": record("user.account", is_subject("id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=WHO)


class Board(Base):
    __tablename__ = "board"
    __table_args__ = {"info": record("user.account", owned_through("membership"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    title: Mapped[Box | None] = mapped_column(Sealed(key="membership.board_key"), info=WORDS)
    text: Mapped[Box | None] = mapped_column("note", Sealed(key="membership.board_key"), info=WORDS)


class Membership(Base):
    __tablename__ = "membership"
    __table_args__ = {"info": record("user.account", owned_by("person_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    board_id: Mapped[str] = mapped_column(ForeignKey(Board.id), index=True, info=OPS)
    person_id: Mapped[str] = mapped_column(String(40), info=WHO)
    key: Mapped[Box | None] = mapped_column("board_key", RowKey(), info=KEY)
    nick: Mapped[Box | None] = mapped_column(Sealed(), info=WORDS)


class Scrap(Base):
    """A picture that somebody puts on a board."""

    __tablename__ = "scrap"
    __table_args__ = {"info": record("user.content.private.image", owned_by("person_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    board_id: Mapped[str] = mapped_column(ForeignKey(Board.id, ondelete="CASCADE"), info=OPS)
    person_id: Mapped[str] = mapped_column(String(40), info=WHO)
    picture: Mapped[str] = mapped_column(String(120), info=tag("user.content.private.image", holds="object"))


def member(board: Board, person: str, number: int = 1) -> Membership:
    """A membership that does not have the board's key yet."""
    return Membership(id=f"{board.id}-{person}-{number}", board_id=board.id, person_id=person)


def shared_board(vault: Vault, name: str, *people: str) -> tuple[Board, list[Membership]]:
    """A board with its words, and the memberships of the people, who have its key."""
    board = Board(id=name)
    members = [member(board, person) for person in people]
    share(vault, board, members)
    seal_shared(vault, board, "title", TITLE, through=members[0])
    seal_shared(vault, board, "text", NOTE, through=members[-1])
    return board, members
