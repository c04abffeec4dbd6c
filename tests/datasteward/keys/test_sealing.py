"""Sealing columns of mapped rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from datasteward.errors import DecryptionFailed, NotSealed
from datasteward.keys import Box, Context, Vault, context_for, reveal, seal
from datasteward.types import Sealed


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "generation"
    id: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[Box | None] = mapped_column("prompt", Sealed())
    note: Mapped[Box | None] = mapped_column(Sealed())


class Pair(Base):
    __tablename__ = "pair"
    one: Mapped[str] = mapped_column(primary_key=True)
    two: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[Box | None] = mapped_column(Sealed())


def test_a_sealed_attribute_goes_through_the_database(
    database_url: str, vault: Vault, on_disk: Callable[[], list[bytes]]
) -> None:
    """Sealed, stored, loaded by another session, revealed; the words are in no byte of the database, log included."""
    engine, words = create_engine(database_url), f"a lighthouse at dusk {secrets.token_hex()}"
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        run = Run(id="g1")
        box = seal(vault, run, "words", words, subject="ada")
        assert box is run.words
        session.add(run)
        session.commit()
    with Session(engine) as session:
        loaded = session.get_one(Run, "g1")
        assert reveal(vault, loaded, "words", subject="ada") == words
        assert reveal(vault, loaded, "note", subject="ada") is None
    engine.dispose()
    stored = on_disk()
    assert any(box.ciphertext in data for data in stored)
    assert not any(words.encode() in data for data in stored)


def test_the_context_is_that_of_table_and_column(vault: Vault) -> None:
    """The names are the database's, not Python's, so that renaming an attribute breaks nothing."""
    assert context_for(Run(id="g1"), "words", subject="ada") == Context("ada", "generation", "prompt", "g1")


def test_e2_a_box_copied_to_another_row_or_column_does_not_open(vault: Vault) -> None:
    """Neither another row, nor another column of the same row, nor another subject reads it."""
    run, other = Run(id="g1"), Run(id="g2")
    run.note = other.words = seal(vault, run, "words", "a lighthouse", subject="ada")
    for row, attribute, subject in ((other, "words", "ada"), (run, "note", "ada"), (run, "words", "ben")):
        with pytest.raises(DecryptionFailed):
            reveal(vault, row, attribute, subject=subject)


@pytest.mark.parametrize("row", [Run(), Pair(one="a", two="b")])
def test_a_row_without_one_settled_key_is_refused(vault: Vault, row: Run | Pair) -> None:
    """Without its primary key, or with one of two columns, a row has no place to seal for."""
    with pytest.raises(ValueError, match="primary key"):
        seal(vault, row, "words", "text", subject="ada")


def test_plaintext_assigned_by_mistake_is_refused_when_it_is_written(database_url: str) -> None:
    """Who forgets to seal gets an error that names the helper, not a row in the clear."""
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Run(id="g1", words="a lighthouse"))
        with pytest.raises(NotSealed, match=r"datasteward\.keys\.seal"):
            session.commit()
    engine.dispose()
