"""Database and key store are never one: the service's own backup would hold the wrapped keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from conftest import Clock
from sqlalchemy import create_engine, inspect

from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import Settings

ONE = "Database and key store are one: give GPTIMAGES_KEY_STORE a database of its own"


def spellings(url: str, tmp_path: Path) -> list[str]:
    """Other addresses of the same database."""
    if url.startswith("postgresql"):
        return [f"{url}{'&' if '?' in url else '?'}application_name=web"]
    file = Path(url.removeprefix("sqlite:///"))
    (tmp_path / "link.db").symlink_to(file)
    return [f"sqlite:///{file.parent}/../{file.parent.name}/{file.name}", f"sqlite:///{tmp_path / 'link.db'}"]


def tables(url: str) -> list[str]:
    """What has been made there."""
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def test_two_spellings_of_one_database_are_refused(
    any_settings: Settings, clock: Clock, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """At the first start already, when it is empty, and nothing is made in it."""
    url = new_database()
    for other in (url, *spellings(url, tmp_path)):
        given = msgspec.structs.replace(any_settings, data=tmp_path / "new", database=url, key_store=other)
        with pytest.raises(StartError, match=ONE):
            open_installation(given, clock)
    assert tables(url) == []
    assert not (tmp_path / "new" / "keys" / "root.key").exists()


def test_the_file_of_the_database_is_no_key_store(settings: Settings, clock: Clock) -> None:
    """Nor by its own name, where no other database is set."""
    given = msgspec.structs.replace(settings, key_store=f"sqlite:///{settings.data / 'gptimages.db'}")
    with pytest.raises(StartError, match=ONE):
        open_installation(given, clock)


def test_tables_of_the_other_are_told(any_settings: Settings, clock: Clock) -> None:
    """A key store that was left in the database would be in its backups; and the other way round."""
    with closing(open_installation(any_settings, clock)) as here:
        database, keys = str(here.db.engine.url), str(here.vault._store.engine.url)
    for url, table, where in ((database, "key_store", "database"), (keys, "account", "key store")):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {table} (id integer)")
        with pytest.raises(StartError, match=f"There is a table {table} in the {where}"):
            open_installation(any_settings, clock)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        engine.dispose()
    open_installation(any_settings, clock).close()
