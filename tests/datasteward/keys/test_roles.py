"""A role that was granted the use of keys in a key store on PostgreSQL: it serves whom it names and lists nobody."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from support.postgres import PostgresServer

from datasteward.errors import KeyStoreError
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, Vault, migrations
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.database import about
from datasteward.keys.roles import RIGHTS, grant
from datasteward.keys.store import utc_now
from datasteward.keys.tables import VERSION, Use, key_store, subject_key

Open = Callable[[str], KeyStore]
LETTER = Context("ada", "letter", "words", "1")


@pytest.fixture
def owners_url(postgres: PostgresServer) -> Iterator[str]:
    """A database that belongs to a role which is no superuser, as this role."""
    url = postgres.owned("keeper")
    yield url
    postgres.drop(url)


@pytest.fixture
def open_at(tmp_path: Path, root_key: FileRootKey) -> Iterator[Open]:
    """Opens the key store at a URL, as another process would."""
    opened = []

    def make(url: str) -> KeyStore:
        opened.append(KeyStore(url, root_key, epochs=EpochDirectory(tmp_path / "epochs")))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def owner(owners_url: str, granted: Callable[[str], str], open_at: Open) -> KeyStore:
    """The store as its owner, with the keys of Ada and Ben."""
    granted(owners_url)
    store = open_at(owners_url)
    for name in ("ada", "ben"):
        Vault(store).create(name)
    return store


@pytest.fixture
def web_url(owner: KeyStore, postgres: PostgresServer) -> str:
    """The same store as the role `web`."""
    return postgres.as_role(str(owner.engine.url), "web")


@pytest.fixture
def web(web_url: str, open_at: Open) -> KeyStore:
    """The same store as the role `web`, as the service's web process opens it."""
    return open_at(web_url)


@pytest.fixture
def stranger(web_url: str) -> Iterator[Engine]:
    """Who has the URL of the role `web` and writes statements of their own."""
    engine = create_engine(web_url)
    yield engine
    engine.dispose()


def everything(engine: Engine) -> list[tuple[Any, ...]]:
    """What stands in the table of keysets, for whoever asks."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(subject_key).order_by(*subject_key.primary_key))]


def test_the_role_works_for_whom_it_names(owner: KeyStore, web: KeyStore) -> None:
    """It makes, seals, reveals, adds keys for records and erases; what it made the owner opens, and the other way round."""
    vault, owners = Vault(web, records={("invoice", "address")}), Vault(owner)
    box, carlas = owners.seal(LETTER, "dear"), Context("carla", "invoice", "address", "1")
    assert vault.reveal_text(LETTER, box) == "dear"
    vault.create("carla")
    assert owners.reveal_text(carlas, vault.seal(carlas, "a street")) == "a street"
    assert owner.has("carla", Use.RECORDS)
    assert vault.destroy("ada")
    assert vault.destroy("carla", Use.RECORDS)
    assert not vault.destroy("nobody")
    assert {row[0] for row in everything(owner.engine)} == {"ben", "carla"}


def test_it_lists_nobody_and_sees_one_whom_it_guesses(owner: KeyStore, web: KeyStore, stranger: Engine) -> None:
    """Without a name there is no row, after work in the same connection too; with one there are that person's alone."""
    Vault(owner).create("")
    assert everything(stranger) == []
    assert web.opened("ada")
    assert everything(web.engine) == []
    for guessed, seen in (("ben", {"ben"}), ("%", set()), ("", set()), ("ada' OR 'a'='a", set())):
        with about(stranger, guessed) as connection:
            assert set(connection.scalars(select(subject_key.c.subject))) == seen
    assert everything(stranger) == []


def test_it_asks_about_many_whom_it_names(owner: KeyStore, web: KeyStore, stranger: Engine) -> None:
    """As the owner does, and is told nobody else; a table of its own that has the name of the store's is not looked at."""
    asked = {(name, use) for name in ("ada", "carla", "%") for use in Use}
    assert web.having(asked) == owner.having(asked) == {("ada", Use.CONTENT)}
    with stranger.begin() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE subject_key (subject text, use text)")
        connection.exec_driver_sql("INSERT INTO subject_key VALUES ('carla', 'content')")
        told = connection.exec_driver_sql("SELECT subject FROM having_keys(ARRAY['ada', 'carla', NULL])")
        assert list(told.scalars()) == ["ada"]


