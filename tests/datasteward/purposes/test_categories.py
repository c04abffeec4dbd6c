"""What a purpose does not cover is neither read nor written nor asked about, and SQL that cannot be checked does not run."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    DDL,
    Column,
    Engine,
    Executable,
    Function,
    MetaData,
    String,
    Table,
    cast,
    collate,
    column,
    extract,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased, defer, load_only
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import UserDefinedType
from support.albums import CATALOG, NOW, Album, Person, Picture, Setting

from datasteward.audit import log as audit
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes, raw

MAIL = "user.contact.email"
PROMPT = "user.content.private.prompt"
DEVICE = "user.device"


class MoreThanAType(UserDefinedType[int]):
    """A type whose SQL goes on behind it."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The SQL of the type."""
        return "INTEGER), (SELECT mail FROM person LIMIT 1), CAST(1 AS INTEGER"


def uncovered() -> dict[str, tuple[Executable, str]]:
    """Statements that touch a column which `taste` does not cover, and its category."""
    a, p = aliased(Picture), Picture.__table__
    return {
        "load": (select(Person), MAIL),
        "select": (select(Person.mail), MAIL),
        "deferred": (select(Picture.prompt), PROMPT),
        "json": (select(Picture.details), DEVICE),
        "a key of json": (select(Picture.details["device"]), DEVICE),
        "alias": (select(a.prompt), PROMPT),
        "where": (select(Person.id).where(Person.mail == "ada@people.example"), MAIL),
        "order": (select(Person.id).order_by(Person.mail), MAIL),
        "group": (select(func.count(Person.id)).group_by(Person.mail), MAIL),
        "having": (select(Person.id).group_by(Person.id).having(func.max(Person.mail) > "a"), MAIL),
        "join": (select(Album.id).join(Person, Person.mail == Album.id), MAIL),
        "function": (select(func.length(Person.mail)), MAIL),
        "sub-select": (select(select(Person.mail).subquery().c.mail), MAIL),
        "cte": (select(select(Person.mail).cte().c.mail), MAIL),
        "union": (union(select(Person.id), select(Person.mail)), MAIL),
        "correlated": (
            select(Album.id, select(Person.mail).where(Person.id == Album.person_id).scalar_subquery()),
            MAIL,
        ),
        "in": (select(Album.id).where(Album.id.in_(select(Person.mail))), MAIL),
        "insert": (insert(Person).values(id="dora", n=1, mail="dora@people.example"), MAIL),
        "insert from select": (
            insert(Person).from_select(["id", "n", "mail"], select(Album.id, Album.n, Album.id)),
            MAIL,
        ),
        "update": (update(Person).values(mail=None), MAIL),
        "core update": (update(p).values(prompt=b""), PROMPT),
        "update by a value": (update(Person).values(n=func.length(Person.mail)), MAIL),
        "update where": (update(Person).where(Person.mail.is_(None)).values(n=1), MAIL),
        "returning": (update(Person).values(n=1).returning(Person.mail), MAIL),
    }


@pytest.mark.parametrize("kind", uncovered())
def test_a_column_of_another_category_is_refused_everywhere(kind: str, purposes: Purposes) -> None:
    """Loading, asking by, joining on or writing it raises an error that names purpose, category and policy line."""
    statement, category = uncovered()[kind]
    where = (
        rf"The purpose taste does not cover {category}, which \w+\.\w+ holds \(purposes.yaml:7\): leave the column out"
    )
    with purposes.session("taste", actor="test") as session, pytest.raises(PurposeError, match=where):
        session.execute(statement)
    with purposes.session("serve", actor="test") as session:
        session.execute(statement)


def test_the_shipped_policies_are_named_by_their_line(engine: Engine, stated: PolicySet) -> None:
    """The place in the error is where the purpose stands in policies/purposes.yaml."""
    lines = (stated.directory / "purposes.yaml").read_text().splitlines()
    written = lines.index("  improve:") + 1
    assert stated.where("purposes.yaml", ("purposes", "improve")) in {
        f"purposes.yaml:{written}",
        f"purposes.yaml:{written + 1}",
    }


