"""The albums on each kind of database, with people who said different things about the use of their data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from support.albums import CATALOG, NOW, Album, Base, Board, Member, Note, Person, Picture, Setting, with_purposes

from datasteward import tables
from datasteward.consent import records, restriction
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.policy import PolicySet, load
from datasteward.purposes import Purposes

ROOT = Path(__file__).parents[3]
PEOPLE = ("ada", "ben", "cleo")


@pytest.fixture(scope="session")
def stated() -> PolicySet:
    """The shipped policies with purposes for tests."""
    return with_purposes(load(ROOT / "policies"))


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with Ada's keys and Ben's."""
    made = Vault(KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey.create(tmp_path / "root.key")))
    for each in PEOPLE[:2]:
        made.create(each)
    yield made
    made.close()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with the tables of the albums and the toolkit, and no rows."""
    made = create_engine(database_url)
    Base.metadata.create_all(made)
    tables.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def purposes(engine: Engine, stated: PolicySet) -> Purposes:
    """Views of a database in which each of three people has an album with a picture and a note, and shares a board.

    Ada consented to `taste`, Ben objected to `guard`, Cleo is restricted. Board `0` is Ada's alone, `1` Ada's and Ben's,
    `2` Ada's and Cleo's, `3` nobody's; note `house` is nobody's.
    """
    with Session(engine) as session, session.begin():
        for n, who in enumerate(PEOPLE):
            session.add(Person(id=who, n=n, mail=f"{who}@people.example"))
            session.add(Board(id=str(n), n=n))
            session.flush()
            session.add_all([Album(id=f"album-{who}", n=n, person_id=who), Note(id=f"note-{who}", n=n, person_id=who)])
            session.add(Member(id=f"{n}-{who}", n=n, board_id=str(n), person_id=who))
            session.flush()
            session.add(Picture(id=f"picture-{who}", n=n, album_id=f"album-{who}", prompt=b"boxed", details={"a": 1}))
        session.add_all([Board(id="3", n=3), Note(id="house", n=3, person_id=None), Setting(id="one", n=1)])
        session.flush()
        session.add_all([Member(id=f"{n}-ada", n=9, board_id=str(n), person_id="ada") for n in (1, 2)])
        session.flush()
        records.answer(session, "ada", "taste", "consent", True, "test", stated, NOW)
        records.answer(session, "ben", "guard", "objection", True, "test", stated, NOW)
        restriction.restrict(session, "cleo", "accuracy", by="staff", now=NOW)
    return Purposes(engine, CATALOG, stated)
