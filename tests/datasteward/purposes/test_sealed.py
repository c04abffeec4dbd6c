"""A sealed value is revealed for no purpose that does not cover its column, wherever its row was loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, load_only, mapped_column
from support.albums import NOW
from support.views import filled

from datasteward.catalog import owned_by, record, tag
from datasteward.consent import records
from datasteward.errors import PurposeError
from datasteward.keys import Box, Vault, reveal, reveal_all, seal
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes
from datasteward.types import Sealed


class Base(DeclarativeBase):
    pass


class Letter(Base):
    __tablename__ = "letter"
    __table_args__ = ({"info": record("user.support", owned_by("person_id"))},)
    id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("system.operations"))
    person_id: Mapped[str] = mapped_column(String(40), info=tag("user.unique_id"))
    words: Mapped[Box] = mapped_column(Sealed(), info=tag("user.support"))


@pytest.fixture
def purposes(database_url: str, stated: PolicySet, vault: Vault) -> Iterator[Purposes]:
    """Views of a database with a letter of Ada: `serve` covers its words, `taste` the ids alone."""
    letter = Letter(id="one", person_id="ada")
    seal(vault, letter, "words", "dear all")
    with filled(database_url, stated, Base.metadata) as (views, session):
        session.add(letter)
        records.answer(session, "ada", "taste", "consent", True, "test", stated, NOW)
        session.commit()
        yield views


def merged(session: Session, letter: Letter) -> Letter:
    """The row as another session takes it over without loading."""
    return session.merge(letter, load=False)


def added(session: Session, letter: Letter) -> Letter:
    """The row itself, put into another session."""
    session.add(letter)
    return letter


def copied(session: Session, letter: Letter) -> Letter:
    """A row of the other session, which is given the box."""
    made = Letter(id=letter.id, person_id=letter.person_id, words=letter.words)
    session.add(made)
    return made


def hung(session: Session, letter: Letter) -> Letter:
    """The row as the other session loads it, without the words; then the box is put on it."""
    found = session.scalars(select(Letter).options(load_only(Letter.person_id))).one()
    found.words = letter.words
    return found


@pytest.mark.parametrize("carry", [merged, added, copied, hung])
@pytest.mark.parametrize(
    "read", [lambda v, row: reveal(v, row, "words"), lambda v, row: reveal_all(v, [row], ["words"])]
)
def test_a_box_is_not_carried_into_another_purpose(
    purposes: Purposes,
    vault: Vault,
    carry: Callable[[Session, Letter], Letter],
    read: Callable[[Vault, Letter], Any],
) -> None:
    """However a row with a loaded box comes into a session whose purpose does not cover it, it is not revealed there."""
    with purposes.session("serve", actor="test", expire_on_commit=False) as session:
        letter = session.scalars(select(Letter)).one()
        assert reveal(vault, letter, "words") == "dear all"
        assert reveal_all(vault, [letter], ["words"]) == [("dear all",)]
    with purposes.session("taste", actor="test") as session, session.no_autoflush:
        here = carry(session, letter)
        with pytest.raises(PurposeError, match=r"taste does not cover user\.support, which letter\.words"):
            read(vault, here)
        session.expunge_all()
    with purposes.session("law", actor="test") as session:
        assert reveal(vault, merged(session, letter), "words") == "dear all"


def test_a_purpose_loads_no_box_that_it_does_not_cover(purposes: Purposes, vault: Vault) -> None:
    """Neither at once nor later, when `reveal` would load it; in a session without a purpose nothing is asked."""
    with purposes.session("taste", actor="test") as session, pytest.raises(PurposeError):
        session.execute(select(Letter.id, Letter.person_id, Letter.words))
    with purposes.session("law", actor="test") as session:
        letter = session.scalars(select(Letter).options(load_only(Letter.person_id))).one()
        assert reveal_all(vault, [letter], ["words"]) == [("dear all",)]
    with Session(purposes._engine) as session:
        assert reveal(vault, session.scalars(select(Letter)).one(), "words") == "dear all"
