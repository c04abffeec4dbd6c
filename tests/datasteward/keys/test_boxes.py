"""What a box and its column let nobody do: show, carry over or write the wrong thing."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import jinja2
import msgspec
import pytest
from sqlalchemy import Column, Engine, MetaData, String, Table, create_engine, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from datasteward.errors import NotSealed
from datasteward.keys import Box, Vault, reveal, seal
from datasteward.types import Sealed
from gptimages.web import templating

WORDS = "a lighthouse at dusk"


class Base(DeclarativeBase):
    pass


class Words:
    """Columns that several tables have."""

    words: Mapped[Box | None] = mapped_column(Sealed())


class Run(Words, Base):
    __tablename__ = "generation"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    note: Mapped[Box | None] = mapped_column(Sealed())


class Other(Words, Base):
    __tablename__ = "other"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Empty tables, on each kind of database."""
    made = create_engine(database_url)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def run(vault: Vault) -> Run:
    """A row with words that were revealed a moment ago."""
    made = Run(id="g1")
    seal(vault, made, "words", WORDS, subject="ada")
    assert reveal(vault, made, "words", subject="ada") == WORDS
    return made


def logged(value: object) -> str:
    """What a handler of the log writes for it."""
    record = logging.LogRecord("test", logging.INFO, "", 0, "value %r", (value,), None)
    return logging.Formatter().format(record)


SHOWN: dict[str, Callable[[Run], object]] = {
    "repr": lambda run: repr(run.words),
    "repr of the row": repr,
    "repr of its dictionary": lambda run: repr(vars(run)),
    "log": lambda run: logged(run.words),
    "copy": lambda run: copy.copy(run.words),
    "deepcopy": lambda run: copy.deepcopy([run.words]),
    "traceback": lambda run: repr(SimpleNamespace(words=run.words)),
    "f-string with repr": lambda run: f"{run.words!r}",
}
REFUSED: dict[str, Callable[[Run], object]] = {
    "str": lambda run: str(run.words),
    "format": lambda run: format(run.words),
    "f-string": lambda run: f"{run.words}",
    "percent": lambda run: "%s" % run.words,  # noqa: UP031
    "join": lambda run: "".join([run.words]),  # type: ignore[list-item]
    "log": lambda run: logging.LogRecord("t", 20, "", 0, "%s", (run.words,), None).getMessage(),
    "json": lambda run: json.dumps({"words": run.words}),
    "msgspec json": lambda run: msgspec.json.encode([run.words]),
    "msgspec msgpack": lambda run: msgspec.msgpack.encode(run.words),
    "msgspec builtins": lambda run: msgspec.to_builtins({"words": run.words}),
    "msgspec loaded": lambda run: msgspec.json.encode(Box(b"bytes alone")),
    "jinja": lambda run: jinja2.Environment(autoescape=True).from_string("{{ run.words }}").render(run=run),
    "the service's templates": lambda run: templating.environment().from_string("{{ run.words }}").render(run=run),
    "pickle": lambda run: pickle.dumps(run.words),
    "pickle of the row": pickle.dumps,
    "bytes": lambda run: bytes(run.words),  # type: ignore[call-overload]
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_what_shows_a_box_shows_no_plaintext(run: Run, show: Callable[[Run], object]) -> None:
    """A representation has the column and the length; the row keeps no plaintext beside its box."""
    assert "lighthouse" not in repr(show(run))
    assert "\\x01" not in repr(show(run))


@pytest.mark.parametrize("show", REFUSED.values(), ids=REFUSED)
def test_what_would_make_text_of_a_box_raises(run: Run, show: Callable[[Run], object]) -> None:
    """Text, templates, encoders and pickles raise a TypeError in which no plaintext is."""
    with pytest.raises(TypeError) as raised:
        show(run)
    assert "lighthouse" not in str(raised.value)


def test_what_is_revealed_is_a_plain_string_that_the_row_does_not_keep(vault: Vault, run: Run) -> None:
    """The value is no box and no proxy; the attribute is the box it was."""
    assert type(reveal(vault, run, "words", subject="ada")) is str
    assert isinstance(run.words, Box)
    assert repr(run.words) == f"<Box of generation.words, {len(WORDS) + 33} bytes>"


WRITES: dict[str, Callable[[Session, object], object]] = {
    "a new row": lambda session, value: (session.add(Run(id="g2", words=value)), session.flush()),
    "a changed row": lambda session, value: (setattr(session.get_one(Run, "g1"), "words", value), session.flush()),
    "insert of Core": lambda session, value: session.execute(insert(Run.__table__).values(id="g2", words=value)),
    "insert of many": lambda session, value: session.execute(
        insert(Run.__table__), [{"id": "g2", "words": None}, {"id": "g3", "words": value}]
    ),
    "bulk of the ORM": lambda session, value: session.execute(
        insert(Run), [{"id": "g2", "words": value}, {"id": "g3", "words": value}]
    ),
    "bulk_save_objects": lambda session, value: session.bulk_save_objects([Run(id="g2", words=value)]),
    "bulk_insert_mappings": lambda session, value: session.bulk_insert_mappings(Run, [{"id": "g2", "words": value}]),
    "update": lambda session, value: session.execute(update(Run).values(words=value)),
    "bulk update": lambda session, value: session.execute(update(Run), [{"id": "g1", "words": value}]),
    "on conflict": lambda session, value: session.execute(
        (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite)
        .insert(Run)
        .values(id="g1")
        .on_conflict_do_update(index_elements=["id"], set_={"words": value})
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("value", [WORDS, WORDS.encode(), "a box of another column"])
def test_only_a_box_of_the_column_is_written(
    engine: Engine, vault: Vault, run: Run, write: Callable[[Session, object], object], value: object
) -> None:
    """By every way of writing, text, bytes and a box that could never be opened here raise, and nothing is changed."""
    with Session(engine) as session:
        session.add(run)
        session.commit()
        stored = session.scalar(text("select words from generation"))
        if value == "a box of another column":
            value = seal(vault, Run(id="g9"), "note", WORDS, subject="ada")
        with pytest.raises(NotSealed) as raised:
            write(session, value)
        assert "lighthouse" not in str(raised.value)
        session.rollback()
        assert session.execute(text("select id, words from generation")).all() == [("g1", stored)]


def test_a_loaded_box_knows_its_column_too(engine: Engine, vault: Vault, run: Run) -> None:
    """Columns of a mixin, of a copied table and of one type given to two columns are told apart, or not told at all."""
    with Session(engine) as session, session.begin():
        session.add(run)
    with Session(engine) as session:
        loaded = session.scalars(select(Run.words)).one()
        assert repr(loaded).startswith("<Box of generation.words,")
        session.add(Other(id="o1", words=loaded))
        with pytest.raises(NotSealed, match=r"generation\.words could never be opened or found in other\.words"):
            session.flush()
    shared = Sealed()
    twice = Table("twice", MetaData(), Column("one", shared), Column("two", shared))
    copied = Run.__table__.to_metadata(MetaData(), name="copied")
    assert (twice.c.one.type.home.table, copied.c.words.type.home.table) == ("", "copied")
    assert Run.__table__.c.words.type.home.table == "generation"