def test_nobody_else_may_ask(owner: KeyStore, open_at: Open, postgres: PostgresServer) -> None:
    """A role that was not granted the use of keys is not told who has some."""
    other = create_engine(postgres.as_role(str(owner.engine.url), "passer-by"))
    with pytest.raises(DBAPIError, match="permission denied"), other.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM having_keys(ARRAY['ada'])")
    other.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE epoch SET ended_at = now()",
        "UPDATE epoch SET id = 'another'",
        "UPDATE epoch SET id = id",
        "DELETE FROM epoch",
        "INSERT INTO epoch (id, begun_at) VALUES ('mine', now())",
        "UPDATE key_store SET root_key = 'mine'",
        "DELETE FROM key_store",
        "TRUNCATE subject_key",
        "TRUNCATE epoch",
        "ALTER TABLE subject_key DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE subject_key OWNER TO web",
        "DROP POLICY one_subject ON subject_key",
        "CREATE POLICY mine ON subject_key USING (true)",
        "CREATE TABLE mine (id integer)",
        "SET ROLE keeper",
        "SET row_security = off; SELECT * FROM subject_key",
        "CREATE OR REPLACE VIEW keyset_age AS SELECT * FROM subject_key",
        "INSERT INTO subject_key SELECT 'eva', use, keyset, wrapped, epoch, version, created_at FROM subject_key",
        "UPDATE subject_key SET subject = 'eva'",
        "UPDATE subject_key SET epoch = 'another'",
    ],
)
def test_what_it_may_not_do(owner: KeyStore, stranger: Engine, statement: str) -> None:
    """It begins and ends no epoch, changes no root key, empties nothing, and cannot turn the rules off or move rows."""
    before = everything(owner.engine)
    with (
        pytest.raises(DBAPIError, match=r"permission denied|must be owner|row-level security"),
        about(stranger, "ada") as connection,
    ):
        connection.exec_driver_sql(statement)
    assert everything(owner.engine) == before


def test_others_are_neither_overwritten_nor_deleted(owner: KeyStore, stranger: Engine) -> None:
    """A statement for everybody touches the one who is named."""
    with about(stranger, "ada") as connection:
        assert connection.execute(update(subject_key).values(wrapped=b"noise")).rowcount == 2
        assert connection.exec_driver_sql("DELETE FROM subject_key").rowcount == 2
    assert {row[0] for row in everything(owner.engine)} == {"ben"}


