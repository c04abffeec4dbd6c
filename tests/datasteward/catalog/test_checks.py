"""The checks of models and policies: what is forgotten is found with its line, all of it at once, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from support.checked import ID, OPS, found, key

from datasteward.catalog import Catalog, checks, nobody, owned_by, record, tag
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet
from gptimages import all_models, installation
from gptimages.installation import open_installation
from gptimages.settings import Settings

HERE = Path(__file__)


def line_of(text: str) -> int:
    """The line of this file that has the text, the first one."""
    return next(n for n, line in enumerate(HERE.read_text().splitlines(), 1) if text in line)


class Base(DeclarativeBase):
    """Tables with a fault each, apart from everything else."""


class Forgotten(Base):
    """A table with a column that nobody tagged."""

    __tablename__ = "forgotten"
    __table_args__ = {"info": record("system.operations", nobody("a test"))}  # noqa: RUF012

    id: Mapped[str] = mapped_column(primary_key=True, info=OPS)
    untagged_here: Mapped[str]


class Unspoken(Base):
    """A table that nobody spoke for."""

    __tablename__ = "unspoken"

    id: Mapped[str] = mapped_column(primary_key=True, info=OPS)


def test_nothing_is_wrong_with_the_service(shipped: PolicySet) -> None:
    """The service's own tables pass every check that is made at its start."""
    assert checks.of(installation.catalog(), shipped) == []


def test_a_finding_names_the_line_of_the_column_and_of_the_table(shipped: PolicySet) -> None:
    """Where something was forgotten no tag can remember its place: it is found in the source of the class."""
    told = checks.of(Catalog(Base.metadata, faulty=True), shipped)
    assert [(Path(f.file), f.line, f.what) for f in told] == [
        (HERE, line_of("untagged_here: "), "the column forgotten.untagged_here has no data category"),
        (HERE, line_of("class Unspoken"), "the table unspoken does not say whose its rows are"),
    ]
    assert str(told[0]).startswith(f"{HERE}:{told[0].line}: the column forgotten.untagged_here")


def test_the_line_of_a_plain_table_is_found(people: MetaData, shipped: PolicySet) -> None:
    """Tables without a class are found by their name, too."""
    Table("drawer", people, key(), Column("plainly_untagged", String), info=record("system.operations", nobody("test")))
    told = checks.of(Catalog(people, faulty=True), shipped)
    assert [f.line for f in told] == [line_of('Column("plainly_untagged"')]


def test_everything_is_said_at_once(people: MetaData, shipped: PolicySet) -> None:
    """A column without a tag hides nothing that is wrong elsewhere."""
    Table("drawer", people, key(), Column("text", String))
    Table("note", people, key(), Column("who", String, info=ID), info=record("user.acount", owned_by("who")))
    Table(
        "mail",
        people,
        key(),
        Column("to", LargeBinary, info=tag("user.contact.email")),
        info=record("user.account", nobody("a test")),
    )
    told = "\n".join(found(people, shipped))
    for part in (
        "drawer.text has no",
        "drawer does not say",
        "note is nobody's",
        "'user.acount'",
        "wants user.contact",
    ):
        assert part in told
    with pytest.raises(CatalogError) as stop:
        checks.require(Catalog(people, faulty=True), shipped)
    assert len(str(stop.value).splitlines()) == 5


def test_a_table_in_a_database_schema_is_found(shipped: PolicySet) -> None:
    """The checks of the database look in one schema alone, and tables are known by their bare names."""
    made = MetaData(schema="app")
    Table("drawer", made, key(), info=record("system.operations", nobody("a test")))
    assert found(made, shipped) == [
        "the table drawer stands in the database schema app, where no check of the database looks"
    ]


def test_the_start_makes_the_same_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: MetaData) -> None:
    """Before anything can be stored: no directory, no key and no database is made."""
    Table("note", people, key(), Column("who", String, info=ID), info=record("user.account", owned_by("who")))
    monkeypatch.setattr(all_models, "metadata", people)
    settings = Settings(data=tmp_path / "data", policies=HERE.parents[3] / "policies", demo=True)
    with pytest.raises(CatalogError, match=r"test_checks\.py:\d+: a row of note is nobody's when who is empty"):
        open_installation(settings)
    assert not (tmp_path / "data").exists()