def test_objects_are_loaded_without_what_is_not_covered(purposes: Purposes) -> None:
    """An entity is loaded by the columns that are covered; the rest raises when it is touched, and when it is flushed."""
    with purposes.session("taste", actor="test") as session:
        person = session.scalars(select(Person).options(load_only(Person.id, Person.n))).one()
        assert session.scalars(select(Person).options(defer(Person.mail))).one() is person
        picture = session.scalars(select(Picture)).one()
        for entity, name in ((person, "mail"), (picture, "prompt"), (picture, "details")):
            with pytest.raises(PurposeError):
                getattr(entity, name)
        person.n = 5
        session.flush()
        person.mail = "new@people.example"
        with pytest.raises(PurposeError, match=MAIL):
            session.flush()


def test_an_upsert_writes_no_other_category(purposes: Purposes, engine: Engine) -> None:
    """Neither by the name of a column nor by the column, nor by what was to be inserted."""
    make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    added = make(Person).values(id="ada", n=1)
    for changes in ({"mail": "x"}, {Person.__table__.c.mail: "x"}, {"n": func.length(added.excluded.mail)}):
        statement = added.on_conflict_do_update(index_elements=["id"], set_=changes)
        with purposes.session("taste", actor="test") as session, pytest.raises(PurposeError, match=MAIL):
            session.execute(statement)


def test_a_whole_row_as_a_value_is_all_its_columns(purposes: Purposes, engine: Engine) -> None:
    """A function of a row sees the columns that are not covered, and is refused."""
    with purposes.session("taste", actor="test") as session, pytest.raises(PurposeError, match=MAIL):
        session.execute(select(func.row_to_json(Person.__table__.table_valued())))


UNKNOWN = Table("person", MetaData(), Column("id", String))


@pytest.mark.parametrize(
    "statement",
    [
        select(UNKNOWN.c.id),
        select(func.count()).select_from(UNKNOWN),
        select(table("person", column("mail"))),
        insert(UNKNOWN),
        insert(UNKNOWN).values(id="x"),
        update(UNKNOWN).values(id="x"),
        update(UNKNOWN.alias()).values(id="x"),
        UNKNOWN.delete(),
    ],
    ids=str,
)
def test_a_table_that_the_catalog_does_not_know_is_refused(statement: Any, purposes: Purposes) -> None:
    """Of what nobody tagged nobody can say what it may be used for, whatever its name."""
    with (
        purposes.session("law", actor="test") as session,
        pytest.raises(PurposeError, match=r"catalog knows no table|alias"),
    ):
        session.execute(statement)


def written() -> dict[str, Executable]:
    """Statements with text in them."""
    return {
        "text": text("SELECT mail FROM person"),
        "textual select": text("SELECT mail FROM person").columns(Person.mail),
        "from": select(literal(1)).select_from(text("person")),
        "where": select(Person.id).where(text("mail IS NOT NULL")),
        "order": select(Person.id).order_by(text("person.mail")),
        "literal column": select(literal_column("mail")).select_from(Person),
        "star": select(literal_column("*")).select_from(Person),
        "star of a function": select(func.max(literal_column("mail"))).select_from(Person),
        "bare name": select(column("mail")).select_from(Person),
        "operator": select(Person.id).where(Person.n.op("IS NULL OR mail IS NOT NULL OR 1 =")(1)),
        "comment": select(Person.id).where(Person.n.op("=--")(1)),
        "prefix": insert(Setting).prefix_with("OR REPLACE").values(id="one", n=1),
        "suffix": select(Person.id).suffix_with("UNION SELECT mail FROM person"),
        "hint": select(Person.id).with_statement_hint("UNION SELECT mail FROM person"),
        "ddl": DDL("DELETE FROM person"),
        "field of extract": select(
            extract("epoch FROM now()), (SELECT mail FROM person LIMIT 1), extract(epoch", func.now())
        ),
        "label": select(Person.id.label(quoted_name("x, (SELECT mail FROM person LIMIT 1) AS y", False))),
        "alias": select(Person.id).select_from(Person.__table__.alias(quoted_name("p, person", False))),
        "type": select(cast(Person.n, MoreThanAType())),
        "collation": select(collate(Person.id, quoted_name('"C", (SELECT mail FROM person LIMIT 1)', False))),
    }


