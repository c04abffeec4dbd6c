"""A new database seen by purposes, and a session that sees everything to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import Session

from datasteward import tables
from datasteward.catalog import Catalog
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes


@contextmanager
def filled(url: str, policies: PolicySet, made: MetaData) -> Iterator[tuple[Purposes, Session]]:
    """The views of a database with these tables and the toolkit's, and the session; the caller commits."""
    engine = create_engine(url)
    for each in (made, tables.metadata):
        each.create_all(engine)
    with Session(engine) as session:
        yield Purposes(engine, Catalog(made, tables.metadata), policies), session
    engine.dispose()
