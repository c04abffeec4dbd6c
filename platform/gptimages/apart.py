"""Database and key store are two, however their addresses are spelt: what backs the one up must not hold the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbits

from sqlalchemy import Connection, create_engine, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from datasteward.keys.database import faults
from datasteward.keys.tables import key_store
from gptimages.accounts.models import Account
from gptimages.errors import StartError
from gptimages.settings import PREFIX

ONE = f"Database and key store are one: give {PREFIX}KEY_STORE a database of its own."
LEFT = (
    f"There is a table {{}} in the {{}}, where it must not be: correct {PREFIX}DATABASE and {PREFIX}KEY_STORE, "
    "or drop what was left there."
)


def require_apart(database: str, keys: str) -> None:
    """Raises StartError when both URLs lead to one database, or one has tables of the other; makes none.

    Raises KeyStoreError when the key store cannot be reached, and what SQLAlchemy raises for the database.
    """
    one, other = _file(database), _file(keys)
    if (
        one
        and other
        and (one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other)))
    ):
        raise StartError(ONE)
    with _open(database) as ours:
        with faults(), _open(keys) as theirs:
            if ours and theirs and _are_one(ours, theirs):
                raise StartError(ONE)
            if theirs and inspect(theirs).has_table(Account.__tablename__):
                raise StartError(LEFT.format(Account.__tablename__, "key store"))
        if ours and inspect(ours).has_table(key_store.name):
            raise StartError(LEFT.format(key_store.name, "database"))


def _file(url: str) -> Path | None:
    """The file of an SQLite database."""
    told = make_url(url)
    if told.get_backend_name() != "sqlite":
        return None
    return Path((told.database or "").removeprefix("file:"))


@contextmanager
def _open(url: str) -> Iterator[Connection | None]:
    """A connection of its own; None where there is no file yet."""
    file = _file(url)
    if file is not None and not file.is_file():
        yield None
        return
    with create_engine(url, poolclass=NullPool, hide_parameters=True).connect() as connection:
        yield connection


def _are_one(ours: Connection, theirs: Connection) -> bool:
    """Whether a lock that one takes is in the other's way: advisory locks are a database's (postgresql.org, pg_locks)."""
    if {ours.dialect.name, theirs.dialect.name} != {"postgresql"}:
        return False
    number = randbits(62)
    ours.execute(select(func.pg_advisory_xact_lock(number)))
    return theirs.scalar(select(func.pg_try_advisory_xact_lock(number))) is False
