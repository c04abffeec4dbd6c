"""A small service with a road of each kind: people, their albums, the pictures in them, and circles that share a board."""

# ruff: noqa: RUF012 (SQLAlchemy reads __table_args__ as a plain class attribute)

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, ForeignKey, LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from datasteward import tables
from datasteward.catalog import Catalog, is_subject, nobody, owned_by, owned_through, owned_via, record, tag
from datasteward.policy import PolicySet, Purpose

OPS = tag("system.operations")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = MetaData()


class Person(Base):
    __tablename__ = "person"
    __table_args__ = {"info": record("user.account", is_subject("id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("user.unique_id"))
    n: Mapped[int] = mapped_column(info=OPS)
    mail: Mapped[str | None] = mapped_column(info=tag("user.contact.email"))
    albums: Mapped[list[Album]] = relationship(back_populates="person")


class Album(Base):
    __tablename__ = "album"
    __table_args__ = {"info": record("user.content.private.image", owned_by("person_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True, info=tag("user.unique_id"))
    person: Mapped[Person | None] = relationship(back_populates="albums")
    pictures: Mapped[list[Picture]] = relationship(back_populates="album")


class Picture(Base):
    __tablename__ = "picture"
    __table_args__ = {"info": record("user.content.private.image", owned_via("album_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)
    album_id: Mapped[str] = mapped_column(ForeignKey("album.id"), index=True, info=OPS)
    prompt: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, info=tag("user.content.private.prompt"))
    details: Mapped[dict[str, Any] | None] = mapped_column(
        JSON,
        deferred=True,
        info=tag("system.operations", paths={"device.name": tag("user.device")}),
    )
    album: Mapped[Album | None] = relationship(back_populates="pictures")


class Board(Base):
    __tablename__ = "board"
    __table_args__ = {"info": record("user.content.private.image", owned_through("member", or_nobody="A new board."))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)


class Member(Base):
    __tablename__ = "member"
    __table_args__ = {"info": record("user.account", owned_by("person_id"))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)
    board_id: Mapped[str] = mapped_column(ForeignKey("board.id"), info=OPS)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), info=tag("user.unique_id"))


class Note(Base):
    __tablename__ = "note"
    __table_args__ = {"info": record("user.support", owned_by("person_id", or_nobody="Some notes are the house's."))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), info=tag("user.unique_id"))


class Setting(Base):
    __tablename__ = "setting"
    __table_args__ = {"info": record("system.operations", nobody("How the house is set."))}
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=OPS)
    n: Mapped[int] = mapped_column(info=OPS)


ENTITIES: tuple[type[Any], ...] = (Person, Album, Picture, Board, Member, Note, Setting)
CATALOG = Catalog(Base.metadata, tables.metadata)


def with_purposes(policies: PolicySet) -> PolicySet:
    """The policies with purposes for tests: `serve` sees everything of all but the restricted, `guard` may be objected to,
    `taste` needs a consent and covers ids alone, `law` sees restricted people too."""
    everything = ("user",)
    made = (
        _purpose("serve", "contract", everything),
        _purpose("guard", "legitimate_interests", everything, objectable=True),
        _purpose("taste", "consent", ("user.unique_id",), needs_consent=True, objectable=True),
        _purpose("law", "legal_obligation", everything, despite_restriction="The law asks for it."),
    )
    lines = {**policies.lines, **{("purposes.yaml", ("purposes", one.id)): 7 for one in made}}
    return msgspec.structs.replace(policies, purposes={one.id: one for one in made}, lines=lines)


def _purpose(name: str, basis: Any, categories: tuple[str, ...], **more: Any) -> Purpose:
    return Purpose(
        id=name, name=name, words=name, legal_basis=basis, categories=categories, promise="", source="test", **more
    )
