"""Opening the key store's database, and what a failing one means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from datasteward.errors import KeyStoreError
from datasteward.keys import sqlite
from datasteward.keys.tables import SUBJECT, key_store

OPENING = 7_236_841_001
"""The number of PostgreSQL's advisory lock for opening a key store."""


def open_engine(url: str) -> Engine:
    """The engine of a key store. Raises KeyStoreError when the URL cannot be used or the file cannot be made."""
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine)
    return engine


def is_empty(url: str) -> bool:
    """Whether there is no key store at this URL; none is made, no file either. Raises KeyStoreError."""
    engine = _engine(url)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return True
    try:
        with faults():
            return not inspect(engine).has_table(key_store.name)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        return create_engine(make_url(url), hide_parameters=True)
    except (ArgumentError, ImportError, ValueError):  # a port that is no number
        raise KeyStoreError("The key store's URL cannot be used: give one like sqlite:////directory/keys.db.") from None


@contextmanager
def faults() -> Iterator[None]:
    """Says what a failing database means here."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise KeyStoreError(f"The key store cannot be used ({reason}): check its file, rights and space.") from error


@contextmanager
def exclusively(engine: Engine) -> Iterator[Connection]:
    """A transaction that one process at a time has, so that those that start together make one store."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({OPENING})")
        yield connection


@contextmanager
def about(engine: Engine, subject: str) -> Iterator[Connection]:
    """A transaction about one subject: on PostgreSQL a role that is not the owner sees and changes no other's keysets."""
    with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            connection.execute(select(func.set_config(SUBJECT, subject, True)))  # gone with the transaction
        yield connection
