"""The catalog: an untagged column stops the start, roads lead to the person at any depth, and types agree with the policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, LargeBinary, MetaData, String, Table, create_engine, insert, select
from support.checked import OPS, key

from datasteward import tables
from datasteward.catalog import Catalog, checks, is_subject, nobody, owned_by, owned_via, record, tag, within
from datasteward.errors import CatalogError
from datasteward.policy import PolicySet
from datasteward.types import BlindIndex, Sealed
from gptimages import all_models, installation
from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import Settings

ROOT = Path(__file__).parents[3]


def chain(depth: int) -> MetaData:
    """A person, a table of theirs, and `depth` tables that each hang on the one before."""
    made = MetaData()
    Table("person", made, key(), info=record("user.account", is_subject("id")))
    Table("level0", made, key(), Column("who", String, info=OPS), info=record("user.account", owned_by("who")))
    for n in range(1, depth + 1):
        up = Column("up", String, ForeignKey(f"level{n - 1}.id"), info=OPS)
        Table(f"level{n}", made, key(), up, info=record("user.account", owned_via("up")))
    return made


def test_the_service_is_tagged_to_the_last_column() -> None:
    """Every column of the service and the toolkit has a category, every table a road or a reason."""
    found = installation.catalog()
    assert all(found.tag(column).category for table in found.tables for column in table.columns)
    assert all(found.record(table).roads[0].reason for table in found.tables if table not in set(found.personal()))


def test_an_untagged_column_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not open, and nothing is written, while a column of it is not tagged."""
    added = MetaData()
    Table("letter", added, key(), Column("text", String), info=record("user.account", nobody("a test")))
    with pytest.raises(CatalogError, match=r"letter\.text has no data category"):
        Catalog(added)
    monkeypatch.setattr(all_models, "metadata", added)
    settings = Settings(data=tmp_path / "data", policies=ROOT / "policies", demo=True)
    with pytest.raises((CatalogError, StartError), match=r"letter\.text"):
        open_installation(settings)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (record("user.account", owned_by("nowhere")), "names a column nowhere"),
        (record("user.account", owned_by("who"), clocks={"created": "when"}), "names a column when"),
        (record("user.account", owned_by("who"), country="land"), "names a column land"),
        (record("user.account", owned_via("who")), "is no foreign key"),
    ],
)
def test_a_road_or_clock_that_leads_nowhere_is_named(told: dict[object, object], sentence: str) -> None:
    """What a table says of itself has to be there."""
    made = MetaData()
    Table("letter", made, key(), Column("who", String, info=OPS), info=told)
    with pytest.raises(CatalogError, match=sentence):
        Catalog(made)


def test_a_column_kept_out_of_the_export_needs_a_reason() -> None:
    """Nobody is kept from their data without being told why."""
    with pytest.raises(ValueError, match="why_not"):
        tag("user.account", export=False)
    assert tag("user.account", export=False, why_not="a reason")


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_a_road_is_found_at_any_depth(depth: int) -> None:
    """Rows any number of tables away belong to their person, and to nobody else."""
    made = chain(depth)
    found = Catalog(made)
    engine = create_engine("sqlite://")
    made.create_all(engine)
    with engine.begin() as connection:
        for who in ("ada", "ben"):
            connection.execute(insert(made.tables["person"]), {"id": who})
            connection.execute(insert(made.tables["level0"]), {"id": f"{who}0", "who": who})
            for n in range(1, depth + 1):
                connection.execute(insert(made.tables[f"level{n}"]), {"id": f"{who}{n}", "up": f"{who}{n - 1}"})
        last = made.tables[f"level{depth}"]
        mine = connection.scalars(select(last.c.id).where(found.belonging_to(last, "ada"))).all()
        owners = {
            f"{who}{depth}": connection.scalars(found.subjects(last, last.c.id == f"{who}{depth}")).all()
            for who in ("ada", "ben")
        }
    engine.dispose()
    assert mine == [f"ada{depth}"]
    assert owners == {f"ada{depth}": ["ada"], f"ben{depth}": ["ben"]}


def test_a_table_of_nobody_has_no_subject() -> None:
    """Asking for the person of a row that belongs to nobody is an error, not an empty answer."""
    made = MetaData()
    table = Table("letter", made, key(), info=record("system.operations", nobody("a test")))
    with pytest.raises(CatalogError, match="belongs to nobody"):
        Catalog(made).subjects(table, table.c.id == "one")
    with pytest.raises(CatalogError, match="knows no table"):
        Catalog(made).table("drawer")


def test_tables_come_after_those_they_refer_to() -> None:
    """The order of the catalog is one in which rows can be written, and backwards deleted."""
    found = Catalog(all_models.metadata, tables.metadata)
    seen: set[str] = set()
    for table in found.tables:
        assert {key.column.table.name for key in table.foreign_keys} - {table.name} <= seen, table.name
        seen.add(table.name)


def test_what_hangs_on_a_table_is_known() -> None:
    """Every foreign key is found from the table that it points at."""
    found = Catalog(chain(2))
    assert [key.table.name for key in found.dependents(found.table("level0"))] == ["level1"]
    assert found.dependents(found.table("level2")) == []


@pytest.mark.parametrize(
    ("category", "ancestor", "is_within"),
    [
        ("user.name", "user", True),
        ("user.name", "user.name", True),
        ("user.names", "user.name", False),
        ("user", "user.name", False),
    ],
)
def test_a_category_lies_within_its_ancestors(category: str, ancestor: str, is_within: bool) -> None:
    """By whole words of the key, never by letters."""
    assert within(category, ancestor) is is_within


@pytest.mark.parametrize(
    ("kind", "category", "sentence"),
    [
        (LargeBinary(), "user.contact.email", "wants user.contact.email encrypted"),
        (Sealed(), "user.account", "leaves user.account in the clear"),
    ],
)
def test_a_column_that_disagrees_on_encryption_is_named(
    shipped: PolicySet, kind: LargeBinary | Sealed, category: str, sentence: str
) -> None:
    """Cleartext where the policy wants ciphertext, and the other way round, stop the start with the column's name."""
    made = MetaData()
    Table(
        "letter", made, key(), Column("text", kind, info=tag(category)), info=record("user.account", nobody("a test"))
    )
    with pytest.raises(CatalogError, match=sentence) as found:
        checks.require(Catalog(made), shipped)
    assert "letter.text" in str(found.value)


def test_a_blind_index_is_no_cleartext(shipped: PolicySet) -> None:
    """Beside a sealed column stands its index, of the same category, which nobody reads without a key."""
    made = MetaData()
    index = Column("email_index", BlindIndex("email"), info=tag("user.contact.email"))
    Table("letter", made, key(), index, info=record("user.account", nobody("a test")))
    checks.require(Catalog(made), shipped)
