"""Column types, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from datasteward.crypto import Box
from datasteward.errors import NaiveTime, NotSealed
from datasteward.types import Sealed, UtcDateTime

NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)

SEALED = Box(b"\x01" + b"sealed".rjust(40))


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[Box | None] = mapped_column(Sealed())
    at: Mapped[datetime | None] = mapped_column(UtcDateTime())


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Session]:
    """A session on an empty table."""
    engine = create_engine(f"sqlite:///{tmp_path / 'notes.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_a_sealed_column_gives_back_the_box(notes: Session) -> None:
    """A Box is stored as its bytes and comes back as a Box; None stays None."""
    notes.add_all([Note(id=1, words=SEALED), Note(id=2, words=None)])
    notes.commit()
    assert list(notes.scalars(select(Note.words).order_by(Note.id))) == [SEALED, None]
    assert notes.scalar(text("select words from note where id = 1")) == SEALED.ciphertext
    assert notes.scalar(select(Note.id).where(Note.words == SEALED)) == 1


@pytest.mark.parametrize("words", [b"plain words", b"", b"\x01" + b"short", b"\x00" + bytes(40)])
def test_a_box_of_plain_words_is_refused(notes: Session, words: bytes) -> None:
    """Whoever makes a Box by hand has sealed nothing: what is stored has the form of a sealed value at least."""
    notes.add(Note(id=1, words=Box(words)))
    with pytest.raises(NotSealed, match="holds nothing that was sealed"):
        notes.flush()
    notes.rollback()
    assert notes.scalars(select(Note)).all() == []


@pytest.mark.parametrize("plain", ["words", b"words", bytearray(b"words"), 5])
def test_writing_plaintext_to_a_sealed_column_raises(notes: Session, plain: object) -> None:
    """The TypeError names the helper that seals, says nothing of the value, and nothing is written."""
    notes.add(Note(id=1, words=plain))
    with pytest.raises(NotSealed, match=r"datasteward\.keys\.seal") as raised:
        notes.flush()
    assert isinstance(raised.value, TypeError)
    assert "words" not in str(raised.value)
    notes.rollback()
    assert notes.scalar(select(Note.id)) is None


def test_looking_for_plaintext_in_a_sealed_column_raises(notes: Session) -> None:
    """A comparison with text finds nothing silently: it raises."""
    with pytest.raises(NotSealed):
        notes.scalar(select(Note.id).where(Note.words == "words"))


def test_times_come_back_aware_and_in_utc(notes: Session) -> None:
    """A time of any zone is stored as the same moment and given in UTC, with microseconds."""
    zone = timezone(timedelta(hours=5, minutes=45))
    notes.add_all([Note(id=1, at=NOON.astimezone(zone)), Note(id=2, at=None)])
    notes.commit()
    found = notes.scalar(select(Note.at).where(Note.id == 1))
    assert found == NOON
    assert found.tzinfo is UTC
    assert notes.scalar(select(Note.at).where(Note.id == 2)) is None
    assert notes.scalar(select(Note.id).where(Note.at <= NOON.astimezone(zone))) == 1


@pytest.mark.parametrize("wrong", [NOON.replace(tzinfo=None), NOON.date(), "2026-03-29"])
def test_a_naive_time_raises(notes: Session, wrong: object) -> None:
    """A time without its zone, and what is no time, are refused with what to do."""
    notes.add(Note(id=1, at=wrong))
    with pytest.raises(NaiveTime, match=r"datetime\.now\(UTC\)"):
        notes.flush()


def test_a_period_compares_with_a_naive_time_in_no_query_either(notes: Session) -> None:
    """The rule holds for queries as well as for rows."""
    with pytest.raises(NaiveTime):
        notes.scalar(select(Note.id).where(Note.at < NOON.replace(tzinfo=None)))
