"""Schemas of K9db in the words of our catalog, on a real database: who gets which rows, and what is left when one leaves.

K9db (brownsys/K9db, OSDI 2023) annotates foreign keys of a MySQL schema. Its words in ours:

    DATA_SUBJECT                  is_subject
    OWNED_BY                      owned_by, owned_via (OWNS, seen from the other side: owned_through)
    ACCESSED_BY                   seen_by, seen_via (ACCESSES: seen_through)
    ON DEL column DELETE_ROW      leaving=with_any()
    ON DEL column ANON (…)        leaving=anonymise(…)
    ON GET column ANON (…)        hides=(…)

Two things are said more plainly than there. People have one opaque id each, so a doctor and a patient are never both 1.
K9db leaves the id of an erased person standing in other people's rows; where such a column is a foreign key here, the
database empties it (ON DELETE SET NULL), and a plain column holds the id where the case is about its staying.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zipfile import ZipFile

from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

from datasteward.catalog import Road, record, tag
from datasteward.rights import requests
from datasteward.rights.erasure import Certificate, Erasure
from datasteward.rights.export import Export
from datasteward.steward import Steward

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Rows = Mapping[str, Sequence[tuple[object, ...]]]
"""Rows by table, in the order of its columns and of its key. A table without rows is not named."""


def table(metadata: MetaData, name: str, *columns: Column[Any], roads: Sequence[Road]) -> Table:
    """A table of one of the schemas; its first column is the key."""
    columns[0].primary_key = True
    columns[0].nullable = False
    return Table(name, metadata, *columns, info=record("user.behavior.usage", *roads))


def person(name: str) -> Column[str]:
    """A column that holds the opaque id of a person, without a foreign key."""
    return Column(name, String(40), info=tag("user.unique_id"))


def number(name: str) -> Column[int]:
    """A column that holds a number."""
    return Column(name, Integer, info=tag("system.operations"))


def words(name: str) -> Column[str]:
    """A column that holds words of or about somebody."""
    return Column(name, String(80), info=tag("user.behavior.usage"))


def key(name: str, to: str) -> Column[Any]:
    """A foreign key that each row has: the row goes with what it refers to."""
    return Column(name, ForeignKey(to), nullable=False, info=tag("system.operations"))


def loose(name: str, to: str) -> Column[Any]:
    """A foreign key that lets go of what it refers to when that goes."""
    return Column(name, ForeignKey(to, ondelete="SET NULL"), nullable=True, info=tag("system.operations"))


@dataclass
class Service:
    """One schema with its rows and the toolkit over it."""

    steward: Steward
    engine: Engine
    metadata: MetaData

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at its end."""
        with Session(self.engine) as session, session.begin():
            yield session

    def put(self, rows: Rows) -> None:
        """Inserts the rows, and makes a key for each person among them."""
        catalog = self.steward.catalog
        with self.write() as session:
            for each in self.metadata.sorted_tables:
                for values in rows.get(str(each.name), ()):
                    session.execute(insert(each).values(dict(zip(each.c.keys(), values, strict=True))))
                for road in catalog.record(each).roads:
                    if road.kind == "subject":
                        for subject in session.scalars(select(each.c[road.columns[0]])):
                            self.steward.vault.create(subject)

    def get(self, subject: str) -> dict[str, list[tuple[object, ...]]]:
        """What stands in the archive of the person."""
        with self.write() as session:
            export = Export(session, self.steward, subject, service="K9db", request="none", asked_at=NOW)
            archive = io.BytesIO(b"".join(export.chunks()))
        found: dict[str, list[tuple[object, ...]]] = {}
        with ZipFile(archive) as opened:
            for each in self.metadata.sorted_tables:
                if (path := f"data/{each.name}.json") in opened.namelist():
                    names = each.c.keys()
                    told = json.loads(opened.read(path))["rows"]
                    found[str(each.name)] = [tuple(row[name] for name in names) for row in told]
        return {name: rows for name, rows in found.items() if rows}

    def forget(self, subject: str) -> Certificate:
        """Erases the person."""
        with self.write() as session:
            asked = requests.ask(session, self.steward.policies, subject, "erasure", country="NO", now=NOW).id
        return Erasure(self.steward, self.write, asked, clock=lambda: NOW).run()

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with self.write() as session:
            found = {
                str(each.name): [tuple(row) for row in session.execute(select(each).order_by(*each.primary_key))]
                for each in self.metadata.sorted_tables
            }
        return {name: rows for name, rows in found.items() if rows}