def test_neither_dump_nor_statistics_tell_anybody(
    owner: KeyStore, web_url: str, stranger: Engine, postgres: PostgresServer
) -> None:
    """pg_dump fails, COPY gives nothing, and what the planner has gathered of the ids is not shown."""
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE subject_key")
    with stranger.connect() as connection, connection.connection.cursor() as cursor:
        with cursor.copy("COPY subject_key TO STDOUT") as copied:
            assert list(copied) == []
        assert connection.exec_driver_sql("SELECT * FROM pg_stats WHERE tablename = 'subject_key'").all() == []
    url = make_url(web_url)
    words = [
        postgres.programs / "pg_dump",
        "-h",
        postgres.directory,
        "-U",
        "web",
        "-t",
        "subject_key",
        str(url.database),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "row-level security" in done.stderr
    assert "ada" not in done.stdout


def test_it_counts_what_the_owner_counts(owner: KeyStore, web: KeyStore) -> None:
    """Persons, versions, ages, epochs and what is due are the same numbers, and the views name nobody."""
    Vault(owner).standing("nobody")
    KeyAdmin(Changing(owner, per_second=100)).begin_epoch()
    late = utc_now() + timedelta(days=1)
    assert Vault(web).count() == Vault(owner).count() == 2
    assert Vault(web).state(made_before=late) == Vault(owner).state(made_before=late)
    assert Vault(web).state(made_before=late).due == 6
    assert Vault(web).epoch_begun() == Vault(owner).epoch_begun()


def test_an_epoch_does_not_end_while_the_role_wraps_under_it(owner: KeyStore, web: KeyStore) -> None:
    """It holds the epoch as the owner does: the end waits for its transaction."""
    name = web.epochs.present()
    with web.engine.begin() as connection, owner.engine.connect() as ending:
        web.epochs.hold(connection, name)
        ending.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(DBAPIError, match="lock timeout"):
            ending.execute(text("UPDATE epoch SET ended_at = now()"))


def test_changes_of_all_keys_are_the_owners(web: KeyStore) -> None:
    """It is said in a sentence, rather than that nothing was found to change."""
    for change in (lambda: KeyAdmin(Changing(web, per_second=100)), lambda: grant(web.engine, "web")):
        with pytest.raises(KeyStoreError, match="changed and backed up by the owner of the key store"):
            change()


def test_granting_takes_what_more_there_was(owner: KeyStore, stranger: Engine) -> None:
    """However much was granted by hand, afterwards it is exactly what is needed; a second time changes nothing."""
    with owner.engine.begin() as connection:
        for name in RIGHTS:
            connection.exec_driver_sql(f"GRANT ALL ON {name} TO web")
    for _ in range(2):
        grant(owner.engine, "web")
        with pytest.raises(DBAPIError, match="permission denied"), stranger.begin() as connection:
            connection.exec_driver_sql("TRUNCATE subject_key")
        with stranger.connect() as connection:
            assert connection.scalar(select(key_store.c.version)) == VERSION


def test_the_rules_hold_for_rights_that_were_granted_by_hand(owner: KeyStore, stranger: Engine) -> None:
    """Whoever grants everything by hand still shows nobody, and lets no epoch and no root key be changed."""
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO web")
    assert everything(stranger) == []
    with stranger.begin() as connection:
        for statement in ("DELETE FROM epoch", "DELETE FROM key_store", "UPDATE key_store SET root_key = 'mine'"):
            assert connection.exec_driver_sql(statement).rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"), stranger.begin() as connection:
        connection.exec_driver_sql("UPDATE epoch SET ended_at = now()")


@pytest.mark.parametrize("name", ["o'web", 'we"b', "we b; DROP TABLE epoch", "100%s", "Web:role"])
def test_a_role_of_any_name_is_granted(owner: KeyStore, open_at: Open, postgres: PostgresServer, name: str) -> None:
    """Its name is quoted."""
    url = postgres.as_role(str(owner.engine.url), name)
    with pytest.raises(KeyStoreError, match="permission denied"):
        open_at(url)
    grant(owner.engine, name)
    assert Vault(open_at(url)).has("ada")


def test_a_role_that_is_not_there_is_said(owner: KeyStore) -> None:
    """Nothing is made, and PUBLIC is no role."""
    for name in ("nobody-knows", "public", "PUBLIC", ""):
        with pytest.raises(KeyStoreError, match="There is no role"):
            grant(owner.engine, name)


@pytest.mark.parametrize(
    "attribute",
    [
        "SUPERUSER",
        "BYPASSRLS",
        "REPLICATION",
        "IN ROLE keeper",
        "IN ROLE passing NOINHERIT",
        *(
            f"IN ROLE pg_{what}"
            for what in ("read_all_data", "write_all_data", "read_server_files", "write_server_files")
        ),
        "IN ROLE pg_execute_server_program",
    ],
)
def test_a_role_that_the_rules_do_not_hold_for_is_refused(
    owner: KeyStore, postgres: PostgresServer, attribute: str
) -> None:
    """Superusers, those with BYPASSRLS, the owner, who may become one of them, and who gets at statistics or files."""
    server = create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for statement in ("DROP ROLE IF EXISTS above", "DROP ROLE IF EXISTS passing", "CREATE ROLE passing BYPASSRLS"):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"CREATE ROLE above {attribute}")
    server.dispose()
    for name in ("above", "keeper"):
        with pytest.raises(KeyStoreError, match="sees every row"):
            grant(owner.engine, name)


def test_a_file_has_one_owner(tmp_path: Path, root_key: FileRootKey) -> None:
    """On SQLite there is nobody to grant anything to."""
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", root_key)
    with closing(store), pytest.raises(KeyStoreError, match="A key store in a file has one owner"):
        grant(store.engine, "web")


def test_an_older_store_is_brought_along_by_its_owner(
    owner: KeyStore, owners_url: str, web_url: str, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role is told so, in a sentence, and changes nothing; once the owner has opened it, it is opened as before."""
    with owner.engine.begin() as connection:
        connection.execute(update(key_store).values(version=VERSION - 1))
    monkeypatch.setitem(migrations.STEPS, VERSION - 1, lambda _connection, _epochs, _now: None)
    with pytest.raises(KeyStoreError, match="older version: open it once by the URL of its owner"):
        open_at(web_url)
    open_at(owners_url)
    assert Vault(open_at(web_url)).count() == 2
