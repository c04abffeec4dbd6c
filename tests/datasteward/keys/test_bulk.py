"""Sealing and revealing many rows at once, and whose a row is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from datasteward.catalog import is_subject, owned_by, owned_via, record
from datasteward.crypto import Keyset, KeysetKind
from datasteward.errors import AccessRefused, DecryptionFailed, KeyMissing
from datasteward.keys import Box, KeyStore, Vault, context_for, reveal, reveal_all, seal, seal_all
from datasteward.types import Sealed


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    __table_args__ = ({"info": record("user", is_subject("id"))},)
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[Box | None] = mapped_column(Sealed())


class Run(Base):
    __tablename__ = "generation"
    __table_args__ = ({"info": record("user", owned_by("person_id"))},)
    id: Mapped[int] = mapped_column(primary_key=True)
    whose: Mapped[str] = mapped_column("person_id", String(40))
    words: Mapped[Box | None] = mapped_column("prompt", Sealed())
    note: Mapped[Box | None] = mapped_column(Sealed())
    pictures: Mapped[list[Picture]] = relationship(back_populates="run")


class Picture(Base):
    __tablename__ = "picture"
    __table_args__ = ({"info": record("user", owned_via("run_id"))},)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    caption: Mapped[Box | None] = mapped_column(Sealed())
    run: Mapped[Run | None] = relationship(back_populates="pictures")


class Report(Base):
    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    keyset: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[Box | None] = mapped_column(Sealed(under="keyset"))


FIELDS = ("words", "note")
TEXTS = st.one_of(st.none(), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
ROWS = st.lists(st.tuples(st.sampled_from(["ada", "ben"]), st.tuples(TEXTS, TEXTS)), max_size=12)


@given(told=ROWS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_at_once_is_what_one_by_one_gives(vault: Vault, told: list[tuple[str, tuple[str | None, ...]]]) -> None:
    """Whatever rows of whatever people: order and None kept, each value as `reveal` gives it, and as `seal` sealed it."""
    rows = [Run(id=number, whose=who) for number, (who, _) in enumerate(told)]
    seal_all(vault, rows, FIELDS, [texts for _, texts in told])
    assert reveal_all(vault, rows, FIELDS) == [texts for _, texts in told]
    assert [tuple(reveal(vault, row, field) for field in FIELDS) for row in rows] == [texts for _, texts in told]
    for row, (_, (words, _note)) in zip(rows, told, strict=True):
        if words is not None:
            seal(vault, row, "words", words)
    assert reveal_all(vault, rows, ["words"]) == [(words,) for _, (words, _) in told]


def test_rows_of_a_statement_are_opened_by_their_columns(session: Session, vault: Vault) -> None:
    """Of the ORM's columns and of Core's, with other names in Python or the same; expired instances are loaded."""
    rows = [Run(id=number, whose=("ada", "ben")[number % 2]) for number in range(5)]
    seal_all(vault, rows, FIELDS, [(f"words {row.id}", None) for row in rows])
    session.add_all(rows)
    session.commit()
    expected = [(None, f"words {number}") for number in range(5)]
    table = Run.__table__
    found = session.execute(select(Run.note, Run.words, Run.id, Run.whose).order_by(Run.id)).all()
    assert reveal_all(vault, found, [Run.note, Run.words]) == expected
    assert reveal_all(vault, found, [table.c.note, Run.words]) == expected
    raw = session.execute(select(table).order_by(table.c.id)).all()
    assert reveal_all(vault, raw, [table.c.note, table.c.prompt]) == expected
    assert reveal_all(vault, rows, ["note", "words"]) == expected
    only = session.execute(select(Run.words, Run.id).where(Run.id == 2)).all()
    assert reveal_all(vault, only, [Run.words], subject="ada") == [("words 2",)]
    with pytest.raises(ValueError, match=r"Select generation\.person_id too"):
        reveal_all(vault, only, [Run.words])


def test_a_persons_key_is_fetched_once(vault: Vault, key_store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However their rows are mixed, and though the vault keeps no key, the key store is asked once for each person."""
    rows = [Run(id=number, whose=("ada", "ben")[number % 2]) for number in range(20)]
    asked: list[str] = []
    fetch = key_store.opened
    monkeypatch.setattr(key_store, "opened", lambda who: asked.append(who) or fetch(who))  # type: ignore[func-returns-value]
    forgetful = Vault(key_store, cache_seconds=0)
    seal_all(forgetful, rows, FIELDS, [("a", "b")] * 20)
    assert asked == ["ada", "ben"]
    assert reveal_all(forgetful, rows, FIELDS) == [("a", "b")] * 20
    assert asked == ["ada", "ben"] * 2