def functions() -> dict[str, Executable]:
    """Statements with functions that see more than they are given."""
    return {
        "query": select(func.query_to_xml("SELECT mail FROM person", True, True, "")),
        "statistics": select(func.ts_stat("SELECT to_tsvector(mail) FROM person").table_valued("word")),
        "file": select(func.pg_read_file("PG_VERSION")),
        "setting": select(func.set_config("role", "postgres", False)),
        "package": select(func.pg_catalog.pg_read_file("PG_VERSION")),
        "extension": select(func.load_extension("evil")),
        "name": select(Function(quoted_name("max(1), (SELECT mail FROM person LIMIT 1), max", False), 1)),
        "inside": select(func.max(func.lo_get(1))).select_from(Person),
    }


@pytest.mark.parametrize("kind", functions())
def test_a_function_that_may_see_more_is_refused(kind: str, purposes: Purposes) -> None:
    """Whatever is not known to see its arguments alone."""
    with purposes.session("law", actor="test") as session, pytest.raises(PurposeError, match=r"calls no function"):
        session.execute(functions()[kind])


@pytest.mark.parametrize("kind", written())
def test_text_is_refused(kind: str, purposes: Purposes) -> None:
    """SQL that was written as text, in whole or in part, does not run."""
    with purposes.session("law", actor="test") as session, pytest.raises(PurposeError, match="no SQL written as text"):
        session.execute(written()[kind])


def test_strings_to_the_driver_are_refused(purposes: Purposes) -> None:
    """So is exec_driver_sql, but for what opens and ends a transaction."""
    with purposes.engine("law").connect() as connection:
        with pytest.raises(PurposeError, match="no SQL written as text"):
            connection.exec_driver_sql("SELECT mail FROM person")
        with pytest.raises(PurposeError, match="no SQL written as text"):
            connection.exec_driver_sql("BEGIN; SELECT mail FROM person")


def test_the_escape_lets_text_pass_and_is_written_down(purposes: Purposes, engine: Engine, stated: PolicySet) -> None:
    """Inside of the block, on this session alone; the audit log has who, for what purpose and why; after it all is as before."""
    mails = text("SELECT count(mail) FROM person")
    with purposes.session("taste", actor="job-7") as session, purposes.session("taste", actor="job-8") as other:
        with raw(session, "ticket-311", now=NOW):
            assert session.scalar(mails) == 3
            with raw(session, "nested", now=NOW), pytest.raises(PurposeError, match=MAIL):
                session.execute(select(Person.mail))
            assert session.scalar(mails) == 3
            with pytest.raises(PurposeError, match="as text"):
                other.execute(mails)
        with pytest.raises(PurposeError, match="as text"):
            session.execute(mails)
        session.commit()
    with Session(engine) as plain:
        _, entry = audit.entries(plain, acts=["purpose.raw"])
        assert (entry.actor, audit.facts(entry)) == (
            "job-7",
            {"policy": stated.hash, "purpose": "taste", "why": "ticket-311"},
        )
        with pytest.raises(PurposeError, match="no purpose or no actor"), raw(plain, "why", now=NOW):
            pass


def test_actions_are_audited_from_every_purpose(purposes: Purposes) -> None:
    """An entry of the audit log can be added for whatever purpose data was opened."""
    for purpose in ("serve", "guard", "taste", "law"):
        with purposes.session(purpose, actor="test") as session, session.begin():
            audit.append(session, "test.done", actor="test", subject="cleo", now=NOW)
            assert audit.verify(session).broken_at is None


def test_a_purpose_that_is_not_stated_opens_nothing(purposes: Purposes) -> None:
    """A purpose is one of the policies."""
    with pytest.raises(PurposeError, match="There is no purpose 'curiosity'"):
        purposes.session("curiosity", actor="test")


def test_every_shipped_purpose_has_a_view_of_the_catalog(engine: Engine, stated: PolicySet) -> None:
    """Each purpose of policies/purposes.yaml reads what it covers and nothing else, column by column."""
    from datasteward.policy import covers, load

    shipped = load(stated.directory)
    opened = Purposes(engine, CATALOG, shipped)
    for purpose in shipped.purposes.values():
        with opened.session(purpose.id, actor="test") as session:
            for each in CATALOG.tables:
                for one in each.c:
                    tags = CATALOG.tag(one)
                    wanted = {tags.category, *(tag.category for tag in tags.paths.values())}
                    allowed = all(key.startswith("system") or covers(purpose.categories, key) for key in wanted)
                    try:
                        session.execute(select(one))
                    except PurposeError:
                        assert not allowed, (purpose.id, one)
                    else:
                        assert allowed, (purpose.id, one)
