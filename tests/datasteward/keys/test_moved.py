"""E2 in a real database: a ciphertext that somebody with write access moves does not open where it was moved to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from datasteward.errors import DecryptionFailed
from datasteward.keys import Box, Vault, reveal, seal
from datasteward.types import Sealed


class Base(DeclarativeBase):
    pass


class Picture(Base):
    __tablename__ = "picture"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    prompt: Mapped[Box | None] = mapped_column(Sealed())
    note: Mapped[Box | None] = mapped_column(Sealed())


class Letter(Base):
    __tablename__ = "letter"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    prompt: Mapped[Box | None] = mapped_column(Sealed())


@pytest.fixture
def engine(database_url: str, vault: Vault) -> Iterator[Engine]:
    """Pictures of Ada's and one of Ben's, and a letter with the key of the first picture, all sealed."""
    made = create_engine(database_url)
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        rows: list[Picture | Letter] = [Picture(id=key, account="ada") for key in (1, 2, 4)]
        rows += [Picture(id=3, account="ben"), Letter(id=1, account="ada")]
        for row in rows:
            seal(vault, row, "prompt", f"{row.__tablename__} {row.id}", subject=row.account)
            session.add(row)
    yield made
    Base.metadata.drop_all(made)
    made.dispose()


Place = tuple[type[Picture | Letter], int, str]


def read(engine: Engine, vault: Vault, place: Place) -> str | None:
    """What the service reads at a place."""
    table, key, attribute = place
    with Session(engine) as session:
        row = session.get_one(table, key)
        return reveal(vault, row, attribute, subject=row.account)


MOVES: dict[str, tuple[str, Place]] = {
    "row": (
        "update picture set prompt = (select prompt from picture where id = 1) where id = 2",
        (Picture, 2, "prompt"),
    ),
    "column": ("update picture set note = prompt where id = 1", (Picture, 1, "note")),
    "table": ("update letter set prompt = (select prompt from picture where id = 1)", (Letter, 1, "prompt")),
    "subject's row": (
        "update picture set prompt = (select prompt from picture where id = 1) where id = 3",
        (Picture, 3, "prompt"),
    ),
    "subject": ("update picture set account = 'ben' where id = 1", (Picture, 1, "prompt")),
    "key": ("update picture set id = 9 where id = 1", (Picture, 9, "prompt")),
}


@pytest.mark.parametrize("to", MOVES)
def test_e2_moved_in_the_database_it_does_not_open(engine: Engine, vault: Vault, to: str) -> None:
    """Copied to another row, column, table or person's row, or its row given another person or key: it fails."""
    statement, place = MOVES[to]
    assert read(engine, vault, (Picture, 1, "prompt")) == "picture 1"
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount == 1
    with pytest.raises(DecryptionFailed):
        read(engine, vault, place)
    assert read(engine, vault, (Picture, 4, "prompt")) == "picture 4"


def test_e1_a_byte_changed_in_the_database_does_not_open(engine: Engine, vault: Vault) -> None:
    """Each byte of a stored ciphertext counts: version, key id, IV, ciphertext and tag."""
    with Session(engine) as session:
        sealed = session.get_one(Picture, 1).prompt
        assert sealed is not None
    for at, byte in enumerate(sealed.ciphertext):
        changed = sealed.ciphertext[:at] + bytes([byte ^ 0x10]) + sealed.ciphertext[at + 1 :]
        with engine.begin() as connection:
            connection.execute(text("update picture set prompt = :changed where id = 1"), {"changed": changed})
        with pytest.raises(DecryptionFailed):
            read(engine, vault, (Picture, 1, "prompt"))