def test_no_more_people_at_once_than_the_vault_opens(key_store: KeyStore) -> None:
    """Two people's words come where two are the most; a third one's with them give nothing."""
    vault, runs = (
        Vault(key_store, at_once=2),
        [Run(id=n, whose=name) for n, name in enumerate(("ada", "ben", "ada", "eve"))],
    )
    for run in runs:
        vault.create(run.whose)
        seal(vault, run, "words", run.whose)
    assert reveal_all(vault, runs[:3], ["words"]) == [("ada",), ("ben",), ("ada",)]
    with pytest.raises(AccessRefused, match="more than 2 people"):
        reveal_all(vault, runs, ["words"])


@pytest.mark.parametrize("harm", ["another key", "changed", "cut", "empty", "another row", "another column"])
def test_one_damaged_value_gives_nothing(vault: Vault, harm: str) -> None:
    """One field that was not sealed for its place fails the call, like `reveal`."""
    rows = [Run(id=number, whose="ada") for number in range(3)]
    seal_all(vault, rows, FIELDS, [("one", "two")] * 3)
    sealed = rows[1].words.ciphertext if rows[1].words else b""
    stranger = Keyset.random(KeysetKind.FIELDS).primary.to_bytes(4, "big")
    rows[1].words = {
        "another key": Box(sealed[:1] + stranger + sealed[5:]),
        "changed": Box(sealed[:-1] + bytes([sealed[-1] ^ 1])),
        "cut": Box(sealed[:9]),
        "empty": Box(b""),
        "another row": rows[0].words,
        "another column": rows[1].note,
    }[harm]
    with pytest.raises(DecryptionFailed, match="does not open"):
        reveal_all(vault, rows, FIELDS)


def test_bytes_are_no_text(vault: Vault) -> None:
    """What was sealed as bytes that are no text is said to be that, without a byte of it."""
    run = Run(id=1, whose="ada")
    seal(vault, run, "words", b"\xff\xfe")
    with pytest.raises(DecryptionFailed, match=r"read it with Vault\.reveal\.$"):
        reveal_all(vault, [run], ["words"])


def test_the_road_tells_whose_a_value_is(vault: Vault) -> None:
    """The subject itself, the owner's column, the row that a loaded relationship leads to, the column named by `under`."""
    run = Run(id=1, whose="ben")
    rows = [
        (Person(id="ada"), "name", "ada"),
        (run, "words", "ben"),
        (Picture(id=1, run_id=1, run=run), "caption", "ben"),
        (Report(id=1, keyset="ada"), "text", "ada"),
    ]
    for row, field, whose in rows:
        assert context_for(row, field).subject == whose
        seal_all(vault, [row], [field], [("words",)])
        assert reveal(vault, row, field) == reveal(vault, row, field, subject=whose) == "words"


@pytest.mark.parametrize("row", [Picture(id=1, run_id=1), Report(id=1), Run(whose="ada")], ids=["via", "under", "key"])
def test_a_row_that_tells_too_little_is_refused(vault: Vault, row: object) -> None:
    """Where the road's row is not loaded, the owner is empty or the key is not set, a sentence says what to do."""
    field = "words" if isinstance(row, Run) else "text" if isinstance(row, Report) else "caption"
    for wrong in (lambda: seal(vault, row, field, "words"), lambda: seal_all(vault, [row], [field], [("words",)])):
        with pytest.raises(ValueError, match=r"subject=|primary key"):
            wrong()


def test_rows_that_hold_nothing_keep_no_other_from_being_read(vault: Vault) -> None:
    """Emptied rows, of who has no keys any more or of nobody, read as `reveal` reads them; in their places."""
    full, gone, nobodys = Run(id=1, whose="ben"), Run(id=2, whose="gone"), Report(id=1)
    seal(vault, full, "words", "hello")
    rows = [gone, full, Run(id=3, whose="gone")]
    assert reveal_all(vault, rows, FIELDS) == [(None, None), ("hello", None), (None, None)]
    assert reveal_all(vault, [nobodys, Report(id=2)], ["text"]) == [(None,), (None,)]
    assert reveal_all(vault, [Picture(id=1, run_id=1)], ["caption"]) == [(None,)]
    assert reveal(vault, gone, "words") is reveal(vault, nobodys, "text") is None


def test_columns_of_two_tables_are_refused_and_no_rows_give_nothing(vault: Vault) -> None:
    """A call is about one table; of no rows there is nothing to ask for."""
    with pytest.raises(ValueError, match="one table"):
        reveal_all(vault, [Run(id=1, whose="ada")], [Run.words, Person.name])
    assert reveal_all(vault, [], FIELDS) == []
    with pytest.raises(KeyMissing):
        reveal_all(vault, [Run(id=1, whose="carla", words=Box(b""))], FIELDS)


def test_e6_no_initialisation_vector_comes_twice(vault: Vault) -> None:
    """Those of a row are drawn together, and each is its field's own; the same text never gives the same box."""
    rows = [Run(id=number, whose="ada") for number in range(1000)]
    seal_all(vault, rows, FIELDS, [("the same", "the same")] * 1000)
    boxes = [box.ciphertext for row in rows for box in (row.words, row.note) if box is not None]
    assert len({box[5:17] for box in boxes}) == len(boxes) == 2000
