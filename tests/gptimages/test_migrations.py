"""The migrations: they make the tables that the models describe, on both databases, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, text

from datasteward.audit import log as audit
from gptimages import installation, schema
from gptimages.db import Database
from gptimages.errors import StartError

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database without tables, of each kind."""
    db = Database(database_url)
    yield db
    db.close()


def alembic(db: Database, what: str, *words: str) -> None:
    """Runs an Alembic command as an operator would."""
    config = schema.alembic_config()
    with db.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        getattr(command, what)(config, *words)


def structure(connection: Connection) -> dict[str, list[object]]:
    """Tables with their columns, keys and indexes, as the database itself tells them."""
    found = inspect(connection)
    return {
        table: [
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            sorted((k["name"] or "", k["referred_table"], str(k["options"])) for k in found.get_foreign_keys(table)),
            sorted((i["name"] or "", i["column_names"], i["unique"]) for i in found.get_indexes(table)),
        ]
        for table in sorted(found.get_table_names())
    }


def test_the_migrations_make_what_the_models_say(empty: Database) -> None:
    """After all migrations, `alembic check` finds nothing that a model says and the database does not have."""
    schema.migrate(empty)
    alembic(empty, "check")


def test_every_table_of_the_catalog_is_there(empty: Database) -> None:
    """The database has the tables of the catalog, each with its columns, and Alembic's own beside them."""
    schema.migrate(empty)
    found = inspect(empty.engine)
    told = {table.name: set(table.c.keys()) for table in installation.catalog().tables}
    assert {name: {c["name"] for c in found.get_columns(name)} for name in told} == told
    assert set(found.get_table_names()) == {*told, "alembic_version"}


def test_back_to_nothing_and_up_again_gives_the_same(empty: Database) -> None:
    """A downgrade to the beginning leaves no table of ours, and going up again makes what was there before."""
    schema.migrate(empty)
    with empty.engine.connect() as connection:
        before = structure(connection)
    alembic(empty, "downgrade", "base")
    assert set(inspect(empty.engine).get_table_names()) == {"alembic_version"}
    schema.migrate(empty)
    with empty.engine.connect() as connection:
        assert structure(connection) == before


def test_a_failing_migration_leaves_the_database_as_it_was(empty: Database) -> None:
    """A migration that breaks half-way is undone as a whole, so that the next start can try again."""

    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("CREATE INDEX"):
            raise RuntimeError("broken on purpose")

    event.listen(empty.engine, "before_cursor_execute", fail)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        schema.migrate(empty)
    event.remove(empty.engine, "before_cursor_execute", fail)
    assert inspect(empty.engine).get_table_names() == []
    schema.migrate(empty)
    alembic(empty, "check")


def test_migrating_twice_changes_nothing(empty: Database) -> None:
    """A database that is up to date is left alone, its data with it."""
    schema.migrate(empty)
    with empty.write() as session:
        audit.append(session, "test.done", actor="tests", now=NOW)
    schema.migrate(empty)
    with empty.read() as session:
        assert audit.verify(session) == audit.Verdict(1, None)


def test_a_newer_database_is_not_opened(empty: Database) -> None:
    """A database with a revision that this version does not know is refused in one sentence."""
    schema.migrate(empty)
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(StartError, match="newer version of the service: install that version"):
        schema.migrate(empty)


def test_there_is_one_head(empty: Database) -> None:
    """The revisions form one line, and a migrated database stands at its end."""
    schema.migrate(empty)
    heads = ScriptDirectory.from_config(schema.alembic_config()).get_heads()
    with empty.engine.connect() as connection:
        assert [MigrationContext.configure(connection).get_current_revision()] == heads
